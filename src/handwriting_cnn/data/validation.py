"""Checks of the arrays that a data set is made of."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import DataError, ShapeMismatchError
from handwriting_cnn.types import ImageArray, LabelArray

_Scalar = TypeVar("_Scalar", bound=np.generic)


def checked_images(images: npt.ArrayLike) -> ImageArray:
    """Return a read-only view ``(n, height, width, 1)`` of uint8 pictures, which may lack the last axis.

    Raises:
        DataError: If they have another type or shape, or there are none.
    """
    try:
        array = np.asarray(images)
    except ValueError:
        raise DataError("pictures must have one size: these do not fit into one array") from None
    if array.dtype != np.uint8:
        hint = ""
        if np.issubdtype(array.dtype, np.floating):
            hint = ": multiply by 255 if they lie in 0..1, then round and cast with .astype('uint8')"
        elif np.issubdtype(array.dtype, np.integer):
            hint = ": cast with .astype('uint8') if they lie in 0..255"
        raise DataError(f"pictures must be uint8, but are {array.dtype}{hint}")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[-1] != 1:
        raise DataError(
            f"pictures must be (n, height, width) or (n, height, width, 1), but their shape is {array.shape}"
        )
    if 0 in array.shape:
        raise DataError(f"there must be at least one picture with at least one pixel, but their shape is {array.shape}")
    return read_only(array)


def checked_labels(labels: npt.ArrayLike, count: int, alphabet: Alphabet) -> LabelArray:
    """Return labels as read-only int64, one for each of ``count`` pictures and each a class of the alphabet.

    Raises:
        ShapeMismatchError: If there are more or fewer.
        DataError: If one is no whole number, or no class; the first is named.
    """
    array = _column("labels", labels, count)
    outside = np.flatnonzero((array < 0) | (array >= len(alphabet)))
    if len(outside):
        raise DataError(
            f"label {array[outside[0]]} at position {outside[0]} is not in 0..{len(alphabet) - 1}, "
            f"the classes of an alphabet of {len(alphabet)}"
        )
    return array


def checked_writers(writers: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """Return writer numbers as read-only int64, one for each of ``count`` pictures.

    Raises:
        ShapeMismatchError: If there are more or fewer.
        DataError: If one is no whole number.
    """
    return _column("writers", writers, count)


def checked_extra(extra: Mapping[str, npt.ArrayLike], count: int) -> dict[str, npt.NDArray[Any]]:
    """Return further columns as read-only arrays with one entry for each of ``count`` pictures.

    Raises:
        ShapeMismatchError: If one has more or fewer entries.
    """
    columns = {name: np.asarray(column) for name, column in extra.items()}
    for name, column in columns.items():
        if column.shape[:1] != (count,):
            raise ShapeMismatchError(f"column {name!r} of shape {column.shape} has not one entry a picture, of {count}")
    return {name: read_only(column) for name, column in columns.items()}


def _column(what: str, values: npt.ArrayLike, count: int) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{what} must be whole numbers, but are {array.dtype}")
    if array.ndim != 1:
        raise DataError(f"{what} must have the shape (n,), but have {array.shape}")
    if len(array) != count:
        raise ShapeMismatchError(f"there are {count} pictures, but {len(array)} {what}")
    return read_only(array.astype(np.int64, copy=False))


def read_only(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    """Return a view of an array that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def warn_of_absent(alphabet: Alphabet, absent: npt.NDArray[np.bool_], where: str, *, stacklevel: int = 3) -> None:
    """Warn of the classes without a picture, if there are any; ``stacklevel`` names the caller who is told."""
    characters = [text for text, gone in zip(alphabet.characters, absent, strict=True) if gone]
    if characters:
        warnings.warn(f"{where} has no picture of {listed(characters)}", UserWarning, stacklevel=stacklevel)


def listed(characters: Sequence[str]) -> str:
    """Return characters as a message shows them, the first 20."""
    return ", ".join(characters[:20]) + (", ..." if len(characters) > 20 else "")


def checked_positions(positions: npt.ArrayLike, count: int) -> npt.NDArray[np.integer[Any]]:
    """Return positions among so many pictures as an array.

    Raises:
        DataError: If they are no list of whole numbers, or one is out of range.
    """
    chosen = np.asarray(positions)
    if chosen.ndim == 1 and not len(chosen):
        return chosen.astype(np.int64)
    if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer):
        raise DataError(f"positions must be a list of whole numbers, not {chosen.dtype} of shape {chosen.shape}")
    if chosen.min() < 0 or chosen.max() >= count:
        raise DataError(f"positions lie in 0..{count - 1}, not in {chosen.min()}..{chosen.max()}")
    return chosen


def group_column(name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a column whose equal entries are groups, ``(n,)``; Python objects become numbers or text.

    Raises:
        DataError: If it has more than one value a picture, or entries that cannot be put in an order, such as ``None``
            among text.
    """
    if column.ndim != 1:
        raise DataError(f"column {name!r} of shape {column.shape} has more than one value a picture")
    plain = np.asarray(column.tolist()) if column.dtype.kind == "O" else column
    if plain.dtype.kind == "O" or plain.ndim != 1:
        kinds = ", ".join(sorted({type(entry).__name__ for entry in column}))
        raise DataError(f"the entries of column {name!r} must be all numbers or all text, but are {kinds}")
    return plain
