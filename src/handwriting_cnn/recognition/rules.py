"""Printed lines: rules that are taken away, and grids whose cells are used."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.cells import is_filled
from handwriting_cnn.recognition.combs import combs, with_slots
from handwriting_cnn.recognition.dashes import dashes
from handwriting_cnn.recognition.dotted import dotted_lines
from handwriting_cnn.recognition.erasing import erased, with_pencil
from handwriting_cnn.recognition.frames import Framed, framed_cells, no_frames
from handwriting_cnn.recognition.grids import cells_seen, grid_cells, strokes_in
from handwriting_cnn.recognition.ink import Ink, components, median_by_ink, sizes_of
from handwriting_cnn.recognition.windows import around, bridged, broadened, enlarged, grown, in_blocks, runs_of

_FINE: Final = 600  # pixels of the shorter side that are enough to see lines
_LENGTHS: Final = (2, 4, 6, 10, 16, 26)  # the page's shorter side is so many of the shortest run that is a line
_RULED: Final = 6  # that of them which is the shortest run on a page without a grid
_SHORTEST: Final = 75  # so many are the shortest run that is a comb's tooth, or a dash to write on
_LONGER: Final = 2.5  # typical sizes of what is on a page without a grid: shorter lines are strokes
_SPANNING: Final = 0.8  # of a page's side: so long is a line that hangs together with the writing
_HALF: Final = 0.5  # of a page's side: so long are many lines below each other
_FRAMED: Final = 0.1  # of the ink: so much of it is writing in a frame
_EDGE_TO_EDGE: Final = 0.98  # of a page's side
_SEVERAL: Final = 3  # such lines
_LITTLE: Final = 0.03  # of the ink: so much of it is writing beside them
_BESIDE: Final = 0.2  # of the ink: so much of it is writing beside lines
_UNBROKEN: Final = 0.75  # of a line's length: what has more gaps is a row of letters' strokes
_LETTER: Final = 6  # pixels: so far above and below a row of its strokes lie a printed letter's others
_WORD: Final = 0.4  # of a word: letters with strokes on both sides of such a row
_BARE: Final = 0.2  # of a line: so much at least has nothing beside it
_MANY: Final = 4  # lines below each other: a ruled sheet, be it empty
_NEARLY: Final = 0.9  # of the ink
_COMBED: Final = 0.75  # of the ink: so much is in combs where there are no other cells, and the rest is left out
_ALL: Final = 0.98  # of a grid's cells: what lies in a cell that is not seen is lost
_FULL: Final = 0.9  # the share of a run that is ink
_THICKEST: Final = 0.014  # of the page's shorter side
_LONG: Final = 0.3  # of a page's longer side: a broad stroke is shorter
_RIM: Final = 3  # pixels of a broad frame that are a line
_FEWEST: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """The printed lines of a page.

    Attributes:
        free: The page's ink without them; where a stroke crosses a line it stays whole.
        pale: Its pale ink without them.
        cells: Of a grid: each pixel's cell, from 1; 0 outside. All 0 where there is no grid.
        count: The number of cells.
    """

    free: Mask
    pale: Mask
    cells: npt.NDArray[np.int32]
    count: int


def find_rules(ink: Ink, *, least: float) -> Rules:
    """Find straight lines that are longer than any stroke, and the cells that they enclose.

    A line is a run, along a row or a column, of which nine tenths are ink, pale ink too. Which length makes a run a
    line is tried from half of the page down to a twenty-sixth; the longest that shows nearly all of a grid's cells is
    taken, so that a straight letter is no line. Where there is no grid, a line is far longer than what else is on the
    page, or spans most of it.

    Args:
        ink: The page's.
        least: The share of the ink, 0..1, that lies in the cells of a grid: the loops of letters, or a chequered cloth
            beside the sheet, are none. Nor is squared paper on which one writes across the lines. With 0 any cell is a
            grid.
    """
    fewest = _FEWEST if least else 1
    step = max(min(ink.mask.shape) // _FINE, 1)
    dots, dotted = dotted_lines(ink, step)
    if dotted.any():
        ink = replace(ink, mask=ink.mask & ~dots, pale=ink.pale & ~dots)
    dark = in_blocks(ink.mask, step, np.logical_or)
    small = _hollow(in_blocks(ink.faint, step, np.logical_or), dark) | _hollow(dark, dark) | dotted
    lengths = [max(min(small.shape) // parts, 12) for parts in _LENGTHS]
    thin = tuple(_thin(small, axis, lengths[0]) for axis in (1, 0))
    short, shortest = lengths[_LENGTHS.index(_RULED)], max(min(small.shape) // _SHORTEST, 8)
    pieces = _lines(thin, shortest)
    printed = combs(pieces, small, shortest)
    if printed[0].any():
        small = small & ~around(printed[0] | printed[1])  # of itself: it may be the page's
        thin = tuple(_thin(small, axis, lengths[0]) for axis in (1, 0))
    ruled = _lines(thin, short)
    tried, grids = [], []
    for length in lengths:
        tried.append(ruled if length == short else _lines(thin, length))
        grids.append(grid_cells(tried[-1], length, ruled if length > short else tried[-1]))
        other = small & ~(tried[-1][0] | tried[-1][1])
        if grids[-1][1] >= fewest and np.count_nonzero(other & (grids[-1][0] > 0)) >= _NEARLY * np.count_nonzero(other):
            framed = no_frames(small.shape)
            break  # it holds nearly all
    else:
        framed = framed_cells(dark)
    slots = printed[2]
    most = max(count for _, count in grids)
    if max(most, framed.count, slots.max(initial=0)) >= fewest:
        fullest = next(cells for cells, count in grids if count == most)
        seen = (not most or cells_seen(fullest, cells) >= _ALL * most for cells, _ in grids)
        chosen = next(index for index, nearly_all in enumerate(seen) if nearly_all)
        cells, count = grids[chosen]
        beside = cells > 0
        for axis in (0, 1):
            beside = broadened(beside, 2 * (_thickest(small) + _RIM), axis)
        # Far from cells only long lines are none of the strokes of characters.
        walls = tried[chosen][0] & (beside | ruled[0]), tried[chosen][1] & (beside | ruled[1])
        lines = walls[0] | printed[0], walls[1] | printed[1]
        rules = _in_cells(ink, lines, framed.over(with_slots(cells, slots)), step, _thickest(small))
        if least and not (most or framed.count):
            least = _COMBED
        if not least or is_filled(rules.free, rules.cells, rules.count, least):
            straight = strokes_in(walls, cells, count) if count else None
            if straight and (straight[0].any() or straight[1].any()):
                walls = walls[0] & ~straight[0], walls[1] & ~straight[1]
                cells, count = grid_cells(walls, lengths[chosen], ruled if lengths[chosen] > short else walls)
                lines = walls[0] | printed[0], walls[1] | printed[1]
                rules = _in_cells(ink, lines, framed.over(with_slots(cells, slots)), step, _thickest(small))
            outlines = enlarged(lines[0] | lines[1] | (framed.outlines > 0), step, ink.mask.shape)
            free, pale = with_pencil(ink, (rules.free, rules.pale), outlines, rules.cells > 0)
            return replace(rules, free=free, pale=pale)
    marks = dashes(pieces[0], small)
    other = ~around(printed[0] | printed[1] | marks)
    longer = _longer_than_characters((ruled[0] & other, ruled[1] & other), short, dark & other)
    lines = (longer[0] | printed[0] | marks, longer[1] | printed[1])
    free, pale = erased(ink, lines, step, _thickest(small))
    return Rules(free=free, pale=pale, cells=np.zeros(ink.mask.shape, np.int32), count=0)


def _in_cells(ink: Ink, walls: tuple[Mask, Mask], framed: Framed, step: int, thickest: int) -> Rules:
    """Return a page's ink without the walls of its cells.

    Args:
        ink: The page's.
        walls: Horizontal and vertical ones, on a copy.
        framed: All cells of the copy, and the outlines of those that have no walls.
        step: How much smaller it is.
        thickest: Pixels of the copy: no wall is thicker.
    """
    free, pale = erased(ink, walls, step, thickest)
    other = ~enlarged(framed.outlines > 0, step, free.shape)
    whole = enlarged(framed.cells, step, free.shape)
    return Rules(free=free & other, pale=pale & other, cells=whole, count=framed.count)


def _longer_than_characters(lines: tuple[Mask, Mask], length: int, mask: Mask) -> tuple[Mask, Mask]:
    """Return the lines that are far longer than what else is on the page.

    Of lines that hang together, those that span the page are told from writing by what is left without them, or else
    by being many or a frame around something, or several from edge to edge.
    """
    if not (lines[0].any() or lines[1].any()):
        return lines
    numbered, extents, edge_to_edge = [], [], 0
    for line, axis in zip(lines, (1, 0), strict=True):
        pieces, count = scipy.ndimage.label(bridged(line, 2 * length, axis), np.ones((3, 3)))
        pieces[~line] = 0
        places: Any = scipy.ndimage.find_objects(pieces, max_label=count)
        numbered.append(pieces)
        extents.append(np.zeros(count + 1, np.int64))
        for number, place in enumerate(places, start=1):
            inked = (pieces[place] == number).any(axis=1 - axis)
            beside = _on_each_side(place, mask, 1 - axis)
            hidden = beside[0] & beside[1] & ~inked  # by letters that stand across the line
            unbroken = inked.sum() >= _UNBROKEN * (inked.size - hidden.sum())
            if unbroken and not _is_of_words(inked, *beside):
                extents[-1][number] = inked.size
                edge_to_edge += bool(inked.size >= _EDGE_TO_EDGE * mask.shape[axis])

    def at_least(bounds: Any) -> tuple[Mask, Mask]:
        return tuple(
            line & (extent >= bound)[pieces]
            for line, extent, pieces, bound in zip(lines, extents, numbered, bounds, strict=True)
        )

    sides = np.array([mask.shape[1], max(mask.shape)])  # an upright stroke is as high as a picture of one line
    halves = at_least(_HALF * sides)
    across, down = (int((extent >= _HALF * side).sum()) for extent, side in zip(extents, sides, strict=True))
    framed = min(across, down) >= 2 and (mask & ~around(halves[0] | halves[1])).sum() >= _FRAMED * mask.sum()
    if across >= _MANY or framed:
        return halves
    horizontal, vertical = at_least(_SPANNING * sides)
    other = mask & ~around(horizontal | vertical)
    if edge_to_edge >= _SEVERAL and other.sum() >= _LITTLE * mask.sum():
        return horizontal, vertical
    least = np.full(2, _LONGER * _typical_size(mask))
    if other.sum() >= _BESIDE * mask.sum():
        least = np.minimum(least, np.maximum(_SPANNING * sides, _LONGER * _typical_size(other)))
    return at_least(least)


def _on_each_side(place: Any, ink: Mask, across: int) -> tuple[Any, ...]:
    """Return where along a line there is ink on the one and on the other of its sides."""
    found = []
    for start in (place[across].start - _LETTER, place[across].stop):
        band = [place[0], place[1]]
        band[across] = slice(max(start, 0), start + _LETTER)
        found.append(ink[tuple(band)].any(axis=across))
    return tuple(found)


def _is_of_words(inked: Any, one: Any, other: Any) -> bool:
    """Return whether a line is a row of printed words' strokes: many go on to both sides, or nearly all to one of them.

    Args:
        inked: Where along it there is ink.
        one: Where there is ink on its one side.
        other: The same of the other.
    """
    if (one & other).mean() > _WORD:
        return True
    nearly_all = max(one.mean(), other.mean()) < _FULL  # beside a line that is printed near to it all goes on
    return bool(nearly_all and (inked & ~one & ~other).mean() < _BARE)


def _typical_size(mask: Mask) -> float:
    _, boxes, areas = components(mask)
    return median_by_ink(sizes_of(boxes).max(axis=1), areas) if len(boxes) else 0.0


def _hollow(mask: Mask, dark: Mask) -> Mask:
    """Return a mask with only the outlines of parts that are broader than a line: the edge of a frame is a wall.

    So is that of a shade; but of a part that is neither long nor without dark ink only that is left.
    """
    broad = mask
    for axis in (0, 1):
        broad = runs_of(broad, _thickest(mask) + 1, axis)
    if not broad.any():
        return mask
    labels, boxes, _ = components(broad)
    pale = np.bincount(labels[dark], minlength=len(boxes) + 1)[1:] == 0
    outlined = np.concatenate([[False], pale | (sizes_of(boxes).max(axis=1) >= _LONG * max(mask.shape))])[labels]
    return mask & grown(~outlined, _RIM) & (outlined | ~broad | dark)


def _thin(mask: Mask, axis: int, longest: int) -> tuple[npt.NDArray[np.int32], Mask]:
    """Return how much ink of a mask, one pixel broader across an axis, lies before each place along it.

    And the pixels that may belong to a line along the axis. A line that leans a little stays in three rows for longer
    than in one. Dark areas and broad strokes are no lines.

    Args:
        mask: The page's ink.
        axis: Along which lines run.
        longest: So many pixels beyond the page belong to the places at either end.
    """
    broader = broadened(mask, 3, 1 - axis)
    beyond = [(0, 0), (0, 0)]
    beyond[axis] = (longest + 1, longest)
    before = np.cumsum(np.pad(broader, beyond), axis=axis, dtype=np.int32)
    return before, broader & ~broadened(runs_of(mask, _thickest(mask) + 1, 1 - axis), 3, 1 - axis)


def _lines(thin: tuple[tuple[npt.NDArray[np.int32], Mask], ...], length: int) -> tuple[Mask, Mask]:
    """Return the pixels of horizontal and of vertical lines."""
    found: list[Mask] = []
    for (before, may_be), axis in zip(thin, (1, 0), strict=True):
        size = may_be.shape[axis]
        start = (before.shape[axis] - size) // 2 - length // 2
        first, last = (np.moveaxis(before, axis, 0)[place : place + size] for place in (start, start + length))
        full = np.moveaxis(last - first >= _FULL * length, 0, axis)
        found.append(may_be & broadened(full, length, axis) if full.any() else full)
    return found[0], found[1]


def _thickest(mask: Mask) -> int:
    return max(round(_THICKEST * min(mask.shape)), 5)
