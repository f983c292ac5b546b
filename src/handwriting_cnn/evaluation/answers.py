"""Checks of what a classifier answered."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError, ShapeMismatchError
from handwriting_cnn.types import LabelArray, ProbabilityArray

SUM_TOLERANCE: Final = 1e-2
"""How far a picture's probabilities may sum from 1: half precision and quantized networks round."""


def checked_probabilities(
    values: Any, *, count: int, num_classes: int | None = None, start: int = 0
) -> ProbabilityArray:
    """Return class probabilities as float32 ``(count, num_classes)``.

    Args:
        values: What the classifier returned.
        count: The number of pictures.
        num_classes: The number of classes; ``None`` takes what is there.
        start: The number of the first picture, for messages.

    Raises:
        ShapeMismatchError: If the shape is another.
        DataError: If a value is not finite or negative, or a picture's values do not sum to 1 within
            :data:`SUM_TOLERANCE`; the first such picture is named.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        try:  # bfloat16 and its like are numbers that NumPy itself does not know
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise DataError(f"probabilities must be numbers, but are {array.dtype}") from None
    if array.ndim != 2 or len(array) != count or array.shape[1] != (num_classes or array.shape[1]):
        classes = "classes" if num_classes is None else num_classes
        raise ShapeMismatchError(f"probabilities must have the shape ({count}, {classes}), but have {array.shape}")
    with np.errstate(invalid="ignore"):  # an infinity less an infinity is no number, which is said below
        sums = array.sum(axis=1, dtype=np.float64)
    faults = {
        "are not all finite": ~np.isfinite(array).all(axis=1),
        "are partly negative: a classifier must end in softmax": (array < -SUM_TOLERANCE).any(axis=1),
        "sum to {:.4g}, not to 1: a classifier must end in softmax": np.abs(sums - 1) > SUM_TOLERANCE,
    }
    for fault, found in faults.items():
        if found.any():
            first = int(np.argmax(found))
            raise DataError(f"the probabilities of picture {start + first} {fault.format(sums[first])}")
    return array.astype(np.float32, copy=False)


def checked_class_numbers(values: npt.NDArray[Any], *, num_classes: int) -> LabelArray:
    """Return bare answers as int64 ``(n,)``.

    Raises:
        DataError: If they are no whole numbers, or one is no class; the first is named.
    """
    if values.dtype.kind not in "iu":
        raise DataError(
            f"predictions must be whole class numbers (n,) or probabilities (n, classes), not {values.dtype}"
        )
    outside = np.flatnonzero((values < 0) | (values >= num_classes))
    if len(outside):
        raise DataError(f"prediction {values[outside[0]]} at position {outside[0]} is not in 0..{num_classes - 1}")
    return values.astype(np.int64, copy=False)
