"""NPZ archives of arrays of the user's own."""

import sys
import tokenize
import zipfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.labels import class_numbers
from handwriting_cnn.data.polarity import bright_on_dark
from handwriting_cnn.data.validation import checked_images
from handwriting_cnn.errors import DataError, ShapeMismatchError, UnknownNameError
from handwriting_cnn.storage.archive_members import DAMAGE

_LARGEST_BYTES: Final = 2**33
# As Keras, MedMNIST, KMNIST and most people's np.savez name them.
_IMAGES: Final = ("images", "x", "x_train", "train_images", "X", "data", "arr_0")
_LABELS: Final = ("labels", "y", "y_train", "train_labels", "Y", "target", "arr_1", "arr_0")


def load_npz(
    path: str | PathLike[str],
    *,
    images: str | None = None,
    labels: str | None = None,
    labels_file: str | PathLike[str] | None = None,
    alphabet: str | Sequence[str] | Alphabet | None = None,
    first_label: int = 0,
    transpose: bool = False,
) -> Dataset:
    """Load arrays from an ``.npz`` file; one that holds pickled objects is refused.

    Args:
        path: The file.
        images: The pictures' array: uint8 ``(n, height, width)`` or ``(n, height, width, 1)``; ink on light paper is
            turned over, all or none. ``None`` takes the first that is there of ``images``, ``x``, ``x_train``,
            ``train_images``, ``X``, ``data``, ``arr_0``.
        labels: The labels' array: whole numbers or texts ``(n,)`` or ``(n, 1)``. ``None`` takes the first of
            ``labels``, ``y``, ``y_train``, ``train_labels``, ``Y``, ``target``, ``arr_1``, ``arr_0``.
        labels_file: A second file that has the labels, as KMNIST's.
        alphabet: What the classes are; ``None`` makes a class of each different label.
        first_label: The number of the first class.
        transpose: Whether the pictures run column by column.

    Returns:
        The data set, in the arrays' order.

    Raises:
        DataError: If a file is no such archive, is damaged or holds objects, or an array has another form.
        UnknownNameError: If it has no array of that name.
        ShapeMismatchError: If there are not as many labels as pictures.
    """
    source = Path(path)
    pixels = _read(source, images, _IMAGES)
    truth = _read(Path(labels_file) if labels_file else source, labels, _LABELS)
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.ndim != 1 or truth.dtype.kind not in "iuU":
        raise DataError(f"labels must be whole numbers or texts of shape (n,), but are {truth.dtype} of {truth.shape}")
    if truth.dtype.kind == "U" and not _is_text(truth):
        raise DataError(f"the labels of {source.name} are texts with characters that Unicode does not have")
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 3:
        colour = ": make colours grey first, such as with .mean(axis=-1)" if pixels.ndim == 4 else ""
        raise DataError(f"pictures must be of shape (n, height, width), but are of {pixels.shape}{colour}")
    pixels = checked_images(pixels)[..., 0]
    if len(truth) != len(pixels):
        raise ShapeMismatchError(f"{source.name} has {len(pixels)} pictures, but there are {len(truth)} labels")
    cells = [(f"label {place}", str(value)) for place, value in enumerate(truth.tolist(), start=1)]
    numbers, chosen = class_numbers(cells, alphabet=alphabet, first_label=first_label)
    upright = pixels.transpose(0, 2, 1) if transpose else pixels
    return Dataset.from_arrays(bright_on_dark(upright), numbers, alphabet=chosen, name=source.stem)


def _read(path: Path, wanted: str | None, usual: Sequence[str]) -> npt.NDArray[Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            name = wanted if wanted is not None else next((key for key in usual if key in arrays), usual[0])
            UnknownNameError.check(f"array of {path.name}", [name], known=map(_shown, arrays))
            return _read_array(archive, name, arrays[name])
    except (DataError, UnknownNameError):
        raise
    except DAMAGE as error:
        raise DataError(f"{path} is no whole .npz file: {error}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _read_array(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if member.file_size > _LARGEST_BYTES:
        raise DataError(
            f"array {name!r} has {member.file_size:,} bytes, more than the {_LARGEST_BYTES:,} that are read"
        )
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataError(f"array {name!r} of {archive.filename} is neither stored nor deflated, as NumPy's are")
    with archive.open(member) as file:
        try:
            array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, TypeError, SyntaxError, tokenize.TokenError) as error:
            objects = "allow_pickle" in str(error)
            reason = "it holds pickled objects, which could run code" if objects else str(error)
            raise DataError(f"array {name!r} of {archive.filename} is not read: {reason}") from None
    return array


def _is_text(texts: npt.NDArray[Any]) -> bool:
    codes = np.frombuffer(texts.astype(texts.dtype.newbyteorder("=")).tobytes(), np.uint32)
    return not ((codes > sys.maxunicode) | ((codes >= 0xD800) & (codes < 0xE000))).any()


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)
