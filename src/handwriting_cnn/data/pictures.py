"""Picture files of the user's own, from disk to one array."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.imaging.decode import decode_image
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess
from handwriting_cnn.types import ImageArray


def read_pictures(paths: Sequence[Path], spec: PreprocessSpec) -> ImageArray:
    """Decode and preprocess files.

    Args:
        paths: The files.
        spec: The rules that make their pictures one form.

    Returns:
        uint8 of shape ``(len(paths), spec.height, spec.width, 1)``. Pictures that come out blank earn a
        :class:`UserWarning`.

    Raises:
        ImageDecodeError: If a file is no picture; the message names it.
    """
    images = np.empty((len(paths), spec.height, spec.width, 1), np.uint8)
    with late_progress("Reading pictures", total=len(paths)) as show:
        for index, path in enumerate(paths):
            images[index] = preprocess(decode_image(path), spec)
            show(index + 1)
    blank = np.flatnonzero(~images.any(axis=(1, 2, 3)))
    if len(blank):
        warnings.warn(
            f"{len(blank)} of {len(images)} pictures are blank, the first is {paths[blank[0]]}: no ink was found on "
            "the paper (what is transparent is taken for white)",
            stacklevel=3,
        )
    return images
