"""A check of bare answers, without probabilities."""

from typing import Any

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError
from handwriting_cnn.types import LabelArray


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
