"""Printed words beside the writing: the labels of a form's fields."""

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from handwriting_cnn.recognition.ink import median_by_ink, sizes_of

_SMALL: Final = 0.45  # of the typical character: so high is print at most
_FLAT: Final = 1.5  # of characters' height: so long is their longer side at most
_CLOSE: Final = 0.4  # of their height: so far apart stand the letters of a word
_SPACE: Final = 1.0  # of it: so far apart stand words
_LEVEL: Final = 0.5  # of the lower one's height: so much of it stands beside the other
_FEWEST: Final = 4  # letters: a character has fewer marks beside each other
_FILLED: Final = 0.8  # of their boxes: what fills more is a broken stroke
_BEYOND: Final = 0.6  # of a line's height: so far above and below it are its dots


def small_print(boxes: Any, areas: Any, clean: Any) -> Any:
    """Return which pieces of ink are lines of words in letters far smaller than the page's characters.

    Args:
        boxes: The pieces', ``(n, 4)``.
        areas: Their numbers of pixels; 0 for what is none of the writing.
        clean: Which are no dirt.
    """
    found = np.zeros(len(boxes), np.bool_)
    heights, longer = sizes_of(boxes)[:, 1], sizes_of(boxes).max(axis=1)
    # Of flat letters the longer side tells how large they are, of joined ones the height does.
    typical = min(median_by_ink(longer, areas), _FLAT * median_by_ink(heights, areas))
    small = np.flatnonzero(clean & (heights < _SMALL * typical))
    small = small[np.argsort(boxes[small, 0], kind="stable")]
    left, top, right, bottom = boxes[small].T
    fill = areas[small] / ((right - left) * (bottom - top))
    word, line = (_strung(boxes[small], way) for way in (_CLOSE, _SPACE))
    for number in np.unique(line[np.bincount(word)[word] >= _FEWEST] if len(small) else []):
        mine = line == number
        if fill[mine].mean() > _FILLED:
            continue
        beyond = _BEYOND * (bottom[mine].max() - top[mine].min())
        inside = (left >= left[mine].min()) & (right <= right[mine].max())
        inside &= (top >= top[mine].min() - beyond) & (bottom <= bottom[mine].max() + beyond)
        found[small[mine | inside]] = True
    return found


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
    pairs = [(one, other) for one in range(len(boxes)) for other in range(firsts[one], lasts[one])]
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    level = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
    beside = level >= _LEVEL * np.minimum(height[one], height[other])
    links = (np.ones(beside.sum()), (one[beside], other[beside]))
    graph = scipy.sparse.coo_array(links, shape=(len(boxes), len(boxes)))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
