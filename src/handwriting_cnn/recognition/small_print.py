"""Printed words beside the writing, and the numbers of a list."""

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from handwriting_cnn.recognition.ink import median_by_ink, sizes_of
from handwriting_cnn.recognition.lines import clustered

_SMALL: Final = 0.45  # of the typical character: so high is print at most
_HIGH: Final = 0.75  # of it: and so high those letters in a line of it that reach up or down
_ASCENDERS: Final = 0.4  # of its letters
_LONG: Final = 8  # letters: in a shorter line all are low
_FLAT: Final = 1.5  # of characters' height: so long is their longer side at most
_CLOSE: Final = 0.4  # of their height: so far apart stand the letters of a word
_SPACE: Final = 1.0  # of it: so far apart stand words
_LEVEL: Final = 0.5  # of the lower one's height: so much of it stands beside the other
_FEWEST: Final = 4  # letters: a character has fewer marks beside each other
_FILLED: Final = 0.8  # of their boxes: what fills more is a broken stroke
_BEYOND: Final = 0.6  # of a line's height: so far above and below it are its dots
_TEXT: Final = 16  # letters: with so many a line may be one of text, whatever else is on the page
_OTHERS: Final = 10  # characters: so many in so many lines are what is written beside the text
_LINES: Final = 3
_NUMBER: Final = 0.85  # of the typical character: so high is a list's number at most
_LOWEST: Final = 0.25  # of the typical character: dots and dashes are lower than numbers
_COLUMN: Final = 5  # numbers below each other
_EVEN: Final = 0.06  # of print's height: so much higher or lower are others
_ALIGNED: Final = 0.35  # of it: so far from others begins one, or ends
_REGULAR: Final = 0.08  # of the way from one to the next: so far from where it should be lies one
_VARIED: Final = 0.15  # of the ink of the one with the most: one with the least has so much less
_MOSTLY: Final = 0.75  # of them
_ALL: Final = 0.9  # of the ink in a column
_LARGEST: Final = 8  # times as high as a letter of it: what is higher is no character


def small_print(boxes: Any, areas: Any, clean: Any) -> Any:
    """Return which pieces of ink are lines of words in letters far smaller than the page's characters.

    Args:
        boxes: The pieces', ``(n, 4)``.
        areas: Their numbers of pixels; 0 for what is none of the writing.
        clean: Which are no dirt.
    """
    found = np.zeros(len(boxes), np.bool_)
    typical, heights = max(_size(boxes, areas), _size_beside_text(boxes[clean], areas[clean])), sizes_of(boxes)[:, 1]
    small = np.flatnonzero(clean & (heights < _HIGH * typical))
    small = small[np.argsort(boxes[small, 0], kind="stable")]
    left, top, right, bottom = boxes[small].T
    fill = areas[small] / ((right - left) * (bottom - top))
    word, line = (_strung(boxes[small], way) for way in (_CLOSE, _SPACE))
    for number in np.unique(line[np.bincount(word)[word] >= _FEWEST] if len(small) else []):
        mine = line == number
        high = heights[small[mine]] >= _SMALL * typical
        if fill[mine].mean() > _FILLED or high.mean() > (_ASCENDERS if len(high) >= _LONG else 0):
            continue
        beyond = _BEYOND * (bottom[mine].max() - top[mine].min())
        inside = (left >= left[mine].min()) & (right <= right[mine].max())
        inside &= (top >= top[mine].min() - beyond) & (bottom <= bottom[mine].max() + beyond)
        found[small[mine | inside]] = True
    return found


def list_numbers(boxes: Any, areas: Any, clean: Any) -> Any:
    """Return which pieces are the printed numbers of a list: no higher than characters, and alone in their column.

    They are of one height, below each other from one edge, and as far from the next.

    Args:
        boxes: The pieces', ``(n, 4)``.
        areas: Their numbers of pixels; 0 for what is none of the writing.
        clean: Which are no dirt, nor print.
    """
    found, heights = np.zeros(len(boxes), np.bool_), sizes_of(boxes)[:, 1]
    typical = _size(boxes, areas)
    pieces = np.flatnonzero(clean & (heights >= _LOWEST * typical))
    pieces = pieces[np.argsort(boxes[pieces, 0], kind="stable")]
    low = heights[pieces] < _NUMBER * typical
    if low.sum() < _COLUMN:
        return found
    word = _strung(boxes[pieces], _CLOSE)
    hulls = np.zeros((word.max() + 1, 4), np.int64)
    hulls[word] = boxes[pieces]
    np.minimum.at(hulls[:, :2], word, boxes[pieces, :2])
    np.maximum.at(hulls[:, 2:], word, boxes[pieces, 2:])
    inked = np.bincount(word, areas[pieces])
    height, left = hulls[:, 3] - hulls[:, 1], np.bincount(word, ~low) == 0
    for one in np.flatnonzero(left):
        even = left & (np.abs(height - height[one]) <= max(_EVEN * height[one], 1))
        for edge in (0, 2):
            column = even & (np.abs(hulls[:, edge] - hulls[one, edge]) <= _ALIGNED * height[one])
            if column.sum() < _COLUMN or not _is_regular(hulls[column, 1]):
                continue
            if np.ptp(inked[column]) < _VARIED * inked[column].max():
                continue  # one sign, again and again
            start, stop = hulls[column, :2].min(axis=0), hulls[column, 2:].max(axis=0)
            within = (boxes[:, :2] < stop).all(axis=1) & (boxes[:, 2:] > start).all(axis=1) & clean
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


def _size_beside_text(boxes: Any, areas: Any) -> float:
    """Return the size of what is written beside lines of text, which may be less; 0 where there are none."""
    order = np.argsort(boxes[:, 0], kind="stable")
    boxes, areas = boxes[order], areas[order]
    word, line = (_strung(boxes, way) for way in (_CLOSE, _SPACE))
    words = np.unique(line[np.bincount(word)[word] >= _FEWEST] if len(line) else line)
    text = (np.bincount(line)[line] >= _TEXT) & np.isin(line, words) if len(line) else np.zeros(0, np.bool_)
    if not text.any():
        return 0.0
    heights = sizes_of(boxes)[:, 1]
    letter = float(np.median(heights[text]))
    beside = ~text & (heights >= letter) & (heights <= _LARGEST * letter)
    if beside.sum() < _OTHERS:
        return 0.0
    rows = clustered((boxes[beside, 1] + boxes[beside, 3]) / 2, float(np.median(heights[beside])))
    return _size(boxes[beside], areas[beside]) if len(np.unique(rows)) >= _LINES else 0.0


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
