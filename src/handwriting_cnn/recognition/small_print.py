"""Printed words beside the writing, and the numbers of a list."""

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from handwriting_cnn.recognition.ink import hulls_of, median_by_ink, sizes_of
from handwriting_cnn.recognition.lines import clustered

_SMALL: Final = 0.45  # of the typical character: so high is print at most
_HIGH: Final = 0.75  # of it: and so high those letters of a printed line that reach up or down
_ASCENDERS: Final = 0.4  # of its letters
_FLAT: Final = 1.5  # of characters' height: so long is their longer side at most
_CLOSE: Final = 0.4  # of their height: so far apart stand the letters of a word
_SPACE: Final = 1.0  # of it: so far apart stand words
_LEVEL: Final = 0.5  # of the lower one's height: so much of it stands beside the other
_FEWEST: Final = 4  # letters: a character has fewer marks beside each other
_FILLED: Final = 0.8  # of their boxes: what fills more is a broken stroke
_BEYOND: Final = 0.6  # of a line's height: so far above and below it are its dots
_TEXT: Final = 16  # letters: with so many a line may be one of text
_EVEN: Final = 0.06  # of print's height: so much lower, or higher, ends the next of it
_PRINTED: Final = 0.73  # of the letters of a printed line end where the next one does, and less of a written one's
_OTHERS: Final = 10  # characters: so many, in so many lines, are what is written beside text
_LINES: Final = 3
_ALIKE: Final = 0.6  # of their typical size: what is smaller is none of them
_LARGEST: Final = 8  # times as high as a letter of text: what is higher is no character
_NUMBER: Final = 0.85  # of the typical character: a list's numbers are lower
_DOT: Final = 0.04  # of it: and the dots after them are no lower
_COLUMN: Final = 5  # numbers below each other
_ALIGNED: Final = 0.35  # of a number's height: so far from others begins one, or ends
_REGULAR: Final = 0.04  # of the way from one to the next: so far from where it should be lies one
_MOSTLY: Final = 0.75  # of them
_SAME: Final = 0.15  # of the ink of a sign: so much more or less has another, and so much at least a number
_ALL: Final = 0.9  # of the pieces in a column, or of its numbers


def small_print(boxes: Any, areas: Any, clean: Any) -> Any:
    """Return which pieces of ink are lines of words in letters far smaller than the page's characters.

    Args:
        boxes: The pieces', ``(n, 4)``.
        areas: Their numbers of pixels; 0 for what is none of the writing.
        clean: Which are no dirt.
    """
    found, heights = np.zeros(len(boxes), np.bool_), sizes_of(boxes)[:, 1]
    typical = _size(boxes, areas)
    # A line of text may have higher letters in it; of any other line of words all are low.
    beside = max(typical, _size_beside_text(boxes, areas, clean))
    for size, most, printed in ((beside, _HIGH, True), (typical, _SMALL, False)):
        small = np.flatnonzero(clean & ~found & (heights < most * size))
        small = small[np.argsort(boxes[small, 0], kind="stable")]
        left, top, right, bottom = boxes[small].T
        fill = areas[small] / ((right - left) * (bottom - top))
        for mine in _lines_of_words(boxes[small]):
            letters = small[mine]
            if fill[mine].mean() > _FILLED or (printed and not _is_printed(boxes[letters])):
                continue
            if (heights[letters] >= _SMALL * size).mean() > _ASCENDERS:
                continue
            beyond = _BEYOND * (bottom[mine].max() - top[mine].min())
            inside = (left >= left[mine].min()) & (right <= right[mine].max())
            inside &= (top >= top[mine].min() - beyond) & (bottom <= bottom[mine].max() + beyond)
            found[small[mine | inside]] = True
    return found


def _lines_of_words(boxes: Any) -> list[Any]:
    """Return which of some boxes, by their left edges, are each line in which there is a word."""
    if not len(boxes):
        return []
    word, line = (_strung(boxes, way) for way in (_CLOSE, _SPACE))
    return [line == number for number in np.unique(line[np.bincount(word)[word] >= _FEWEST])]


def _is_printed(boxes: Any) -> bool:
    """Return whether a line of boxes, by their left edges, is one of text: long, and most end as far down as the next.

    A hand does not keep to a line so well.
    """
    if len(boxes) < _TEXT:
        return False
    steps = np.abs(np.diff(boxes[:, 3]))
    return bool((steps <= max(_EVEN * np.median(boxes[:, 3] - boxes[:, 1]), 1)).mean() >= _PRINTED)


def _size_beside_text(boxes: Any, areas: Any, clean: Any) -> float:
    """Return the size of what is written beside printed text, which may have more ink; 0 where that is not known."""
    order = np.flatnonzero(clean)
    order = order[np.argsort(boxes[order, 0], kind="stable")]
    boxes, areas = boxes[order], areas[order]
    text = np.zeros(len(boxes), np.bool_)
    for line in _lines_of_words(boxes):
        if _is_printed(boxes[line]):
            text |= line
    if not text.any():
        return 0.0
    heights = sizes_of(boxes)[:, 1]
    letter = float(np.median(heights[text]))
    beside = ~text & (heights >= letter) & (heights <= _LARGEST * letter)
    if not beside.any():
        return 0.0
    size = _size(boxes[beside], areas[beside])
    alike = beside & (sizes_of(boxes).max(axis=1) >= _ALIKE * size)
    rows = clustered((boxes[alike, 1] + boxes[alike, 3]) / 2, size)
    return size if alike.sum() >= _OTHERS and len(np.unique(rows)) >= _LINES else 0.0


def list_numbers(boxes: Any, areas: Any) -> Any:
    """Return which pieces are the printed numbers of a list, and the sign after each: a bracket, or a dot.

    They are lower than characters, of one height, below each other from one edge, as far from the next, and nothing
    else is in their column. The sign is the same each time, the numbers are not.

    Args:
        boxes: The pieces', ``(n, 4)``.
        areas: Their numbers of pixels, of dots too that are as small as dirt; 0 for what is none of the writing.
    """
    found, heights = np.zeros(len(boxes), np.bool_), sizes_of(boxes)[:, 1]
    if not areas.any():
        return found
    typical = _size(boxes, areas)
    pieces = np.flatnonzero((areas > 0) & (heights >= _DOT * typical))
    pieces = pieces[np.argsort(boxes[pieces, 0], kind="stable")]
    low = heights[pieces] < _NUMBER * typical
    if low.sum() < 2 * _COLUMN:
        return found
    word = _strung(boxes[pieces], _CLOSE)
    hulls = hulls_of(word, boxes[pieces])[2]
    inked, height = np.bincount(word, areas[pieces]), hulls[:, 3] - hulls[:, 1]
    last, first = np.zeros((2, len(hulls)), np.int64)  # the piece of each word, as they are sorted
    last[word], first[word[::-1]] = pieces, pieces[::-1]
    left = (np.bincount(word, ~low) == 0) & (last != first)
    for one in np.flatnonzero(left):
        if not left[one]:
            continue
        even = left & (np.abs(height - height[one]) <= max(_EVEN * height[one], 1))
        for edge, sign in ((0, last), (2, last), (2, first)):
            column = even & (np.abs(hulls[:, edge] - hulls[one, edge]) <= _ALIGNED * height[one])
            if column.sum() < _COLUMN or not _is_regular(hulls[column, 1]):
                continue
            signs, numbers = areas[sign[column]], inked[column] - areas[sign[column]]
            same = np.abs(signs - np.median(signs)) <= max(_SAME * np.median(signs), 2)
            if same.mean() < _ALL or np.ptp(numbers) < _SAME * numbers.max():
                continue
            start, stop = hulls[column, 0].min(), hulls[column, 2].max()
            within = (areas > 0) & (boxes[:, 0] < stop) & (boxes[:, 2] > start)
            within &= (boxes[:, 3] > hulls[column, 1].min()) & (boxes[:, 1] < hulls[column, 3].max())
            if column[word].sum() >= _ALL * np.count_nonzero(within[pieces]):
                found |= within & (heights < _NUMBER * typical)
                left &= ~column
                break
    return found


def _is_regular(tops: Any) -> bool:
    """Return whether places are as far from the next, or twice as far, or more."""
    ways = np.diff(np.sort(tops))
    steps = ways / max(float(np.median(ways)), 1.0)
    return bool(((np.rint(steps) >= 1) & (np.abs(steps - np.rint(steps)) <= _REGULAR)).mean() >= _MOSTLY)


def _size(boxes: Any, areas: Any) -> float:
    """Return the size of the pieces: of flat ones the longer side tells it, of joined ones the height does."""
    heights, longer = sizes_of(boxes)[:, 1], sizes_of(boxes).max(axis=1)
    return min(median_by_ink(longer, areas), _FLAT * median_by_ink(heights, areas))


def _strung(boxes: Any, way: float) -> Any:
    """Return the number of the string of boxes to which each belongs, which follow each other within a way.

    Args:
        boxes: By their left edges, ``(n, 4)``.
        way: A share of a box's height.
    """
    left, top, right, bottom = boxes.T
    height = bottom - top
    firsts = np.searchsorted(left, (left + right) / 2)
    lasts = np.searchsorted(left, right + way * height, side="right")
    counts = np.maximum(lasts - firsts, 0)
    one = np.repeat(np.arange(len(boxes)), counts)
    other = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts - firsts, counts)
    level = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
    beside = level >= _LEVEL * np.minimum(height[one], height[other])
    links = (np.ones(beside.sum()), (one[beside], other[beside]))
    graph = scipy.sparse.coo_array(links, shape=(len(boxes), len(boxes)))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
