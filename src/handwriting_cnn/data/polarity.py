"""Ink on light paper or light on dark: decided for a whole set of pictures."""

import numpy as np
import numpy.typing as npt

from handwriting_cnn.types import ImageArray


def bright_on_dark(images: npt.NDArray[np.uint8]) -> ImageArray:
    """Turn pictures ``(n, height, width)`` over if they are ink on light paper: the median of all borders is above 127.

    It is decided for all at once, as one picture may be mostly ink.
    """
    border = np.ones(images.shape[1:], bool)
    border[1:-1, 1:-1] = False
    return 255 - images if np.median(images[:, border]) > 127 else images
