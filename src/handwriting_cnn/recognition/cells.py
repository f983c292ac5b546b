"""The characters in the cells of a grid."""

import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.grouping import Groups, gaps_to, group_characters, least_ink, ordered
from handwriting_cnn.recognition.ink import boxes_of, components, hulls_of, median_by_ink, sizes_of
from handwriting_cnn.recognition.lines import clustered
from handwriting_cnn.recognition.small_print import small_print
from handwriting_cnn.recognition.windows import places_of

_BODY: Final = 0.5  # of the typical size of ink: what is smaller is a mark
_SMALL: Final = 0.4  # of the typical size of ink: so large is a mark at most
_PRINTED: Final = 0.6  # of it: so large is what is printed beside the writing, and as high in each cell
_OWN: Final = 0.3  # of a character's ink: so much lies in the cell that has most of it, if it crosses a wall
_STEADY: Final = 0.03  # of a cell's side: so far from its place in another cell lies what is printed
_SHARP: Final = 2.0  # pixels
_STEADIER: Final = 3.0  # times as much as its place in the cell may that beside the character of a mark of it stray
_FEWEST: Final = 4  # cells
_MOST: Final = 0.6  # of the cells
_TRIED: Final = 100  # pieces: one of what most cells have is among them
_LOWER: Final = 0.7  # of the height of what is in most cells: so high are printed words
_LETTERS: Final = 3  # of a word
_WORD: Final = 1.5  # times its height: a word is longer
_HEADINGS: Final = 3  # cells
_NEARLY: Final = 0.7  # of an outer row's or column's cells
_MODELS: Final = 6  # cells of an outer row or column
_MODEL: Final = 0.85  # of the size of what is written: so large are printed models at most
_CENTRED: Final = 0.3  # times as much as what is written do they stray from one place
_SURE: Final = 12  # cells: of fewer, so much less, since a hand may do so by chance
_EVEN: Final = 0.06  # of print's height: so much higher or lower are others of its letters
_ALL: Final = 0.9  # of a row's or column's cells
_LINES: Final = 2  # rows and columns: one may hold letters that are low, and alike by chance
_LOWEST: Final = 0.3  # of the height of what is in other cells: dots and dashes are lower
_SEVERAL: Final = 1 / 3  # of the cells that are not empty
_KEPT: Final = 0.8  # of the ink in a grid's cells: so much belongs to pieces that keep to one
_WHOLLY: Final = 0.85  # of a piece
_DOTS: Final = 0.025  # of a page's ink: so little in cells is the dots inside of letters' loops
_COVERING: Final = 0.45  # of the page
_FEW: Final = 0.2  # of the ink: so much of it is in cells that cover the page, where their form has few characters
_MOSTLY: Final = 0.5  # of a piece, or of a grid's cells; and of the size of what is in them
_BROADER: Final = 1.25  # times its height: the strokes of one character take less


def is_filled(mask: Mask, cells: npt.NDArray[np.int32], count: int, least: float) -> bool:
    """Return whether ink lies in cells: so much of that in pieces as large as theirs, and most pieces in one cell.

    Cells that cover half of the page may hold half of that. Where most are empty, as those of squared paper are that
    one writes across, the pieces lie in one altogether.

    Args:
        mask: The page's ink, without the grid.
        cells: Each pixel's cell, from 1; 0 is none.
        count: The number of cells.
        least: The share, 0..1, of ink that lies in them.
    """
    labels, boxes, areas = components(mask)
    places = places_of(labels > 0)
    piece, cell = labels[places], cells[places]
    alike = _share_of_alike(boxes, areas, np.bincount(piece[cell > 0], minlength=len(areas) + 1)[1:])
    if alike < min(least, _FEW) or (alike < least and np.count_nonzero(cells) < _COVERING * cells.size):
        return False
    numbers, pixels = np.unique(piece.astype(np.int64) * (count + 1) + cell, return_counts=True)
    piece, cell = numbers // (count + 1) - 1, numbers % (count + 1)
    touching, filled = np.unique(piece[cell > 0]), np.unique(cell[cell > 0])
    share = _MOSTLY if len(filled) >= _MOSTLY * count else _WHOLLY
    inside = (cell > 0) & (pixels >= share * areas[piece])
    return bool(len(touching)) and bool(areas[piece[inside]].sum() >= _KEPT * areas[touching].sum())


def _share_of_alike(boxes: Any, areas: Any, in_cells: Any) -> float:
    """Return the share of ink that lies in cells, of pieces half to twice as large as those in them.

    It is 0 where so little ink is in cells as the dots inside of letters' loops are.

    Args:
        boxes: Of pieces of ink, ``(n, 4)``.
        areas: Their pixels.
        in_cells: How many of these are in cells.
    """
    inside = in_cells >= _MOSTLY * areas
    if areas[inside].sum() <= _DOTS * areas.sum():
        return 0.0
    longer = sizes_of(boxes).max(axis=1)
    typical = median_by_ink(longer[inside], areas[inside])
    alike = (longer >= _MOSTLY * typical) & (longer * _MOSTLY <= typical)
    return float(areas[alike & inside].sum() / areas[alike].sum())


def group_by_cell(
    mask: Mask, stroke: float, cells: npt.NDArray[np.int32], *, rtl: bool, gap: float | None = None
) -> Groups:
    """Put the ink of each cell of a grid together; what lies in none, and what is printed in them, is left out.

    Args:
        mask: The page's ink, without the grid.
        stroke: Its width in pixels.
        cells: Each pixel's cell, from 1; 0 is none.
        rtl: Whether lines are read from right to left.
        gap: As in :func:`group_characters`, where a cell may hold several characters, as those of a table of numbers
            do; ``None`` where it holds one.
    """
    labels, boxes, areas = components(mask)
    frames = boxes_of(cells)
    owner = np.full(len(boxes), -1)
    if len(boxes):
        places = places_of(mask)
        pairs = labels[places].astype(np.int64) * (len(frames) + 1) + cells[places]
        numbers, inked = np.unique(pairs, return_counts=True)
        piece, cell = numbers // (len(frames) + 1) - 1, numbers % (len(frames) + 1) - 1
        mine = (cell >= 0) & (inked >= _OWN * areas[piece])
        piece, cell, inked = piece[mine], cell[mine], inked[mine]
        order = np.argsort(inked, kind="stable")
        owner[piece[order]] = cell[order]  # the last, which has the most of it
        owner[np.bincount(piece, inked, minlength=len(boxes)) < 0.5 * areas] = -1
        owner[areas < least_ink(stroke)] = -1
        typical = median_by_ink(sizes_of(boxes).max(axis=1), areas)
        owner[small_print(boxes, areas, owner >= 0)] = -1
        _drop_repeated(owner, boxes, frames, typical)
        _drop_remains(owner, boxes, frames, stroke)
        _drop_headings(owner, boxes, frames)
        _drop_print(owner, boxes, frames)
        _drop_models(owner, boxes, frames)
        bodies = (owner >= 0) & (sizes_of(boxes).max(axis=1) >= _BODY * typical)
        if gap is not None and _hold_several(owner[bodies], boxes[bodies]):
            groups = group_characters(np.concatenate([[False], owner >= 0])[labels], stroke, rtl=rtl, gap=gap)
            x, y = (groups.boxes[:, :2] + groups.boxes[:, 2:]).T // 2
            found = cells[y, x] > 0
            if _hold_several(cells[y, x][found] - 1, groups.boxes[found]):
                return groups
    pitch = float(np.median(sizes_of(frames)[:, 1]))
    centres = (frames[:, 1] + frames[:, 3]) / 2
    lines = clustered(centres, 0.6 * pitch)
    by_owner = dict(enumerate(lines.tolist()))
    return ordered(labels, owner, boxes, np.array([by_owner.get(cell, -1) for cell in owner.tolist()]), rtl=rtl)


def _hold_several(cell: npt.NDArray[Any], boxes: Any) -> bool:
    """Return whether many of the cells that are not empty hold several boxes, in all broader than a character is.

    Args:
        cell: The cell of each box, from 0.
        boxes: ``(n, 4)``.
    """
    _, place, hulls = hulls_of(cell, boxes)
    width, height = sizes_of(hulls).T
    several = (np.bincount(place) > 1) & (width > _BROADER * height)
    return bool(several.any() and several.mean() >= _SEVERAL)


def _drop_repeated(owner: Any, boxes: Any, frames: Any, typical: float) -> None:
    """Drop what is printed at one place of most cells, such as their numbers; not what goes with the character."""
    longer, limit = sizes_of(boxes).max(axis=1), _PRINTED * typical
    pieces, bodies = (np.flatnonzero((owner >= 0) & which) for which in (longer < limit, longer >= limit))
    cell, dropped = owner[pieces], np.zeros(len(pieces), np.bool_)
    near = max(_STEADY * float(np.median(sizes_of(frames))), _SHARP)
    ways = boxes[pieces] - frames[cell]  # from each edge of the cell
    across = (ways[:, 0], ways[:, 2], (ways[:, 0] + ways[:, 2]) / 2)
    heights, small = boxes[pieces, 3] - boxes[pieces, 1], longer[pieces] < _SMALL * typical
    characters = np.full_like(frames, -1)  # the box of each cell's; of an empty one it is none
    _, place, hulls = hulls_of(owner[bodies], boxes[bodies])
    characters[owner[bodies]] = hulls[place]
    written, beside = characters[cell, 2] >= 0, boxes[pieces, :2] - characters[cell, :2]
    for x, y in itertools.product(across, (ways[:, 1], ways[:, 3])):
        for index in range(0, len(pieces), max(len(pieces) // _TRIED, 1)):
            same = (np.abs(x - x[index]) <= near) & (np.abs(y - y[index]) <= near)
            same &= small | (np.abs(heights - heights[index]) <= near)
            if len(np.unique(cell[same])) >= max(_FEWEST, _MOST * len(frames)):
                place = np.stack([x, y], axis=1)[same & written]  # to which what is printed keeps, and no mark does
                steady = np.clip(_STEADIER * _deviation(place), _SHARP, near)
                if not len(place) or _deviation(beside[same & written]) > steady:
                    dropped |= same
    for piece in np.flatnonzero(dropped):  # what goes on beside it
        sideways, down = gaps_to(boxes[pieces[piece]], boxes[pieces])
        dropped |= (cell == cell[piece]) & (sideways <= heights[piece]) & (-down >= 0.5 * heights[piece])
    owner[pieces[dropped]] = -1


def _deviation(places: Any) -> float:
    """Return the median deviation of places ``(n, 2)`` along the axis in which it is larger; 0 for none."""
    return float(np.median(np.abs(places - np.median(places, axis=0)), axis=0).max()) if len(places) else 0.0


def _drop_headings(owner: Any, boxes: Any, frames: Any) -> None:
    """Drop the printed words at the heads of a table's columns, or of its rows.

    They are in all of the outer cells, low and long, and have at least three letters beside each other, not above.
    """
    pieces, place, hulls = hulls_of(owner, boxes)
    if not len(pieces):
        return
    cell = np.unique(owner[pieces])
    width, height = sizes_of(hulls).T
    middle = hulls[place, 1::2].mean(axis=1)
    letters = np.bincount(place, (boxes[pieces, 1] < middle) & (boxes[pieces, 3] > middle))
    words = (height <= _LOWER * np.median(height)) & (width >= _WORD * height) & (letters >= _LETTERS)
    if np.median(letters) >= _LETTERS:
        return  # all cells hold words, or numbers
    for axis in (0, 1):
        lines = _lines_of(frames, axis)
        for outer in (lines.min(), lines.max()):
            inside = lines[cell] == outer
            if inside.sum() >= _HEADINGS and words[inside].mean() >= _NEARLY:
                owner[np.isin(owner, cell[inside])] = -1


def _drop_models(owner: Any, boxes: Any, frames: Any) -> None:
    """Drop the letters printed at the heads of rows or columns, as models of those that are written beside them.

    They are smaller, and each stands in the middle of its cell's width, from which a hand strays; one may be a heading.
    """
    pieces, _, hulls = hulls_of(owner, boxes)
    if not len(pieces):
        return
    cell = np.unique(owner[pieces])
    sides = frames[cell]
    off = (hulls[:, ::2].sum(axis=1) - sides[:, ::2].sum(axis=1)) / (2 * (sides[:, 2] - sides[:, 0]))
    size = sizes_of(hulls).max(axis=1)
    for axis in (0, 1):
        lines = _lines_of(frames, axis)[cell]
        means = np.bincount(lines, off) / np.maximum(np.bincount(lines), 1)
        for outer in (lines.min(), lines.max()):
            mine = lines == outer
            if mine.sum() < _MODELS or (~mine).sum() < 2 * mine.sum():
                continue
            strays = np.sort(np.abs(off[mine] - np.median(off[mine])))[:-1]
            most = _CENTRED * min(mine.sum() / _SURE, 1) * np.sqrt(np.mean((off - means[lines])[~mine] ** 2))
            if np.sqrt(np.mean(strays**2)) <= most and np.median(size[mine]) <= _MODEL * np.median(size[~mine]):
                owner[np.isin(owner, cell[mine])] = -1


def _drop_print(owner: Any, boxes: Any, frames: Any) -> None:
    """Drop the print in a table's cells: in two rows or columns and more all is of one height, and lower than the rest.

    So is, then, what is as high in a row or column of which few cells hold something.
    """
    pieces, place, _ = hulls_of(owner, boxes)
    cell = np.unique(owner[pieces])
    heights = np.zeros(len(cell), np.int64)
    np.maximum.at(heights, place, boxes[pieces, 3] - boxes[pieces, 1])
    several: list[tuple[float, Any]] = []
    few: list[tuple[float, Any]] = []
    for axis in (0, 1):
        lines = _lines_of(frames, axis)[cell]
        for line in np.unique(lines):
            inside = lines == line
            typical, others = float(np.median(heights[inside])), heights[~inside]
            if len(others) >= _FEWEST and _LOWEST * np.median(others) <= typical <= _LOWER * np.median(others):
                even = np.abs(heights[inside] - typical) <= max(_EVEN * typical, 1)
                if even.mean() >= _ALL:
                    (several if inside.sum() >= _FEWEST else few).append((typical, inside))
    for height, _ in several:
        alike = [inside for one, inside in several if abs(one - height) <= max(_EVEN * height, 1)]
        if len(alike) >= _LINES:
            alike += [inside for one, inside in few if abs(one - height) <= max(_EVEN * height, 1)]
            owner[np.isin(owner, cell[np.any(alike, axis=0)])] = -1


def _lines_of(frames: Any, axis: int) -> Any:
    """Return the column of each cell, or for axis 1 its row, from 0."""
    centres = (frames[:, axis] + frames[:, 2 + axis]) / 2
    return clustered(centres, 0.5 * float(sizes_of(frames)[:, axis].min()))


def _drop_remains(owner: Any, boxes: Any, frames: Any, stroke: float) -> None:
    """Drop what is left of a cell's walls: thin ink along its edge."""
    for index in np.flatnonzero(owner >= 0):
        box, frame = boxes[index], frames[owner[index]]
        width, height = box[2:] - box[:2]
        near = 2 * stroke
        beside = min(box[0] - frame[0], frame[2] - box[2]) < near and width <= 1.2 * stroke
        above = min(box[1] - frame[1], frame[3] - box[3]) < near and height <= 1.2 * stroke
        if beside or above:
            owner[index] = -1
