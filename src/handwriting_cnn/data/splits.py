"""The two parts of a data set."""

from typing import NamedTuple

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import DataError


class DatasetSplits(NamedTuple):
    """The two parts of a data set: one to learn from, and one to score once.

    Attributes:
        train: What is learned from, and what every choice is made on.
        test: What the result is scored on.
    """

    train: Dataset
    test: Dataset

    @property
    def name(self) -> str:
        """What the data are, such as ``"ahcd"``."""
        return self.train.name

    @property
    def protocol(self) -> str:
        """How they were split, such as ``"official"``."""
        return self.train.protocol


def check_dataset(role: str, value: object) -> None:
    """Refuse what is no :class:`~handwriting_cnn.Dataset`, such as both parts of one.

    Raises:
        DataError: If it is something else.
    """
    if not isinstance(value, Dataset):
        hint = ": pass one of its parts, train or test" if isinstance(value, DatasetSplits) else ""
        raise DataError(f"{role} must be a Dataset, but is {type(value).__name__}{hint}")
