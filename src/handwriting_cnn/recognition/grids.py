"""The cells of a printed grid."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, sizes_of
from handwriting_cnn.recognition.windows import bridged, narrowed

_RECTANGULAR: Final = 0.75
_ALIKE: Final = (0.45, 2.2)  # a cell's area, in medians; each side of one of another size
_LONGEST: Final = 10  # times a cell's width: a field for several characters is no longer
_MERGED: Final = 3  # cells at most between which walls were lost
_UNLIKE: Final = 0.2  # of a cell's side: so far a lost wall lies from where it should be
_SEEN: Final = 0.25  # of a lost wall
_WALLED: Final = 0.2  # of a cell's wall, within so many pixels
_WHOLE: Final = 0.8  # of each wall of a cell of another size
_BAND: Final = 4
_CUT: Final = 0.35  # of a cell's side: so much of it the picture's edge leaves
_LARGEST: Final = 0.25  # of the page
_MARGIN: Final = 0.1  # of a cell's side: so near its edge a wall lies
_INSIDE: Final = 1.3  # times a cell's side: a straight stroke is no longer, even if it crosses a wall
_LARGE: Final = 0.75  # the quantile of cells' sides that is the side of one that no letter divides
_STROKE: Final = 12  # pixels between the halves of a cell that a letter divides
_JOINED: Final = 3  # pixels: a wall that ends so near to another goes on to it
_CROSSED: Final = 9  # pixels: if that goes on on both sides
_JOINT: Final = 10  # pixels: so far is a wall interrupted where others cross it
_AS_LARGE: Final = 1.5  # times a cell: two that are one to other lines are not seen by them
_GUIDE: Final = 0.8  # of a cell's side: so long is a line that is printed in each
_MOST: Final = 0.6  # of the cells
_FEWEST: Final = 4  # cells


def grid_cells(lines: tuple[Mask, Mask], length: int, pieces: tuple[Mask, Mask]) -> tuple[npt.NDArray[np.int32], int]:
    """Return the rectangles that lines enclose, and those that pieces of lines show to be cells, too.

    Most are of like size; walls of which nearly all is seen make others a cell, too.
    """
    if not (lines[0].any() and lines[1].any()):
        return np.zeros(lines[0].shape, np.int32), 0
    across, down = (bridged(line, length, axis) for line, axis in zip(lines, (1, 0), strict=True))
    found = _enclosed(across | down, lines, pieces)
    joined = bridged(across | narrowed(down, _CROSSED, 0), _JOINED, 1)
    joined |= bridged(down | narrowed(across, _CROSSED, 1), _JOINED, 0)
    if np.count_nonzero(joined) > np.count_nonzero(across | down):
        more = _enclosed(joined, lines, pieces)
        if more[1] > found[1]:  # else it was a letter's stroke that is joined to a wall
            return more
    return found


def _enclosed(walls: Mask, lines: tuple[Mask, Mask], pieces: tuple[Mask, Mask]) -> tuple[npt.NDArray[np.int32], int]:
    """Return the rectangles of like size that walls enclose, and others whose walls are seen.

    Args:
        walls: Of both directions; those that are found to be missing are drawn.
        lines: The lines that they are of.
        pieces: As for :func:`grid_cells`.
    """
    labels, places, good, may_be, at_edge = _rectangles(walls)
    if good.any() and _complete(walls, pieces, places, good & ~at_edge):
        labels, places, good, may_be, at_edge = _rectangles(walls)
    for index in np.flatnonzero(good | may_be):
        least = _WALLED if good[index] and not at_edge[index] else _WHOLE
        good[index] = _is_walled(places[index], lines, pieces, least=least)
    numbers = np.zeros(len(places) + 1, np.int32)
    numbers[1:][good] = np.arange(1, good.sum() + 1)
    return numbers[labels], int(good.sum())


def cells_seen(cells: npt.NDArray[np.int32], others: npt.NDArray[np.int32]) -> int:
    """Return how many cells others show: by one as large, or, of halves that a straight letter makes, by their whole.

    Args:
        cells: Each pixel's cell, from 1; 0 outside.
        others: The cells that other lines enclose.
    """
    areas, shown = np.bincount(cells.ravel())[1:], others > 0
    inside = cells[shown]
    covered = np.bincount(inside, minlength=len(areas) + 1)[1:]
    sums = np.bincount(inside, np.bincount(others.ravel())[others[shown]], minlength=len(areas) + 1)[1:]
    largest = np.maximum(_AS_LARGE * areas, (1 + _UNLIKE) * np.quantile(areas, _LARGE))
    return int(((covered >= areas / 2) & (sums <= largest * covered)).sum())


def strokes_in(lines: tuple[Mask, Mask], cells: npt.NDArray[np.int32], count: int) -> tuple[Mask, Mask]:
    """Return the straight strokes of characters among lines: what lies in a cell, and not at one place of most."""
    places: Any = scipy.ndimage.find_objects(cells, max_label=count)
    frames = _undivided(np.array([(p[1].start, p[0].start, p[1].stop, p[0].stop) for p in places], np.int64))
    owner = np.full(cells.shape, -1)
    for number, (left, top, right, bottom) in enumerate(frames):
        owner[top:bottom, left:right] = number
    found = []
    for line, axis in zip(lines, (1, 0), strict=True):
        labels, boxes, _ = components(bridged(line, _JOINT, axis))
        along, across = 1 - axis, axis  # of a box: its columns of x and y
        middles = (boxes[:, :2] + boxes[:, 2:]) // 2
        cell = owner[middles[:, 1], middles[:, 0]]
        frame, middle = frames[cell], middles[:, across]
        length, side = (box[:, 2 + along] - box[:, along] for box in (boxes, frame))
        from_edge, other = middle - frame[:, across], frame[:, 2 + across] - middle
        inside = (
            (cell >= 0)
            & (np.minimum(from_edge, other) > np.maximum(_MARGIN * side, _BAND))
            & (length <= _INSIDE * side)
        )
        stroke = inside.copy()
        for index in np.flatnonzero(inside & (length >= _GUIDE * side)):
            same = inside & (np.abs(from_edge - from_edge[index]) <= _BAND)
            if len(np.unique(cell[same])) >= max(_FEWEST, _MOST * count):
                stroke &= ~same
        found.append(line & np.concatenate([[False], stroke])[labels])
    return found[0], found[1]


def _undivided(frames: Any) -> Any:
    """Return boxes of cells of which two that a straight letter divides, together as large as others, are one."""
    sizes, found = sizes_of(frames), frames.copy()
    whole = np.quantile(sizes, _LARGE, axis=0)
    for one in np.flatnonzero((sizes < (1 - _UNLIKE) * whole).any(axis=1)):
        starts, stops = np.minimum(frames[one, :2], frames[:, :2]), np.maximum(frames[one, 2:], frames[:, 2:])
        between = (stops - starts - sizes[one] - sizes).max(axis=1)
        halves = (between > 0) & (between <= _STROKE)
        halves &= (np.abs(stops - starts - whole) <= _UNLIKE * whole).all(axis=1)
        if halves.any():
            found[one] = *starts[halves.argmax()], *stops[halves.argmax()]
    return found


def _is_walled(place: Any, lines: tuple[Mask, Mask], pieces: tuple[Mask, Mask], *, least: float) -> bool:
    """Return whether so much of each of an area's walls is seen: between two rows of boxes two are bridged gaps.

    The picture's own edge is a wall.
    """
    for axis in (0, 1):
        for edge in {place[axis].start, place[axis].stop} - {0, lines[0].shape[axis]}:
            band = [place[0], place[1]]
            band[axis] = slice(max(edge - _BAND, 0), edge + _BAND)
            seen = lines[axis][tuple(band)] | pieces[axis][tuple(band)]
            if seen.any(axis=axis).mean() < least:
                return False
    return True


def _rectangles(walls: Mask) -> tuple[Any, Any, Any, Any, Any]:
    """Return the areas between walls, their places, which are rectangles of like size, and which of another.

    One that the picture's edge cuts is of like size if it is as long or as high, and not less than a third of the other
    side; which are cut comes last.
    """
    labels, count = scipy.ndimage.label(~walls)
    places: Any = scipy.ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    spans, ends = _spans(places), np.array([[part.stop for part in place] for place in places]).reshape(-1, 2)
    cut = (ends == spans) | (ends == walls.shape)
    edges = cut.any(axis=1)
    boxes = spans.prod(axis=1)
    smallest = (0.012 * min(walls.shape)) ** 2
    good = (areas >= _RECTANGULAR * boxes) & (boxes > max(smallest, 64)) & (boxes < _LARGEST * walls.size)
    good &= (spans.min(axis=1) >= 8) & (spans.max(axis=1) <= 6 * spans.min(axis=1))
    may_be, at_edge, good = good & ~edges, good & edges, good & ~edges
    if good.any():
        several = good & (_alike_in_area(boxes, boxes[good]) >= _FEWEST)
        typical = boxes[several if several.any() else good]
        median = np.median(np.repeat(typical, np.maximum(typical // typical.min(), 1)))
        good = good & (boxes > _ALIKE[0] * median) & (boxes < _ALIKE[1] * median)
        height, width = np.median(spans[good], axis=0)
        may_be = may_be & ~good & (spans >= _ALIKE[0] * min(height, width)).all(axis=1)
        may_be &= (spans[:, 0] <= _ALIKE[1] * height) & (spans[:, 1] <= _LONGEST * width)
        shares = spans / (height, width)
        at_edge &= (shares <= 1 + _UNLIKE).all(axis=1) & (shares >= np.where(cut, _CUT, 1 - _UNLIKE)).all(axis=1)
        at_edge &= good.sum() >= max(at_edge.sum(), _FEWEST)  # the creases of a folded sheet enclose fewer
        good |= at_edge
    return labels, places, good, may_be, at_edge


def _alike_in_area(areas: Any, others: Any) -> Any:
    """Return how many of others each area is about as large as."""
    ordered, side = np.sort(others), np.sqrt(areas)
    low, high = ((side * share) ** 2 for share in (1 - _UNLIKE, 1 + _UNLIKE))
    return np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")


def _complete(walls: Mask, lines: tuple[Mask, Mask], places: Any, good: Any) -> bool:
    """Draw walls of which a part is seen where they would cut an area into cells; return whether there were any."""
    typical, drawn = np.median(_spans(places)[good], axis=0), False
    for place, spans in zip(places, _spans(places), strict=True):
        for axis, line in enumerate(lines):
            parts = round(spans[axis] / typical[axis])
            if not 2 <= parts <= _MERGED or abs(spans[axis] / parts - typical[axis]) > _UNLIKE * typical[axis]:
                continue
            for part in range(1, parts):
                middle, reach = place[axis].start + part * spans[axis] / parts, _UNLIKE * typical[axis]
                near = [place[0], place[1]]
                near[axis] = slice(round(middle - reach), round(middle + reach) + 1)
                band = line[tuple(near)]
                if band.any(axis=axis).mean() >= _SEEN:
                    near[axis] = near[axis].start + int(band.sum(axis=1 - axis).argmax())
                    walls[tuple(near)] = drawn = True
    return drawn


def _spans(places: Any) -> Any:
    return np.array([[part.stop - part.start for part in place] for place in places], np.int64).reshape(-1, 2)
