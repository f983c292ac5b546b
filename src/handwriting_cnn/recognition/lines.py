"""The lines in which characters stand, be the page curved."""

from typing import Any, Final

import numpy as np
import scipy.spatial

_LINE: Final = 0.55  # typical sizes: centres of a line's characters lie nearer to its own
_FARTHEST: Final = 4.0  # typical sizes: what stands farther apart are no neighbours
_BESIDE: Final = 0.7  # typical sizes: nor what stands so much higher
_STEEP: Final = 2.0  # times as far as a way along the line counts one across it
_AROUND: Final = 16  # of the characters nearest to one, the next of its line is among them
_FEWEST: Final = 60  # neighbours: fewer do not show how lines bend
_POWERS: Final = 3  # of the way along the line, to which a slope's terms go
_ROUNDS: Final = 4
_OUTLIER: Final = 2.5  # times the median deviation
_GAIN: Final = 25.0  # divided by the number of neighbours: so much less than by straight lines they deviate at least
_BENT: Final = 0.25  # typical sizes: lines that bend by less are straight
_BETTER: Final = 0.8  # of the deviation from straight lines: so much is left at most by bent ones


def line_numbers(boxes: Any, typical: float) -> Any:
    """Return the line of each character, from 0 at the top.

    Args:
        boxes: The characters', ``(n, 4)``.
        typical: Their typical size in pixels.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return clustered(centres[:, 1] - _bends(centres, boxes, typical), _LINE * typical)


def clustered(centres: Any, width: float) -> Any:
    """Number centres along an axis by the line that they lie in: a new one where the next lies too far below."""
    order = np.argsort(centres, kind="stable")
    numbers = np.zeros(len(centres), np.int64)
    line, total, count = 0, 0.0, 0
    for index in order:
        if count and centres[index] - total / count > width:
            line, total, count = line + 1, 0.0, 0
        numbers[index] = line
        total, count = total + centres[index], count + 1
    return numbers


def _bends(centres: Any, boxes: Any, typical: float) -> Any:
    """Return how far below a straight line each character stands, 0 where the lines are straight.

    The lines' slope is a polynomial of the place along them, which changes evenly down the page: fitted by least
    squares, without outliers, to the ways from characters to the next ones. Half of these must tell the other half
    better than straight lines do, and the characters must lie nearer to the bent lines.

    Args:
        centres: The characters', as x and y.
        boxes: Theirs.
        typical: Their typical size.
    """
    straight = np.zeros(len(centres))
    one, other = _neighbours(centres, boxes, typical)
    if len(one) < _FEWEST:
        return straight
    middle, half = (centres.max(axis=0) + centres.min(axis=0)) / 2, np.maximum(np.ptp(centres, axis=0) / 2, 1)
    places = (centres - middle) / half
    along, down = (places[one] + places[other]).T / 2
    (across, rise), powers = (centres[other] - centres[one]).T, np.arange(_POWERS)
    terms = along[:, np.newaxis] ** powers * across[:, np.newaxis]
    terms = np.concatenate([terms, terms * down[:, np.newaxis]], axis=1)
    for first in (0, 1):
        seen, unseen = np.s_[first::2], np.s_[1 - first :: 2]
        left = rise[unseen] - terms[unseen] @ _fitted(terms[seen], rise[seen])
        if np.abs(left).mean() > (1 - _GAIN / len(one)) * np.abs(rise[unseen]).mean():
            return straight
    found = _fitted(terms, rise)
    integral = places[:, :1] ** (powers + 1) / (powers + 1) * half[0]
    bends = integral @ found[:_POWERS] + (integral @ found[_POWERS:]) * places[:, 1]
    levels = centres[:, 1]
    if np.ptp(bends) <= _BENT * typical or _spread(levels - bends, typical) > _BETTER * _spread(levels, typical):
        return straight
    return bends


def _fitted(terms: Any, values: Any) -> Any:
    """Return the factors of terms that give values by least squares, without outliers."""
    kept = np.ones(len(values), np.bool_)
    for _ in range(_ROUNDS):
        found = np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        left = np.abs(values - terms @ found)
        kept = left <= _OUTLIER * max(float(np.median(left)), 1.0)
    return found


def _spread(levels: Any, typical: float) -> float:
    """Return how far from their lines characters stand on average."""
    lines = clustered(levels, _LINE * typical)
    return float(np.abs(levels - (np.bincount(lines, levels) / np.bincount(lines))[lines]).mean())


def _neighbours(centres: Any, boxes: Any, typical: float) -> tuple[Any, Any]:
    """Return pairs of characters of which each is the nearest of the other, to its right and to its left."""
    if len(centres) < _FEWEST:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    each = np.arange(len(centres))
    ways, near = scipy.spatial.KDTree(centres * (1, _STEEP)).query(centres * (1, _STEEP), _AROUND)
    across = centres[near, 0] - centres[:, np.newaxis, 0]
    far = np.abs(centres[near, 1] - centres[:, np.newaxis, 1]) > _BESIDE * typical
    gaps = np.maximum(boxes[near, 0] - boxes[:, np.newaxis, 2], boxes[:, np.newaxis, 0] - boxes[near, 2])
    far |= gaps > _FARTHEST * typical
    following, before = (
        np.where(found.any(axis=1), near[each, np.where(found, ways, np.inf).argmin(axis=1)], -1)
        for found in (~far & (across > 0), ~far & (across < 0))
    )
    one = np.flatnonzero((following >= 0) & (before[following] == each))
    return one, following[one]
