"""What lies on a page, or around it, and is no writing: a pen, a ruler, the cloth beneath, a scanner's dark border."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from handwriting_cnn.imaging.strokes import stroke_width
from handwriting_cnn.recognition.grouping import least_ink
from handwriting_cnn.recognition.ink import Ink, at_edge, median_by_ink, sizes_of
from handwriting_cnn.recognition.windows import broadened, enlarged, grown, narrowed

_LARGE: Final = 0.3  # of the page's longer side
_LARGER: Final = 4  # times the typical size of the writing
_FEWEST: Final = 8  # characters: fewer do not show what is large
_MANY: Final = 20  # characters: a letter with a caption of fewer may be as large as a pen that lies among them
_LONGER: Final = 3  # strokes: what is shorter is a dot, and no character
_BODY: Final = 0.5  # of the typical size: what is smaller is a mark
_BROADER: Final = 2.5  # times a stroke
_BROADEST: Final = 0.014  # of the page's shorter side: lines and strokes may be as broad
_WINDOW: Final = 6  # pixels of the window that tells, on a copy of a fraction of the size


def without_objects(ink: Ink) -> Ink:
    """Leave out what is far larger than the characters of a page and far broader than their strokes.

    Of large pieces only the broad parts are objects: printed lines and the letters that touch them are kept.

    Args:
        ink: The page's. Where there are fewer than eight characters it is returned as it is, and fewer than twenty tell
            of nothing that touches no edge of the page that it is an object.
    """
    labels, boxes, areas = ink.pieces
    longer = sizes_of(boxes).max(axis=1)
    large = longer >= _LARGE * max(ink.mask.shape)
    if not large.any():
        return ink
    stroke = stroke_width(np.concatenate([[False], ~large])[labels])
    rest = ~large & (areas >= least_ink(stroke))
    if not rest.any():
        return ink
    typical = median_by_ink(longer[rest], areas[rest])
    count = (longer[rest] >= _BODY * typical).sum()
    if typical < _LONGER * stroke or count < _FEWEST:
        return ink
    large &= (longer >= _LARGER * typical) & (at_edge(boxes, ink.mask.shape) | (count >= _MANY))
    of_large = np.concatenate([[False], large])[labels]
    objects = _broad(of_large, max(_BROADER * stroke, _BROADEST * min(ink.mask.shape)))
    if not objects.any():
        return ink
    levels = np.where(objects, 0, ink.levels).astype(np.float32)
    mask = ink.mask & ~objects
    return replace(ink, levels=levels, mask=mask, pale=ink.pale & ~objects, stroke=stroke_width(mask))


def _broad(mask: Any, width: float) -> Any:
    """Return the parts of a mask that are at least so broad, with their edges: an opening by a square."""
    step = max(int(width / _WINDOW), 1)
    window = -(-int(np.ceil(width)) // step)
    inner = mask[::step, ::step]
    for axis in (0, 1):
        inner = narrowed(inner, window, axis, beyond=False)
    if not inner.any():
        return np.zeros_like(mask)
    for axis in (0, 1):
        inner = broadened(inner, window, axis, origin=window % 2 - 1)
    return enlarged(grown(inner, window // 2 + 1), step, mask.shape) & grown(mask, 3)
