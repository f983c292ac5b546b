"""Options that several commands share."""

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from handwriting_cnn.cli.output import STOPPED, handling_stops
from handwriting_cnn.cli.processes import check_membership, join_group
from handwriting_cnn.errors import ConfigError, HandwritingError

if TYPE_CHECKING:
    from handwriting_cnn.data.alphabet import Alphabet
    from handwriting_cnn.data.dataset import Dataset
    from handwriting_cnn.data.splits import DatasetSplits
    from handwriting_cnn.imaging.preprocessing import PreprocessSpec
    from handwriting_cnn.types import Classifier

_F = TypeVar("_F", bound=Callable[..., Any])

json_option: Callable[[_F], _F] = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

tta_option: Callable[[_F], _F] = click.option(
    "--tta",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="Average the answers to each picture and to it moved by so many pixels to each side; five times the work.",
)


def import_option(function: _F) -> _F:
    """Add ``--import MODULE``, which registers the user's own models."""
    return click.option(
        "--import",
        "modules",
        multiple=True,
        metavar="MODULE",
        help="Import a Python module first, such as one that registers models of your own. Repeatable.",
        expose_value=False,
        callback=lambda _context, _option, modules: import_modules(modules),
    )(function)


def data_options(function: _F) -> _F:
    """Add ``--dataset``, ``--split``, ``--fold``, ``--folder``, ``--csv``, ``--npz`` and ``--idx``."""
    for option in (
        click.option(
            "--idx",
            type=(click.Path(path_type=Path), click.Path(path_type=Path)),
            metavar="IMAGES LABELS",
            help="Your own data: a pair of IDX files, as MNIST's.",
        ),
        click.option("--npz", type=click.Path(path_type=Path), metavar="FILE", help="Your own data: arrays."),
        click.option("--csv", type=click.Path(path_type=Path), metavar="FILE", help="Your own data: a table."),
        click.option(
            "--folder",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Your own data: a folder of pictures a class.",
        ),
        click.option("--fold", type=int, default=0, show_default=True, help="Fold of a split that has several."),
        click.option("--split", "data_protocol", metavar="NAME", help="The data set's published way to split it."),
        click.option("--dataset", metavar="NAME", help="A data set by name [default: digits]."),
    ):
        function = option(function)
    return function


def load_chosen(
    *,
    dataset: str | None,
    data_protocol: str | None,
    fold: int,
    folder: Path | None,
    csv: Path | None,
    npz: Path | None,
    idx: tuple[Path, Path] | None,
    alphabet: "Alphabet | None" = None,
    preprocessing: "PreprocessSpec | None" = None,
) -> "DatasetSplits | Dataset":
    """Load what the options of :func:`data_options` name: splits by name, or a single set of the user's own.

    Args:
        dataset: A catalogued name.
        data_protocol: A published way to split it.
        fold: Its fold.
        folder: A folder of pictures.
        csv: A table.
        npz: An archive of arrays.
        idx: IDX files of pictures and of labels.
        alphabet: What the classes of a set of the user's own are; ``None`` takes what it holds.
        preprocessing: The rules for pictures of the user's own, such as a model's; ``None`` takes the reader's.

    Raises:
        ConfigError: If more than one source is named, or a split of a source that has none.
    """
    from handwriting_cnn.data.folder import load_folder
    from handwriting_cnn.data.idx import load_idx
    from handwriting_cnn.data.loading import load_dataset
    from handwriting_cnn.data.npz import load_npz
    from handwriting_cnn.data.table import load_csv

    own = [source for source in (folder, csv, npz, idx) if source is not None]
    if len(own) + (dataset is not None) > 1:
        raise ConfigError("--dataset, --folder, --csv, --npz and --idx name different data: give one of them")
    if own and (data_protocol is not None or fold):
        raise ConfigError("--split and --fold are of the data sets that have a name: your own data have neither")
    if folder is not None:
        return load_folder(folder, alphabet=alphabet, preprocessing=preprocessing)
    if csv is not None:
        found = load_csv(csv, alphabet=alphabet)
        if preprocessing in (None, found.preprocessing):
            return found
        return load_csv(csv, alphabet=alphabet, preprocessing=preprocessing)
    if npz is not None:
        return _brought_to_size(load_npz(npz, alphabet=alphabet), preprocessing)
    if idx is not None:
        return _brought_to_size(load_idx(*idx, alphabet=alphabet), preprocessing)
    return load_dataset(dataset or "digits", protocol=data_protocol, fold=fold)


def _brought_to_size(found: "Dataset", spec: "PreprocessSpec | None") -> "Dataset":
    """Return arrays by a model's rules if they have another size than it takes, else as they are."""
    import numpy as np

    from handwriting_cnn.data.dataset import Dataset
    from handwriting_cnn.imaging.preprocessing import preprocess

    if spec is None or found.input_shape[:2] == (spec.height, spec.width):
        return found
    images = np.stack([preprocess(image[..., 0], spec) for image in found.images])
    return Dataset.from_arrays(images, found.labels, alphabet=found.alphabet, name=found.name, preprocessing=spec)


def check_out(out: Path | None, *folders: Path | None, option: str = "--out") -> None:
    """Refuse a place for results that is none.

    Raises:
        ConfigError: If it is a folder of pictures, or lies in one: results would be taken for pictures.
    """
    for folder in folders:
        if out is not None and folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"{option} {out} lies in {folder}: it would be taken for a picture; give another place")


def combined(members: "Sequence[Classifier]", *, tta: int | None) -> "Classifier":
    """Return classifiers as one, as ``--tta`` says: itself, their mean, and that over shifted pictures."""
    from handwriting_cnn.evaluation.classifiers import Ensemble, ShiftAveraging

    classifier = members[0] if len(members) == 1 else Ensemble(members)
    return classifier if tta is None else ShiftAveraging(classifier, pixels=tta)


def import_modules(modules: tuple[str, ...]) -> None:
    """Import modules of the user's, also from the current folder.

    Raises:
        ConfigError: If one cannot be imported.
    """
    if not modules:
        return
    start_backend()
    sys.path.insert(0, str(Path.cwd()))
    for module in modules:
        try:
            importlib.import_module(module.removesuffix(".py"))
        except HandwritingError:
            raise
        except Exception as error:
            raise ConfigError(f"--import {module}: {type(error).__name__}: {error}") from error


def start_backend() -> None:
    """Import Keras and its backend, with fast convolutions and without start-up chatter.

    TensorFlow writes to the file descriptor before any setting reaches it; what it wrote is shown if importing fails.
    A signal that arrives meanwhile ends the process at once: an exception might be swallowed by what is imported, and
    there is nothing to lose yet.

    Raises:
        ConfigError: If ``KERAS_BACKEND`` names a backend that is none, or is not installed; or if the environment makes
            this process a member of a group that cannot be.
    """
    check_membership()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Without it TensorFlow convolves two to three times slower on processors that lack AVX-512.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as chatter, _ending_at_once(kept):
            os.dup2(chatter.fileno(), 2)
            try:
                join_group(importlib.import_module("keras"))
            except BaseException as error:
                os.dup2(kept, 2)
                if isinstance(error, HandwritingError):
                    raise
                backend = os.environ.get("KERAS_BACKEND")
                if backend and isinstance(error, ImportError | ValueError):
                    raise ConfigError(f"KERAS_BACKEND={backend} cannot be used: {error}") from error
                chatter.seek(0)
                os.write(2, chatter.read())
                raise
            os.dup2(kept, 2)
    finally:
        os.close(kept)


@contextmanager
def _ending_at_once(output: int) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the process inside the block, with the line that they always get."""

    def end(number: int, _frame: FrameType | None) -> None:
        os.write(output, f"handwriting-cnn: {STOPPED[signal.Signals(number)]}\n".encode())
        os._exit(128 + number)

    with handling_stops(end):
        yield
