"""What is on a page, or around it, and no writing: a pen, the cloth beneath, a scanner's dark border, punched holes."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from handwriting_cnn.imaging.strokes import Mask, stroke_width
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
_ROUND: Final = 0.85  # of its longer side: so broad is a disc that a camera sees askew
_DISC: Final = (0.7, 0.87)  # of its box: so much is ink, pi / 4 but for what the camera adds and takes
_SMALLEST: Final = 8  # pixels of a hole
_MIDDLE: Final = 0.5  # of its radius
_EVEN: Final = 0.8  # of its level: no paler is the middle of a hole
_ELLIPSE: Final = 0.92  # of a hole and the ellipse in its box: so much is both
_MARGIN: Final = 0.1  # of the page's side: so near one of its edges holes are punched
_FREE: Final = 2.0  # of a hole: so far beside holes there is no writing
_UNLIKE: Final = 0.3  # of their size
_RIM: Final = 3  # pixels of their edge
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
    objects = broad_parts(of_large, max(_BROADER * stroke, _BROADEST * min(ink.mask.shape)))
    if not objects.any():
        return ink
    return _without(ink, objects)


def without_holes(ink: Ink) -> Ink:
    """Leave out holes that are punched along a page's edge: two discs or more in a row, with nothing else beside them.

    Args:
        ink: The page's.
    """
    labels, boxes, areas = ink.pieces
    sizes, page = sizes_of(boxes), ink.mask.shape[::-1]
    shorter, longer = np.sort(sizes, axis=1).T
    fill = areas / sizes.prod(axis=1)
    discs = (shorter >= _ROUND * longer) & (fill >= _DISC[0]) & (fill <= _DISC[1]) & (longer < _LARGE * max(page))
    if not discs.any():
        return ink
    stroke = stroke_width(np.concatenate([[False], ~discs])[labels])
    discs &= shorter >= max(_BROADER * stroke, _SMALLEST)
    for index in np.flatnonzero(discs):
        left, top, right, bottom = boxes[index]
        inside = np.s_[top:bottom, left:right]
        y, x = ((2 * np.arange(side) + 1) / side - 1 for side in sizes[index, ::-1].tolist())
        ellipse, mine = y[:, np.newaxis] ** 2 + x**2 <= 1, labels[inside] == index + 1
        middle = np.hypot(y[:, np.newaxis], x) <= _MIDDLE
        even = ink.levels[inside][middle].min() >= _EVEN * np.median(ink.levels[inside][mine])  # the letter o is not
        discs[index] = even and (ellipse & mine).sum() >= _ELLIPSE * (ellipse | mine).sum()
    holes = np.zeros(len(boxes), np.bool_)
    others = ~discs & (areas >= least_ink(stroke))
    for axis in (0, 1):
        middles = (boxes[:, axis] + boxes[:, 2 + axis]) / 2
        for side in (middles, page[axis] - middles):
            row = np.flatnonzero(discs & (side < _MARGIN * page[axis]))
            near = np.abs(middles[row] - middles[row, np.newaxis]) <= longer[row] / 2
            near &= np.abs(longer[row] - longer[row, np.newaxis]) <= _UNLIKE * longer[row]
            row = row[near.sum(axis=1) > 1]
            if len(row) and not (side[others] < side[row].max() + _FREE * longer[row].max()).any():
                holes[row] = True
    if not holes.any():
        return ink
    return _without(ink, grown(np.concatenate([[False], holes])[labels], _RIM))


def _without(ink: Ink, place: Mask) -> Ink:
    """Return the ink without what lies in a place."""
    levels = np.where(place, 0, ink.levels).astype(np.float32)
    mask = ink.mask & ~place
    return replace(ink, levels=levels, mask=mask, pale=ink.pale & ~place, stroke=stroke_width(mask))


def broad_parts(mask: Any, width: float) -> Any:
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
