"""Printed lines that are dotted or dashed, and shades of dots."""

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, sizes_of
from handwriting_cnn.recognition.windows import runs_of

_LONGEST: Final = 0.025  # of the page's shorter side: a dash is no longer
_THICKEST: Final = 0.014  # of that side: a line is no thicker
_FEWEST: Final = 8  # dots of a line: the dots of so many letters lie nowhere in a row so evenly
_FEWER: Final = 4  # dots of a line, of many
_LEAST: Final = 3  # dots of a line like others
_MANY: Final = 50
_FULL: Final = 0.6  # of its box: so much of a dot or dash is ink, and less of a letter
_MOST: Final = 50_000  # pieces of ink: a page with more is texture
_AROUND: Final = 12  # of the pieces nearest to a dot, one is the next of its line
_ALIKE: Final = 0.3  # of their size: so much larger is a dot than the next
_EVEN: Final = 0.04  # of the way from one to the next: so far from where it should be lies one
_THIN: Final = 5  # pixels: so thick is any line
_TINY: Final = 3  # pixels: a dot of a print's shade is smaller
_SPECKLED: Final = 0.05  # of a page's ink
_SPECKLES: Final = 2_000  # pixels: fewer do not hide it
_SHARP: Final = 1.5  # pixels, and besides so far
_FARTHER: Final = 3.0  # times as far as the dots of other lines may the next be: one is hidden
_CLOSE: Final = 3  # times a dot's length: what stands in each cell is farther apart
_CROSSING: Final = 0.3  # of the dots: with more in lines along both axes they are a shade, or dotted paper


def dotted_lines(mask: Mask, step: int) -> tuple[Mask, Mask]:
    """Return the ink that is dots or dashes of printed lines, and the lines, drawn through on a copy of a fraction.

    Small pieces of one size follow each other along a row or a column, each as far from the next. Where there are
    some, others no thicker that follow each other as closely are dots, too, be they uneven.

    Args:
        mask: The page's ink.
        step: How many times smaller the copy is.
    """
    labels, boxes, areas = components(mask)
    drawn = np.zeros([-(-size // step) for size in mask.shape], np.bool_)
    sizes = sizes_of(boxes)
    small = np.flatnonzero((sizes.max(axis=1) <= _LONGEST * min(mask.shape)) & (areas >= _FULL * sizes.prod(axis=1)))
    if not _FEWEST <= len(small) <= _MOST:
        return np.zeros_like(mask), drawn
    boxes = boxes[small]
    near = scipy.spatial.KDTree(boxes[:, :2] + boxes[:, 2:]).query(boxes[:, :2] + boxes[:, 2:], _AROUND + 1)[1][:, 1:]
    near = np.where(near < len(small), near, np.arange(len(small))[:, np.newaxis])  # where there are fewer around it
    found = [_dots(boxes, near, axis, _THICKEST * min(mask.shape)) for axis in (0, 1)]
    lines = [np.isin(np.arange(len(small)), pairs) for pairs in found]
    if (lines[0] & lines[1]).sum() <= _CROSSING * (lines[0] | lines[1]).sum():
        for one, other in np.concatenate(found):
            start, stop = np.minimum(boxes[one, :2], boxes[other, :2]), np.maximum(boxes[one, 2:], boxes[other, 2:])
            (left, top), (right, bottom) = start // step, -(-stop // step)
            drawn[top:bottom, left:right] = True
    dots = np.zeros(labels.max() + 1, np.bool_)
    dots[small[lines[0] | lines[1]] + 1] = True
    return dots[labels], drawn


def is_screened(mask: Mask) -> bool:
    """Return whether much of a page's ink is dots of a pixel or two: a shade in a scan of two levels, or dirt."""
    if not _is_speckled(mask):
        return False
    dots, lines = dotted_lines(mask, 1)
    return not lines.any() or _is_speckled(mask & ~dots)


def _is_speckled(mask: Mask) -> bool:
    tiny = mask & ~runs_of(mask, _TINY, 0) & ~runs_of(mask, _TINY, 1)
    return bool(tiny.sum() > max(_SPECKLED * mask.sum(), _SPECKLES))


def _dots(boxes: Any, near: Any, axis: int, thickest: float) -> Any:
    """Return which dots follow each other in lines along an axis: pairs of numbers, ``(n, 2)``.

    Args:
        boxes: Of small pieces of ink, ``(n, 4)``.
        near: The numbers of those nearest to each, ``(n, k)``.
        axis: 0 along the rows, 1 along the columns.
        thickest: Pixels.
    """
    each = np.arange(len(boxes))
    sizes, centres = sizes_of(boxes), (boxes[:, :2] + boxes[:, 2:]) / 2
    ways = centres[near] - centres[:, np.newaxis]
    along, across = ways[..., axis], np.abs(ways[..., 1 - axis])
    gaps = boxes[near, axis] - boxes[:, np.newaxis, 2 + axis]
    ahead = (along > 0) & (across <= _SHARP + _EVEN * along) & (gaps <= _CLOSE * sizes[:, np.newaxis, axis])

    def nearest(which: Any) -> tuple[Any, Any, Any]:
        first = np.where(which, along, np.inf).argmin(axis=1)
        return near[each, first], along[each, first], which[each, first]

    unlike = np.abs(sizes[near] - sizes[:, np.newaxis])
    alike = (unlike <= np.maximum(_ALIKE * sizes[:, np.newaxis], _SHARP)).all(axis=2)
    alike &= sizes[:, np.newaxis, 1 - axis] <= max(thickest, _THIN)
    following, way, follows = nearest(ahead & alike)
    # As far from the next as that is from the one after it.
    even = follows & follows[following] & (np.abs(way - way[following]) <= _SHARP + _EVEN * way)
    linked = np.isin(each, np.concatenate([each[even], following[even]])) & follows
    sure = _long(each[linked], following[linked], len(boxes), _FEWER)
    if len(sure) < _MANY:
        sure = _long(each[linked], following[linked], len(boxes), _FEWEST)
    if not len(sure):
        return sure
    thickness = np.median(sizes[sure, 1 - axis])
    gap = np.median(boxes[sure[:, 1], axis] - boxes[sure[:, 0], 2 + axis])
    thin = sizes[:, 1 - axis] <= thickness + max(_ALIKE * thickness, _SHARP)
    following, _, follows = nearest(ahead & thin[near] & (gaps <= _FARTHER * gap + _SHARP))
    follows &= thin
    return _long(each[follows], following[follows], len(boxes), _LEAST)


def _long(ones: Any, others: Any, count: int, fewest: int) -> Any:
    """Return pairs of neighbours, ``(n, 2)``, that belong to a row of a number of them."""
    graph = scipy.sparse.coo_array((np.ones(len(ones)), (ones, others)), shape=(count, count))
    row = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    return np.stack([ones, others], axis=1)[np.bincount(row)[row[ones]] >= fewest]
