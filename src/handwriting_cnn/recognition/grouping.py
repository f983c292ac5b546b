"""From ink to characters: strokes and marks put together, in lines."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, hulls_of, median_by_ink, sizes_of
from handwriting_cnn.recognition.lines import line_numbers
from handwriting_cnn.recognition.small_print import list_numbers, small_print

SPECK: Final = 0.2  # of a stroke's width, squared: less ink is dirt
_DIRT: Final = 2  # pixels: of a page, a single one is dirt, too
_ALONG: Final = 0.5  # of its longer side: so much of a piece lies on the page's edge where it is none of the writing
_NARROW: Final = 0.35  # of its longer side: what is no broader may be a strip along the edge
_WHOLE: Final = (0.7, 2.0)  # typical sizes of what touches the page's edge and is whole
_LARGEST: Final = 8  # typical sizes: what is larger is no character
_BODY: Final = 0.5  # of the typical size: what is smaller in both directions is a mark
_SMALLEST: Final = 0.2  # of the typical size: what is smaller and far from any other is dirt
_FEW: Final = 4  # bodies: so few do not show how far apart lines are
_FLAT: Final = 0.45  # of the highest: of few, what is no higher
_SHORT: Final = 0.85  # of the longest: and no longer, is a mark, as the breve of й
_LOW: Final = 0.65  # of the other's height: of few, what is no higher
_CLOSE: Final = 0.15  # typical sizes: and as near, belongs to it, as the hamza of alef
_HIGHEST: Final = 1.8  # times a character's size: then both may be so high
_REACH: Final = 0.9  # typical sizes: a mark lies no further from its body
_SIDEWAYS: Final = 1.6  # how much farther a gap to the side counts than one above or below
_OVERLAP: Final = 0.55  # of the narrower's width: strokes above each other are one character
_STACKED: Final = 0.35  # typical sizes between them at most
_HIGHER: Final = 1.5  # times a character's size, or its width: what is higher stands in two lines
_TOUCHING: Final = 0.12  # typical sizes: so near each other, broken strokes are one
_LEVEL: Final = 0.5  # of the lower one's height: so much of it stands beside the other
_BREAK: Final = 0.05  # typical sizes: broken strokes beside each other are nearer than characters are
_NEAR: Final = 0.25  # of the median gap of a page, and of the typical size: a smaller gap lies inside a character
_FAR: Final = 2  # typical sizes: a wider gap lies between words, or columns
_FEWEST_GAPS: Final = 8
_BESIDE: Final = 0.15  # typical sizes: what stands so far beside a body, at its height, is no mark of it
_TALL: Final = 0.9  # the quantile of the heights that is a whole character's
_SQUARE: Final = 1.25  # of that height: what is wider is more than one character
_WIDER: Final = 1.25  # how much wider than in the pictures learned from a gap inside a character may be
_INSIDE: Final = 0.45  # of the median gap between characters: a wider gap is none inside one
_MOST: Final = 10_000  # pieces of ink


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """Characters as groups of connected ink.

    Attributes:
        labels: Each pixel's character, from 1 in reading order; 0 is paper or dirt.
        boxes: Left, top, right, bottom of each, ``(n, 4)``.
        lines: Each one's line, ``(n,)``.
    """

    labels: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]


def group_characters(
    mask: Mask, stroke: float, *, rtl: bool, gap: float = 0.0, one_line: bool = False, pieces: Any = None
) -> Groups:
    """Put the strokes of a page's ink together to characters; what the page's edge cuts short is none.

    A page with more than 10,000 pieces of ink, or most of whose ink is dirt, is texture and has none.

    Args:
        mask: The page's ink.
        stroke: Its width in pixels.
        rtl: Whether lines are read from right to left.
        gap: The gap between parts of a character that stand beside each other, as a share of its longer side; 0 where
            characters have none.
        one_line: Whether all stand in one line, be it curved.
        pieces: The mask's :func:`components`, if they are known.
    """
    labels, boxes, areas = components(mask) if pieces is None else pieces
    clean = areas >= least_ink(stroke)
    if clean.sum() > _MOST or 2 * areas[clean].sum() <= areas.sum():
        none = np.full(len(boxes), -1)
        return ordered(labels, none, boxes, none, rtl=rtl)
    ink = np.where(_cut(labels, boxes, areas), 0, areas)
    ink[small_print(boxes, ink, clean & (ink > 0))] = 0
    ink[list_numbers(boxes, ink)] = 0
    clean &= ink > 0
    typical = median_by_ink(sizes_of(boxes).max(axis=1), ink)
    owner, lines = _joined(boxes, clean, typical, gap, one_line=one_line)
    if gap and (owner >= 0).any():  # the pieces may be far smaller than characters are
        pieces, place, hulls = hulls_of(owner, boxes)
        typical = max(typical, median_by_ink(sizes_of(hulls).max(axis=1), np.bincount(place, ink[pieces])))
        owner, lines = _joined(boxes, clean, typical, gap, one_line=one_line)
    return ordered(labels, owner, boxes, lines, rtl=rtl)


def _cut(labels: Any, boxes: Any, areas: Any) -> Any:
    """Return which pieces the page's edge cuts short, or runs along; a whole character may just touch it."""
    border = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(border, minlength=len(areas) + 1)[1:]
    shorter, longer = np.sort(sizes_of(boxes), axis=1).T
    along = (contact > _ALONG * longer) & (shorter < _NARROW * longer)
    if along.all():
        return np.zeros(len(areas), np.bool_)
    typical = median_by_ink(longer[~along], areas[~along])
    unlike = (longer < _WHOLE[0] * typical) | (longer > _WHOLE[1] * typical)
    return along | ((contact > 0) & unlike)


def _joined(boxes: Any, clean: Any, typical: float, gap: float, *, one_line: bool) -> tuple[Any, Any]:
    """Return each piece's character, -1 where it belongs to none, and its line."""
    heights, longer = sizes_of(boxes)[:, 1], sizes_of(boxes).max(axis=1)
    clean = clean & (longer < _LARGEST * typical)
    bodies = clean & (longer >= _BODY * typical)
    if 1 < bodies.sum() <= _FEW:
        bodies &= (heights > _FLAT * heights[bodies].max()) | (longer > _SHORT * longer[bodies].max())
    owner = np.where(clean, np.arange(len(boxes)), -1)
    _join_bodies(owner, boxes, np.flatnonzero(bodies), typical)
    marks = np.flatnonzero(clean & ~bodies)
    # Where most characters are as small as marks, a heading's size is the typical one: they are told by their own.
    apart = owner.copy()
    if len(marks) <= bodies.sum() or _join_marks(apart, boxes, bodies, marks, typical, own=True) <= bodies.sum():
        _join_marks(owner, boxes, bodies, marks, typical)
    else:
        owner = apart
    _join_neighbours(owner, boxes, _line_numbers(owner, boxes, typical, one_line=one_line), typical, gap)
    return owner, _line_numbers(owner, boxes, typical, one_line=one_line)


def least_ink(stroke: float) -> float:
    """Return of how many pixels a piece of ink is no dirt."""
    return max(SPECK * stroke**2, _DIRT)


def gaps_to(one: Any, others: Any) -> tuple[Any, Any]:
    """Return the horizontal and vertical gaps between a box and others; negative where they overlap."""
    across = np.maximum(one[0], others[:, 0]) - np.minimum(one[2], others[:, 2])
    down = np.maximum(one[1], others[:, 1]) - np.minimum(one[3], others[:, 3])
    return across, down


def _join_bodies(owner: Any, boxes: Any, bodies: Any, typical: float) -> None:
    """Give strokes that lie above each other, or nearly touch, one owner; but not those of two lines."""
    if not len(bodies):
        return
    bodies = bodies[np.argsort(boxes[bodies, 1], kind="stable")]
    sizes, tops = sizes_of(boxes), boxes[bodies, 1]
    lasts = np.searchsorted(tops, boxes[bodies, 3] + _STACKED * typical)  # what begins further down is too far away
    pairs: list[tuple[float, int, int]] = []
    for position, body in enumerate(bodies.tolist()):
        others = bodies[position + 1 : lasts[position]]
        across, down = gaps_to(boxes[body], boxes[others])
        narrower = np.minimum(sizes[body, 0], sizes[others, 0])
        stacked = (-across >= _OVERLAP * narrower) & (down < _STACKED * typical)
        touching = (across < _TOUCHING * typical) & (down < _TOUCHING * typical)
        level = -down >= _LEVEL * np.minimum(sizes[body, 1], sizes[others, 1])
        touching &= (across < _BREAK * typical) | ~level
        joined = stacked | touching
        gaps = np.maximum(across, down)[joined].tolist()
        pairs += [(gap, body, other) for gap, other in zip(gaps, others[joined].tolist(), strict=True)]
    whole = float(np.quantile(sizes[bodies].max(axis=1), _TALL))
    hulls = dict(zip(bodies.tolist(), boxes[bodies].tolist(), strict=True))
    for way, one, other in sorted(pairs):
        first, second = int(owner[one]), int(owner[other])
        if first != second:
            hull = _hull(hulls[first], hulls[second])
            lower, higher = sorted(hulls[body][3] - hulls[body][1] for body in (first, second))
            mark = len(bodies) <= _FEW and way <= _CLOSE * typical and lower <= _LOW * higher
            if hull[3] - hull[1] <= (_HIGHEST if mark else _HIGHER) * max(whole, hull[2] - hull[0]):
                owner[owner == second] = first
                hulls[first] = hull


def _join_marks(owner: Any, boxes: Any, bodies: Any, marks: Any, typical: float, *, own: bool = False) -> int:
    """Give each mark the owner of the nearest body; one far from any is a small character itself, or dirt.

    Return how many became characters; ``own`` lets these reach as far as their own size says, not the typical one.
    """
    sizes = sizes_of(boxes).max(axis=1)
    found = np.concatenate([np.flatnonzero(bodies), marks])  # bodies, and in the marks' places what became one
    frames, count = boxes[found], int(bodies.sum())
    whole = np.where(bodies[found] | (not own), typical, sizes[found])
    for mark in marks[np.argsort(-sizes[marks], kind="stable")]:
        if count:
            across, down = gaps_to(boxes[mark], frames[:count])
            distance = _SIDEWAYS * np.maximum(across, 0) + np.maximum(down, 0)
            nearest = int(distance.argmin())
            size = whole[nearest]
            beside = across[nearest] > _BESIDE * size and down[nearest] < 0 and sizes[mark] >= _SMALLEST * typical
            if distance[nearest] <= _REACH * size and not beside:
                owner[mark] = owner[found[nearest]]
                continue
        if sizes[mark] >= _SMALLEST * typical:
            found[count], frames[count], whole[count] = mark, boxes[mark], sizes[mark] if own else typical
            count += 1
        else:
            owner[mark] = -1
    return count - int(bodies.sum())


def _join_neighbours(owner: Any, boxes: Any, lines: Any, typical: float, gap: float) -> None:
    """Put together what stands in a line far nearer to each other than characters do, as the two of ы or of ハ."""
    pieces, place, hulls = hulls_of(owner, boxes)
    if not len(pieces):
        return
    height = float(np.quantile(hulls[:, 3] - hulls[:, 1], _TALL))
    line = _of_each(lines[pieces], place)
    order = np.lexsort((*hulls.T[::-1], line))
    beside = line[order[1:]] == line[order[:-1]]
    firsts, seconds = order[:-1][beside], order[1:][beside]
    gaps = hulls[seconds, 0] - hulls[firsts, 2]
    least = -1.0
    close = gaps[gaps < _FAR * typical]
    usual = close if len(close) >= _FEWEST_GAPS else gaps
    if len(usual) >= _FEWEST_GAPS:
        least = min(_NEAR * float(np.median(usual)), _NEAR * typical)
    widest = _WIDER * gap * height
    if gap and len(gaps) > 1:  # a single one does not show how far apart characters are
        between = gaps[gaps > widest] if (gaps > widest).any() else gaps
        widest = min(widest, _INSIDE * float(np.median(between)))
    whole = np.arange(len(hulls))  # of which character each is a part
    for first, second, across in zip(firsts.tolist(), seconds.tolist(), gaps.tolist(), strict=True):
        root = whole[first]
        one, other = hulls[root].tolist(), hulls[second].tolist()
        overlap = -across >= _OVERLAP * min(one[2] - one[0], other[2] - other[0])
        parts = gap and across <= widest and other[2] - one[0] <= _SQUARE * height
        if overlap or across < least or parts:
            whole[second] = root
            hulls[root] = _hull(one, other)
    owner[pieces] = whole[place]


def _line_numbers(owner: Any, boxes: Any, typical: float, *, one_line: bool) -> Any:
    """Return each piece's line, -1 where it belongs to no character."""
    lines = np.full(len(owner), -1)
    pieces, place, hulls = hulls_of(owner, boxes)
    lines[pieces] = 0 if one_line else line_numbers(hulls, typical)[place]
    return lines


def _of_each(values: Any, place: Any) -> Any:
    """Return each owner's value, which all of its pieces have."""
    return values[np.unique(place, return_index=True)[1]]


def _hull(one: Any, other: Any) -> tuple[int, int, int, int]:
    """Return the box around two boxes."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def ordered(labels: Any, owner: Any, boxes: Any, lines: Any, *, rtl: bool) -> Groups:
    """Number the owners in reading order."""
    pieces, place, hulls = hulls_of(owner, boxes)
    line = _of_each(lines[pieces], place)
    middle = hulls[:, 0] + hulls[:, 2]
    order = np.lexsort((-middle if rtl else middle, line))
    number = np.zeros(len(boxes) + 1, np.int32)
    number[1:][pieces] = np.argsort(order)[place] + 1
    return Groups(labels=number[labels], boxes=hulls[order], lines=line[order])
