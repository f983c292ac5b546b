"""Printed outlines that are no rectangles of lines: circles, and boxes with round corners."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.spatial

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import boxes_of, components, sizes_of
from handwriting_cnn.recognition.windows import narrowed

_SMALLEST: Final = 14  # pixels of each side of an outline
_LARGEST: Final = 0.4  # of the page's shorter side
_LONGEST: Final = 3  # times the other side
_THIN: Final = 0.4  # of what it encloses: an outline's own ink is less
_CONVEX: Final = 0.7  # of its box: an outline encloses so much; a circle pi / 4
_ALIKE: Final = 0.05  # of their size: so far apart lie the sizes of outlines, and of those that hold a character
_PIXELS: Final = 2.0
_FEWEST: Final = 4
_HOLE: Final = 0.75  # of an outline's sides: so long are those of its hole
_STEADY: Final = 0.015  # of their sides: so much change they from one to the next
_OTHERS: Final = 0.2  # of those that hold a character: so many may be of other sizes
_AS_LARGE: Final = 0.7  # times an outline: what is as large may be a character, if the outlines are
_BESIDE: Final = 0.5  # times the outlines: so many characters as large may stand beside them
_HIDDEN: Final = 0.5  # of a cell
_ROOM: Final = 1.6  # times what an outline encloses: a cell with so much room around it is the place to write in
_SOFT: Final = 1  # pixels of an outline's edge
_CONTENT: Final = 0.25  # of its outline: so large is a character at least


@dataclass(frozen=True, kw_only=True, eq=False)
class Framed:
    """Cells, and the outlines around some of them.

    Attributes:
        cells: Each pixel's cell, from 1; 0 is none.
        outlines: The number of the cell, from 1, around which each pixel is an outline, or mixed with it at its edge.
        count: The number of cells.
    """

    cells: npt.NDArray[np.int32]
    outlines: npt.NDArray[np.int32]
    count: int

    def over(self, cells: npt.NDArray[np.int32]) -> "Framed":
        """Return these cells, and of others those that none of these takes most of.

        Of those that are alone in another and leave much of it free nothing is left: there the other is the place to
        write in, and they are written, as a circled digit is.
        """
        if not self.count:
            return replace(self, cells=cells, count=int(cells.max(initial=0)))
        if not cells.any():
            return self
        total, own = np.bincount(cells.ravel(), minlength=1), np.bincount(self.cells.ravel(), minlength=self.count + 1)
        both = (self.cells > 0) & (cells > 0)
        pairs, shared = np.unique(self.cells[both].astype(np.int64) * len(total) + cells[both], return_counts=True)
        inner, outer = np.divmod(pairs[2 * shared > own[pairs // len(total)]], len(total))
        alone = np.bincount(outer, minlength=len(total))[outer] == 1
        written = np.zeros(self.count + 1, np.bool_)
        written[inner[alone & (total[outer] > _ROOM * own[inner])]] = True
        kept = np.where(written[self.cells], 0, self.cells)
        outlines = np.where(written[self.outlines], 0, self.outlines)
        hidden = np.bincount(cells[(kept > 0) | (outlines > 0)], minlength=len(total))
        number = np.zeros(len(total), np.int32)
        left = np.flatnonzero(hidden[1:] < _HIDDEN * total[1:]) + 1
        number[left] = self.count + 1 + np.arange(len(left))
        together = np.where(kept > 0, kept, number[cells])
        used = np.flatnonzero(np.bincount(together.ravel())[1:]) + 1
        dense = np.zeros(together.max(initial=0) + 1, np.int32)
        dense[used] = 1 + np.arange(len(used))
        return Framed(cells=dense[together], outlines=outlines, count=len(used))


def no_frames(shape: tuple[int, ...]) -> Framed:
    """Return that nothing of a page is enclosed."""
    none = np.zeros(shape, np.int32)
    return Framed(cells=none, outlines=none, count=0)


def framed_cells(mask: Mask) -> Framed:
    """Return what closed outlines of one size and shape enclose.

    They are printed if there are four and more of a size, with something in them, each hardly larger or smaller than
    the next, and hardly any of other sizes: those of 国 or of a circled digit, written by a hand, differ more, and have
    other characters as large beside them.

    Args:
        mask: All ink.
    """
    labels, boxes, areas = components(mask)
    sizes = sizes_of(boxes)
    closed = _closed(mask, labels, boxes, areas)
    holding = np.array([one for one in closed if _holds(boxes, sizes, one)], np.int64)
    groups, left = [], np.ones(len(holding), np.bool_)
    for one in holding:
        alike = _alike(sizes, one, holding) & left
        if alike.sum() >= _FEWEST and _steady(boxes[holding[alike]]):
            left &= ~alike
            groups.append(one)
    if not groups or left.mean() > _OTHERS:
        return no_frames(mask.shape)
    printed = np.unique(np.concatenate([closed[_alike(sizes, one, closed)] for one in groups]))
    largest = sizes[groups].max()
    as_large = (sizes.max(axis=1) >= _AS_LARGE * largest) & (sizes.max(axis=1) * _AS_LARGE <= largest)
    if as_large.sum() >= (1 + _BESIDE) * len(printed):
        return no_frames(mask.shape)
    cells, outlines, count = np.zeros(mask.shape, np.int32), np.zeros(mask.shape, np.int32), 0
    for one in printed:
        start, top, right, bottom = boxes[one]
        area = scipy.ndimage.binary_fill_holes(labels[top:bottom, start:right] == one + 1)
        if area.mean() < _CONVEX or areas[one] > _THIN * area.sum():
            continue
        inside = np.pad(area, 1)
        for _ in range(max(round(areas[one] / _edge(area).sum()), 1) + _SOFT):
            inside &= ~_edge(inside)
        inside, count = inside[1:-1, 1:-1], count + 1
        cells[top:bottom, start:right][inside] = count
        outlines[top:bottom, start:right][area & ~inside] = count
    return Framed(cells=cells, outlines=outlines, count=count)


def _closed(mask: Mask, labels: Any, boxes: Any, areas: Any) -> Any:
    """Return the thin pieces of ink with a hole that is nearly as large as themselves."""
    holes, _ = scipy.ndimage.label(~mask, output=np.int32)
    hulls = boxes_of(holes)
    spans = sizes_of(hulls)
    found = set()
    for hole in np.flatnonzero((spans.min(axis=1) >= _HOLE * _SMALLEST) & (hulls[:, 1] > 0)):
        start, top, stop, _ = hulls[hole]
        column = start + int((holes[top, start:stop] == hole + 1).argmax())
        piece = int(labels[top - 1, column]) - 1
        if piece >= 0 and (spans[hole] >= _HOLE * (boxes[piece, 2:] - boxes[piece, :2])).all():
            found.add(piece)
    closed = np.array(sorted(found), np.int64)
    sizes = sizes_of(boxes[closed])
    longer, shorter = sizes.max(axis=1), sizes.min(axis=1)
    possible = (shorter >= _SMALLEST) & (longer <= _LARGEST * min(mask.shape)) & (longer <= _LONGEST * shorter)
    return closed[possible & (areas[closed] <= _THIN * sizes.prod(axis=1))]


def _alike(sizes: Any, one: int, others: Any) -> Any:
    """Return which others have nearly the size of one."""
    near = np.maximum(_ALIKE * sizes[one], _PIXELS)
    return np.asarray((np.abs(sizes[others] - sizes[one]) <= near).all(axis=1))


def _steady(boxes: Any) -> bool:
    """Return whether sizes hardly change from one box to the nearest, as those of printed ones do in a photograph."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    _, nearest = scipy.spatial.KDTree(middles).query(middles, k=2)
    sizes = sizes_of(boxes)
    changes = np.abs(sizes - sizes[nearest[:, 1]]).max(axis=1)
    return bool(np.median(changes) <= max(_STEADY * np.median(sizes), 1))


def _edge(area: Mask) -> Mask:
    """Return the pixels of an area that have a neighbour outside of it."""
    padded = np.pad(area, 1)
    return area & ~narrowed(narrowed(padded, 3, 0), 3, 1)[1:-1, 1:-1]


def _holds(boxes: Any, sizes: Any, one: int) -> bool:
    """Return whether an outline holds a character."""
    left, top, right, bottom = boxes[one]
    within = (boxes[:, :2] > (left, top)).all(axis=1) & (boxes[:, 2:] < (right, bottom)).all(axis=1)
    return bool((within & (sizes.max(axis=1) >= _CONTENT * sizes[one].max())).any())
