"""The soft shadows of fingers, broader than strokes, which else are taken for ink with the writing in them."""

from typing import Final

import numpy as np
import scipy.ndimage

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.strokes import stroke_width
from handwriting_cnn.recognition.ink import Ink, boxes_of, darkness, ink_of, sizes_of
from handwriting_cnn.recognition.objects import broad_parts
from handwriting_cnn.recognition.windows import grown

_SMALL: Final = 8  # pixels: shorter pieces show no size
_LARGER: Final = 2.5  # times the median size: so large is a shadow
_FEWEST: Final = 8  # pieces: fewer do not show what is large
_BROADER: Final = 2.5  # times a stroke
_BESIDE: Final = (1, 3)  # pixels from a broad part and its edge: there nothing is left of a sharp one
_SOFT: Final = 0.08  # of the ink's level: so dark it is there beside a shadow
_PALER: Final = 1.1  # of that level: and hardly darker the shadow itself; that of a pencil is no paler
_AROUND: Final = 3  # strokes around a shadow, in which its edge vanishes
_WINDOW: Final = 3.5  # strokes: by so narrow a window a shadow is the light


def without_finger_shadows(ink: Ink, grey: GreyImage) -> Ink:
    """See what is written in soft shadows by a window that is wider than the strokes and narrower than the shadows.

    Args:
        ink: The page's.
        grey: The page, uint8, dark on light.
    """
    labels, boxes, _ = ink.pieces
    longer = sizes_of(boxes).max(axis=1)
    known = longer >= _SMALL
    if known.sum() < _FEWEST:
        return ink
    least = _LARGER * float(np.median(longer[known]))
    large = longer >= least
    if not large.any():
        return ink
    writing = np.concatenate([[False], known & ~large])[labels]
    stroke = stroke_width(writing)
    broad = broad_parts(np.concatenate([[False], large])[labels], _BROADER * stroke)
    if not broad.any():
        return ink
    parts, count = scipy.ndimage.label(broad)
    ring = grown(broad, _BESIDE[1]) & ~grown(broad, _BESIDE[0])
    nearest = scipy.ndimage.grey_dilation(parts, size=2 * _BESIDE[1] + 1)
    full = float(np.median(ink.levels[writing]))
    beside = np.nan_to_num(scipy.ndimage.median(ink.levels[ring], nearest[ring], np.arange(1, count + 1)))
    within = scipy.ndimage.median(ink.levels, parts, np.arange(1, count + 1))
    long = sizes_of(boxes_of(parts)).max(axis=1) >= least
    soft = np.concatenate([[False], long & (beside >= _SOFT * full) & (within <= _PALER * full)])
    narrow = darkness(grey, int(_WINDOW * stroke)) if soft.any() else ink.levels
    while soft.any():
        near = grown(soft[parts], int(_AROUND * stroke))
        relit = ink_of(np.where(near, narrow, ink.levels).astype(np.float32))
        written = np.bincount(parts[relit.mask], minlength=count + 1) >= stroke**2
        if not (soft & ~written).any():
            return relit
        soft &= written  # where nothing is left it may be writing itself
    return ink
