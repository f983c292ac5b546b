"""The data of a run: the set that was asked for, and the alphabet that task 4 transfers from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from handwriting_cnn.data.catalog import find_dataset, published
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import DataError
from handwriting_cnn.tasks.definitions import Task

_SOURCE: Final = "russian-letters"
_HALVED: Final = ("digits", _SOURCE)


@dataclass(frozen=True, eq=False)
class Material:
    """What tasks learn from; the source is loaded when a task first needs it.

    Args:
        splits: The data set that was asked for.
        load_source: Loads the source, or is ``None``: halves of the data set's own classes.
    """

    splits: DatasetSplits
    load_source: Callable[[], DatasetSplits] | None

    @cached_property
    def source(self) -> DatasetSplits:
        """What task 4's base learns."""
        return self.splits if self.load_source is None else self.load_source()

    def of(self, task: Task) -> DatasetSplits:
        """Return what a task learns and is scored on."""
        if task.transfer is None and not task.on_source:
            return self.splits
        chosen = self.source if task.on_source else self.splits
        if self.load_source is not None:
            return chosen
        characters = chosen.train.alphabet.characters
        half = len(characters) // 2
        part = characters[:half] if task.on_source else characters[half:]
        return DatasetSplits(chosen.train.select_classes(part), chosen.test.select_classes(part))


def find_material(dataset: str | DatasetSplits, source: str | DatasetSplits | None) -> Material:
    """Return the data that names, or splits of the user's own, stand for.

    Raises:
        UnknownNameError: If there is no such data set, or no such source.
        DataError: If the user's own are no splits.
        DownloadError: If it cannot be fetched.
    """
    if isinstance(source, str):
        find_dataset(source)
    for role, given in (("dataset", dataset), ("source", source)):
        if not isinstance(given, str | DatasetSplits | None):
            raise DataError(f"{role} must be a name or DatasetSplits, but is {type(given).__name__}")
    splits = load_dataset(dataset) if isinstance(dataset, str) else dataset
    if isinstance(source, DatasetSplits):
        return Material(splits, lambda: source)
    if source is None and splits.name in _HALVED and published(splits.name, splits.test.protocol):
        return Material(splits, None)
    return Material(splits, lambda: load_dataset(source or _SOURCE))
