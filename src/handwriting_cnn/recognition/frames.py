"""Printed outlines that are no rectangles of lines: circles, and boxes with round corners."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, sizes_of
from handwriting_cnn.recognition.windows import narrowed

_SMALLEST: Final = 14  # pixels of each side of an outline
_LARGEST: Final = 0.4  # of the page's shorter side
_LONGEST: Final = 3  # times the other side
_THIN: Final = 0.4  # of what it encloses: an outline's own ink is less
_CONVEX: Final = 0.7  # of its box: an outline encloses so much; a circle pi / 4
_ALIKE: Final = 0.05  # of their size: so far apart lie the sizes of outlines, and of those that hold a character
_PIXELS: Final = 2.0
_FEWEST: Final = 4
_HIDDEN: Final = 0.5  # of a cell
_SOFT: Final = 1  # pixels of an outline's edge
_CONTENT: Final = 0.25  # of its outline: so large is a character at least


@dataclass(frozen=True, kw_only=True, eq=False)
class Framed:
    """Cells, and the outlines around some of them.

    Attributes:
        cells: Each pixel's cell, from 1; 0 is none.
        outlines: The pixels of outlines, and what they are mixed with at their edges.
        count: The number of cells.
    """

    cells: npt.NDArray[np.int32]
    outlines: Mask
    count: int

    def over(self, cells: npt.NDArray[np.int32]) -> "Framed":
        """Return these cells, and of others those that none of these takes most of."""
        if not self.count:
            return replace(self, cells=cells, count=int(cells.max(initial=0)))
        total = np.bincount(cells.ravel(), minlength=1)
        hidden = np.bincount(cells[(self.cells > 0) | self.outlines], minlength=len(total))
        number = np.zeros(len(total), np.int32)
        left = np.flatnonzero(hidden[1:] < _HIDDEN * total[1:]) + 1
        number[left] = self.count + 1 + np.arange(len(left))
        return replace(self, cells=np.where(self.cells > 0, self.cells, number[cells]), count=self.count + len(left))


def framed_cells(mask: Mask) -> Framed:
    """Return what closed outlines of one size and shape enclose.

    A hand does not draw four closed lines of one size around something else; a printed form does.

    Args:
        mask: All ink.
    """
    cells, outlines = np.zeros(mask.shape, np.int32), np.zeros(mask.shape, np.bool_)
    labels, boxes, areas = components(mask)
    sizes = sizes_of(boxes)
    possible = (sizes.min(axis=1) >= _SMALLEST) & (sizes.max(axis=1) <= _LARGEST * min(mask.shape))
    possible &= (sizes.max(axis=1) <= _LONGEST * sizes.min(axis=1)) & (areas <= _THIN * sizes.prod(axis=1))
    candidates = np.flatnonzero(possible)
    near = np.maximum(_ALIKE * sizes, _PIXELS)
    alike = [candidates[(np.abs(sizes[candidates] - sizes[one]) <= near[one]).all(axis=1)] for one in candidates]
    for group in sorted((group for group in alike if len(group) >= _FEWEST), key=len, reverse=True):
        enclosed = {int(one): _enclosed(labels, boxes[one], int(one) + 1) for one in group}
        closed = [one for one, inside in enclosed.items() if inside.any()]
        holding = [one for one in closed if _holds(labels, boxes, sizes, one)]
        if len(holding) < _FEWEST:
            continue
        thickness = max(round(float(np.median([areas[one] / _edge(enclosed[one]).sum() for one in closed]))), 1)
        for number, one in enumerate(closed, start=1):
            left, top, right, bottom = boxes[one]
            inside = np.pad(enclosed[one], 1)
            for _ in range(thickness + _SOFT):
                inside &= ~_edge(inside)
            inside = inside[1:-1, 1:-1]
            cells[top:bottom, left:right][inside] = number
            outlines[top:bottom, left:right] |= enclosed[one] & ~inside
        return Framed(cells=cells, outlines=outlines, count=len(closed))
    return Framed(cells=cells, outlines=outlines, count=0)


def _enclosed(labels: Any, box: Any, number: int) -> Mask:
    """Return what a piece of ink encloses, and itself, in its box; nothing if it is no outline."""
    piece = labels[box[1] : box[3], box[0] : box[2]] == number
    filled = scipy.ndimage.binary_fill_holes(piece)
    if filled.mean() < _CONVEX or piece.sum() > _THIN * filled.sum():
        return np.zeros_like(piece)
    return np.asarray(filled)


def _edge(area: Mask) -> Mask:
    """Return the pixels of an area that have a neighbour outside of it."""
    padded = np.pad(area, 1)
    return area & ~narrowed(narrowed(padded, 3, 0), 3, 1)[1:-1, 1:-1]


def _holds(labels: Any, boxes: Any, sizes: Any, one: int) -> bool:
    """Return whether an outline holds a character."""
    left, top, right, bottom = boxes[one]
    inside = np.setdiff1d(np.unique(labels[top:bottom, left:right]), (0, one + 1)) - 1
    within = (boxes[inside, :2] >= (left, top)).all(axis=1) & (boxes[inside, 2:] <= (right, bottom)).all(axis=1)
    return bool((sizes[inside[within]].max(axis=1, initial=0) >= _CONTENT * sizes[one].max()).any())
