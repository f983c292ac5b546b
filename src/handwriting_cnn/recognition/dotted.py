"""Printed lines that are dotted or dashed, and shades of dots."""

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import Ink, sizes_of

_LONGEST: Final = 0.025  # of the page's shorter side: a dash is no longer
_THICKEST: Final = 0.014  # of that side: a line is no thicker
_THIN: Final = 5  # pixels: so thick is any line
_FULL: Final = 0.6  # of its box: so much of a dot or dash is ink, and less of most letters
_MOST: Final = 50_000  # pieces of ink: a page with more is texture
_AROUND: Final = 12  # of the pieces nearest to a dot, one is the next of its line
_ALIKE: Final = 0.3  # of their size: so much larger is a dot than the next
_SHARP: Final = 1.0  # pixels: so far from where it should be lies a dot, or so much larger is one
_EVEN: Final = 0.02  # of the way from one to the next, and besides so far
_LONG: Final = 1.5  # times as long as broad is a dash
_DASHES: Final = 1.2  # times their length: so far apart are dashes; strokes of letters are farther
_DOTS: Final = 2.5  # times their length: and dots
_FEWEST: Final = 8  # dots in a row
_FEWER: Final = 4  # dots in a row, where there are many in such rows
_MANY: Final = 50  # of them
_LEAST: Final = 3  # dots in a row, where there are rows
_FARTHER: Final = 3.0  # times as far as in those rows may the next be: a dot or two are hidden
_PLACES: Final = 16  # that are looked at between two dots, and beside them
_BESIDE: Final = 2.0  # times its size: so near is the stroke to which a dot belongs
_ATTENDED: Final = 0.8  # of the dots in a row: of so many have one each that they are none
_CROSSING: Final = 0.3  # of the dots: with more in lines along both axes they are a shade, or dotted paper
_TINY: Final = 4  # pixels: a dot of a print's shade, or dirt, is no larger
_SPECKLED: Final = (0.05, 0.8)  # of a page's ink: where there is hardly any other it is a texture
_SPECKLES: Final = 1_000  # dots: fewer do not hide a page


def dotted_lines(ink: Ink, step: int) -> tuple[Mask, Mask]:
    """Return the ink that is dots or dashes of printed lines, and the lines, drawn through on a copy of a fraction.

    Small pieces of one size follow each other along a row or a column, each as far from the next, with nothing between
    them, and not each beside a stroke, as the dots of i are. Where there are some, others no thicker that follow each
    other as closely are dots, too, be they uneven.

    Args:
        ink: The page's.
        step: How many times smaller the copy is.
    """
    mask, (labels, boxes, areas) = ink.mask, ink.pieces
    drawn = np.zeros([-(-size // step) for size in mask.shape], np.bool_)
    sizes = sizes_of(boxes)
    small = np.flatnonzero((sizes.max(axis=1) <= _LONGEST * min(mask.shape)) & (areas >= _FULL * sizes.prod(axis=1)))
    if not _FEWEST <= len(small) <= _MOST:
        return np.zeros_like(mask), drawn
    found = [_dots(boxes[small], axis, mask, _THICKEST * min(mask.shape)) for axis in (0, 1)]
    if not any(len(pairs) for pairs in found):
        return np.zeros_like(mask), drawn
    count, boxes = len(boxes), boxes[small]
    strokes = mask & ~_ink_of(small[np.unique(np.concatenate(found))], labels, count)
    found = [_but_beside_strokes(pairs, boxes, axis, strokes) for axis, pairs in enumerate(found)]
    lines = [np.isin(np.arange(len(small)), pairs) for pairs in found]
    if (lines[0] & lines[1]).sum() <= _CROSSING * (lines[0] | lines[1]).sum():
        for one, following in np.concatenate(found):
            start, stop = np.minimum(*boxes[[one, following], :2]), np.maximum(*boxes[[one, following], 2:])
            (left, top), (right, bottom) = start // step, -(-stop // step)
            drawn[top:bottom, left:right] = True
    return _ink_of(small[lines[0] | lines[1]], labels, count), drawn


def _ink_of(numbers: Any, labels: Any, count: int) -> Mask:
    """Return the pixels of some of so many pieces."""
    chosen = np.zeros(count + 1, np.bool_)
    chosen[numbers + 1] = True
    return chosen[labels]


def is_screened(ink: Ink) -> bool:
    """Return whether much of a page's ink is dots of few pixels: a shade in a scan of two levels, or dirt."""
    labels, boxes, areas = ink.pieces
    sizes = sizes_of(boxes)
    if not _is_speckled(sizes, areas):
        return False
    dots, lines = dotted_lines(ink, 1)
    other = ~np.isin(np.arange(len(boxes)), labels[dots] - 1)
    return not lines.any() or _is_speckled(sizes[other], areas[other])


def _is_speckled(sizes: Any, areas: Any) -> bool:
    tiny = areas[sizes.max(axis=1) <= _TINY]
    low, high = (share * areas.sum() for share in _SPECKLED)
    return bool(low < tiny.sum() < high and len(tiny) > _SPECKLES)


def _dots(boxes: Any, axis: int, mask: Mask, thickest: float) -> Any:
    """Return which dots follow each other in lines along an axis: pairs of numbers, ``(n, 2)``.

    Args:
        boxes: Of small pieces of ink, ``(n, 4)``.
        axis: 0 along the rows, 1 along the columns.
        mask: All ink.
        thickest: Pixels of a line.
    """
    each, sizes, centres = np.arange(len(boxes)), sizes_of(boxes), (boxes[:, :2] + boxes[:, 2:]) / 2
    near = scipy.spatial.KDTree(centres).query(centres, _AROUND + 1)[1][:, 1:]
    near = np.where(near < len(boxes), near, each[:, np.newaxis])  # where there are fewer around it
    ways = centres[near] - centres[:, np.newaxis]
    along, across = ways[..., axis], np.abs(ways[..., 1 - axis])
    gaps = boxes[near, axis] - boxes[:, np.newaxis, 2 + axis]
    close = np.where(sizes[:, axis] > _LONG * sizes[:, 1 - axis], _DASHES, _DOTS) * sizes[:, axis]
    ahead = (along > 0) & (across <= _SHARP + _EVEN * along) & (gaps <= close[:, np.newaxis])

    def nearest(which: Any) -> tuple[Any, Any, Any]:
        first = np.where(which, along, np.inf).argmin(axis=1)
        following = near[each, first]
        return following, along[each, first], which[each, first] & _is_free(boxes, following, axis, mask)

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
    ahead = (along > 0) & (across <= _SHARP + _EVEN * along) & (gaps <= _FARTHER * gap + _SHARP)
    following, _, follows = nearest(ahead & thin[near])
    follows &= thin
    return _long(each[follows], following[follows], len(boxes), _LEAST)


def _is_free(boxes: Any, following: Any, axis: int, mask: Mask) -> Any:
    """Return whether there is no ink between boxes and those that follow them along an axis."""
    parts = np.arange(1, _PLACES + 1) / (_PLACES + 1)
    start, stop = boxes[:, 2 + axis, np.newaxis], boxes[following, axis, np.newaxis]
    places = (start + (stop - start) * parts).astype(np.int64)
    across = np.broadcast_to(((boxes[:, 1 - axis] + boxes[:, 3 - axis]) // 2)[:, np.newaxis], places.shape)
    return ~mask[(across, places) if axis == 0 else (places, across)].any(axis=1)


def _but_beside_strokes(pairs: Any, boxes: Any, axis: int, strokes: Mask) -> Any:
    """Leave out rows of dots nearly all of which have a stroke above or below them, or left or right of them."""
    if not len(pairs):
        return pairs
    reach = _BESIDE * sizes_of(boxes).max(axis=1)[:, np.newaxis] * np.arange(1, _PLACES + 1) / _PLACES
    before, after = boxes[:, 1 - axis, np.newaxis] - 1 - reach, boxes[:, 3 - axis, np.newaxis] + reach
    across = np.clip(np.concatenate([before, after], axis=1).astype(np.int64), 0, strokes.shape[axis] - 1)
    middle = np.broadcast_to(((boxes[:, axis] + boxes[:, 2 + axis]) // 2)[:, np.newaxis], across.shape)
    beside = strokes[(across, middle) if axis == 0 else (middle, across)].any(axis=1)
    row = _rows(pairs[:, 0], pairs[:, 1], len(boxes))
    return pairs[(np.bincount(row, beside) < _ATTENDED * np.bincount(row))[row[pairs[:, 0]]]]


def _long(ones: Any, others: Any, count: int, fewest: int) -> Any:
    """Return pairs of neighbours, ``(n, 2)``, that belong to a row of a number of them."""
    row = _rows(ones, others, count)
    return np.stack([ones, others], axis=1)[np.bincount(row)[row[ones]] >= fewest]


def _rows(ones: Any, others: Any, count: int) -> Any:
    """Return the number of the row to which each of so many belongs, where some are neighbours of others."""
    graph = scipy.sparse.coo_array((np.ones(len(ones)), (ones, others)), shape=(count, count))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
