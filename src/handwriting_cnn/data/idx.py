"""IDX files of the user's own, the format of MNIST, EMNIST and their kin."""

import gzip
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.labels import class_numbers
from handwriting_cnn.data.polarity import bright_on_dark
from handwriting_cnn.errors import DataError, ShapeMismatchError

_UNSIGNED_BYTES: Final = b"\0\0\x08"
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 2**24
_LARGEST_BYTES: Final = 2**33


def load_idx(
    images: str | PathLike[str],
    labels: str | PathLike[str],
    *,
    alphabet: str | Sequence[str] | Alphabet | None = None,
    first_label: int = 0,
    transpose: bool = False,
) -> Dataset:
    """Load a pair of IDX files (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist), plain or gzipped.

    Args:
        images: The pictures: unsigned bytes in three dimensions. Ink on light paper is turned over, all or none.
        labels: The labels: unsigned bytes in one dimension.
        alphabet: What the classes are; ``None`` makes a class of each different label.
        first_label: The number of the first class; EMNIST's letters count from 1.
        transpose: Whether the pictures run column by column, as EMNIST's do.

    Returns:
        The data set, in the files' order.

    Raises:
        DataError: If a file is no IDX file of this kind, is shorter than it claims, or a label is no class.
        ShapeMismatchError: If there are not as many labels as pictures.
    """
    pictures, numbers = _read(Path(images), dimensions=3), _read(Path(labels), dimensions=1)
    if len(pictures) != len(numbers):
        raise ShapeMismatchError(f"{images} has {len(pictures)} pictures, but {labels} has {len(numbers)} labels")
    name = Path(labels).name
    cells = [(f"{name}, item {place}", str(number)) for place, number in enumerate(numbers.tolist(), start=1)]
    classes, chosen = class_numbers(cells, alphabet=alphabet, first_label=first_label)
    upright = pictures.transpose(0, 2, 1) if transpose else pictures
    return Dataset.from_arrays(bright_on_dark(upright), classes, alphabet=chosen, name=Path(images).name.split(".")[0])


def _read(path: Path, *, dimensions: int) -> npt.NDArray[np.uint8]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
        with gzip.open(path) if zipped else path.open("rb") as file:
            return _parse(path, cast("IO[bytes]", file), dimensions)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged: {error}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _parse(path: Path, file: IO[bytes], dimensions: int) -> npt.NDArray[np.uint8]:
    magic = file.read(4)
    if magic != _UNSIGNED_BYTES + bytes([dimensions]):
        raise DataError(
            f"{path} begins with {magic.hex() or 'nothing'}, but an IDX file of unsigned bytes in {dimensions} "
            f"dimensions begins with 0000080{dimensions}"
        )
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path} ends within its header")
    shape = tuple(int.from_bytes(sizes[start : start + 4], "big") for start in range(0, len(sizes), 4))
    expected, body = 1, bytearray()
    for side in shape:
        expected *= side
    while len(body) <= expected and (chunk := file.read(min(_CHUNK, expected + 1 - len(body)))):
        body += chunk
        if len(body) > _LARGEST_BYTES:
            raise DataError(f"{path} has more than the {_LARGEST_BYTES:,} bytes that are read")
    if len(body) != expected or not expected:
        claimed = "x".join(map(str, shape))
        found = f"only {len(body):,}" if len(body) < expected else "more" if expected else "none"
        raise DataError(f"{path} claims {claimed} bytes, {expected:,}, but has {found}")
    return np.frombuffer(bytes(body), np.uint8).reshape(shape)
