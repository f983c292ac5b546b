"""The width of strokes and the blur of their edges: measured, and drawn anew with another."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import quantile

Mask: TypeAlias = npt.NDArray[np.bool_]
"""Which pixels are ink: bool ``(height, width)``."""

_HALF: Final = 127  # of 255: half of the full level, which is a full stroke's edge
_SLIGHT: Final = 8  # a slope between two levels: a smaller one is paper's
_STEEP: Final = 0.9  # the quantile of slopes that is a full stroke's
_FULL: Final = 0.9  # the quantile of ink that is its full level
_PALEST: Final = 40  # what is no brighter is paper, be it half of the level around it


def stroke_width(mask: Mask, *, whole: bool = False) -> float:
    """Return the typical width of strokes in pixels, 0 if there are none.

    A long stroke of width w and length l has the area wl and a boundary of 2l. The boundary's length is that of the
    steps between ink and paper times pi/4, which is right on average over all directions (Cauchy's formula).

    Args:
        mask: The ink.
        whole: Whether strokes end at the picture's edge, which else cuts them: there they have no boundary.
    """
    steps = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    if whole:
        steps += sum(np.count_nonzero(side) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return float(2 * np.count_nonzero(mask) / (np.pi / 4 * steps)) if steps else 0.0


def with_stroke(ink: GreyImage, width: float, wanted: float) -> GreyImage:
    """Return ink with strokes of another width, drawn from the distance to their edge; pale strokes stay as pale.

    Args:
        ink: uint8 ``(height, width)``, bright ink on 0.
        width: Its strokes' width in pixels.
        wanted: The width that they are to have; ink that becomes thicker makes the picture larger.
    """
    outward = (wanted - width) / 2
    ink = np.pad(ink, max(int(np.ceil(outward)) + 1, 1))
    level = scipy.ndimage.maximum_filter(ink, 2 * int(np.ceil(width / 2)) + 1)
    mask = ink > np.clip(level // 2, _PALEST, _HALF)
    inside = scipy.ndimage.distance_transform_edt(mask)
    edge = np.where(mask, inside - 0.5, -np.inf)
    if outward > 0:  # else nothing becomes ink
        outside, nearest = scipy.ndimage.distance_transform_edt(~mask, return_indices=True)
        edge, level = np.where(mask, edge, 0.5 - outside), level[tuple(nearest)]
    # Ink that is thinner than twice what is taken away keeps its middle.
    middle = mask & (inside >= scipy.ndimage.maximum_filter(inside, 3))
    edge = np.maximum(edge + outward, np.where(middle, 0.5, -np.inf))
    return np.rint(np.clip(edge + 0.5, 0, 1) * level).astype(np.uint8)


def edge_blur(ink: GreyImage) -> float:
    """Return how blurred the edges of strokes are: the standard deviation in pixels of a Gaussian that makes such.

    Across an edge between 0 and the level ``a`` that a Gaussian of deviation ``s`` blurs, the steepest slope is
    ``a / (s * sqrt(2 pi))``.

    Args:
        ink: uint8 ``(height, width)``, bright ink on 0; what touches its edge has no edge there.

    Returns:
        The deviation, near 0.45 where edges are as sharp as pixels allow; 0 if there is no ink.
    """
    levels = ink.astype(np.float32)
    slopes = np.hypot(np.diff(levels, axis=0)[:, :-1], np.diff(levels, axis=1)[:-1])
    slopes = slopes[slopes > _SLIGHT]
    inked = levels[levels > _PALEST]
    if not slopes.size or not inked.size:
        return 0.0
    return quantile(inked, _FULL) / (quantile(slopes, _STEEP) * float(np.sqrt(2 * np.pi)))


def with_blur(ink: GreyImage, blur: float, wanted: float) -> GreyImage:
    """Return ink whose edges are more blurred, its brightest pixel as bright as before.

    Args:
        ink: uint8 ``(height, width)``, bright ink on 0.
        blur: How blurred they are, see :func:`edge_blur`.
        wanted: How blurred they are to be, at least as much.
    """
    blurred = scipy.ndimage.gaussian_filter(ink.astype(np.float32), np.sqrt(wanted**2 - blur**2))
    return np.rint(blurred * (ink.max() / max(float(blurred.max()), 1))).astype(np.uint8)
