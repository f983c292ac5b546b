"""Places to write in that printed lines show without enclosing them: combs, and dashes in a row or a column."""

import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, median_by_ink, sizes_of
from handwriting_cnn.recognition.windows import bridged, runs_of

_FEWEST: Final = 4  # teeth, or dashes: letters have three
_ALIKE: Final = 0.08  # of their length: so far apart lie the lengths of teeth, or of dashes
_TALLER: Final = 2.5  # times their length: so long may the outer ones be
_REGULAR: Final = 0.08  # of the way from one to the next: so far from where it should be lies one
_SEEN: Final = 0.75  # of a comb's teeth, and of the dashes in a row
_FREE: Final = 0.5  # of the dashes in a row: so many touch no other ink
_BROAD: Final = 0.5  # of that way: so long is a dash; flat strokes of letters are shorter
_LONGER: Final = 2.0  # times what is typical of a page: so long are dashes below each other
_APART: Final = 0.3  # of their length: dashes below each other are no nearer, as the bars of E or 三 may be
_HIGH: Final = 1.3  # times their width: so high are places above a comb, and as high as its highest tooth
_MOSTLY: Final = 0.5  # of what is as long as teeth and stands on a line: so much are they
_CLOSED: Final = 0.5  # of a comb's length: with so much of a line at its teeth's ends it is a row of boxes
_LEANING: Final = 0.02  # of a comb's length: so much higher is one end
_NEAR: Final = 3.0  # pixels: so well is known where a line ends


def combs(lines: tuple[Mask, Mask], mask: Mask, length: int) -> tuple[Mask, Mask, npt.NDArray[np.int32]]:
    """Return which pixels of horizontal and of vertical lines belong to combs, and each pixel's place in one, from 1.

    A comb is a line with teeth of one length on one side alone, each as far from the next, the outer ones at its ends,
    and nothing printed at the teeth's ends.

    Args:
        lines: Horizontal and vertical lines; letters' straight strokes are among them.
        mask: All ink.
        length: Of the shortest line.
    """
    found = np.zeros(mask.shape, np.bool_), np.zeros(mask.shape, np.bool_)
    slots, count = np.zeros(mask.shape, np.int32), 0
    _, teeth, _ = components(lines[1])
    teeth = teeth[teeth[:, 3] - teeth[:, 1] >= length / 2]
    # Teeth cut the line on which they stand.
    line = bridged(lines[0], length, 1)
    _, bars, _ = components(runs_of(line, _FEWEST * length, 1))  # without the strokes that touch it
    width, height = sizes_of(bars).T
    ways = [
        (bar, end, far)
        for bar in bars[(width >= _FEWEST * length) & (height <= _LEANING * width + 2 * _NEAR)]
        for end, far in ((3, 1), (1, 3))  # teeth above the line, and below it
    ]
    sure = [_teeth(bar, line, teeth, end, far, length) for bar, end, far in ways]
    like = [_pitch_and_length(bar, end, places) for (bar, end, _), places in zip(ways, sure, strict=True) if places]
    for (bar, end, far), many in zip(ways, sure, strict=True):
        places = many or _three_teeth(bar, line, teeth, end, far, like)
        if places:
            area = np.s_[bar[1] : bar[3], bar[0] : bar[2]]
            found[0][area] |= line[area] & mask[area]
        for place in places:
            found[1][place] = mask[place]
        for first, second in itertools.pairwise(place[1] for place in places):
            high = max(int(_HIGH * (second.start - first.stop)), *(place[0].stop - place[0].start for place in places))
            rows = slice(max(bar[1] - high, 0), bar[1]) if end == 3 else slice(bar[3], bar[3] + high)
            count += 1
            slots[rows, first.stop : second.start] = count
    return *found, slots


def dashes(line: Mask, mask: Mask) -> Mask:
    """Return which pixels of horizontal lines are dashes in a row, to write on, or below each other.

    They have one length and height, and are as far from each other; the bar of a letter touches other ink. Some may be
    hidden by what is written on them: of those in a row between others, what lies where they should be is theirs, too.

    Args:
        line: Horizontal lines; letters' straight strokes are among them.
        mask: All ink.
    """
    found = np.zeros(mask.shape, np.bool_)
    _, boxes, _ = components(line)
    free, typical = _free(boxes, mask)
    for seen, hidden in _rows(boxes, free):
        for left, top, right, bottom in seen:
            found[top:bottom, left:right] = line[top:bottom, left:right]
        for left, top, right, bottom in hidden:
            found[top:bottom, left:right] = mask[top:bottom, left:right]
    free &= boxes[:, 2] - boxes[:, 0] >= _LONGER * typical
    for left, top, right, bottom in boxes[_in_columns(boxes, free)]:
        found[top:bottom, left:right] = line[top:bottom, left:right]
    return found


def _free(boxes: Any, mask: Mask) -> tuple[Any, float]:
    """Return which boxes hold a piece of ink that ends where they do, and the typical size of other ink."""
    labels, pieces, areas = components(mask)
    middles = (boxes[:, :2] + boxes[:, 2:]) // 2
    number = labels[middles[:, 1], middles[:, 0]]
    whole = np.concatenate([np.full((1, 4), -99), pieces])[number]
    free = (np.abs(whole - boxes) <= _NEAR).all(axis=1)
    other = np.setdiff1d(np.arange(len(pieces)), number[free] - 1)
    sizes = sizes_of(pieces[other]).max(axis=1)
    return free, median_by_ink(sizes, areas[other]) if len(other) else np.inf


def _rows(boxes: Any, free: Any) -> list[tuple[Any, Any]]:
    """Return boxes of one size that stand in a row, each as far from the next, and those that are missing there."""
    rows, left = [], np.ones(len(boxes), np.bool_)
    for index in np.flatnonzero(free):
        width = boxes[index, 2] - boxes[index, 0]
        unlike = np.abs(boxes - boxes[index])
        row = left & (unlike[:, 1::2] <= _NEAR).all(axis=1)
        row &= np.abs(boxes[:, 2] - boxes[:, 0] - width) <= max(_ALIKE * width, _NEAR)
        if not left[index] or row.sum() < _FEWEST or free[row].mean() < _FREE:
            continue
        ordered = boxes[row][np.argsort(boxes[row, 0])]
        ways = np.diff(ordered[:, 0])
        nearest = float(ways[ways > _NEAR].min()) if (ways > _NEAR).any() else np.inf
        for pitch in (_pitch(ordered[:, 0]), nearest):
            steps = ways / pitch
            if width >= _BROAD * pitch and (np.abs(steps - np.rint(steps)) <= _REGULAR).mean() >= _SEEN:
                rows.append((ordered.tolist(), _missing(ordered, pitch)))
                left &= ~row
                break
    return rows


def _in_columns(boxes: Any, free: Any) -> Any:
    """Return which boxes stand below each other, from one edge to the other, each as far from the next."""
    found = np.zeros(len(boxes), np.bool_)
    for index in np.flatnonzero(free):
        if found[index]:
            continue
        width = boxes[index, 2] - boxes[index, 0]
        ends = max(_ALIKE * width / 2, _NEAR)
        column = (np.abs(boxes - boxes[index])[:, ::2] <= ends).all(axis=1)
        if column.sum() < _FEWEST or free[column].mean() < _FREE:
            continue
        tops = np.sort(boxes[column, 1])
        pitch = _pitch(tops)
        steps = np.diff(tops) / pitch
        regular = (np.abs(steps - np.rint(steps)) <= _REGULAR).mean() >= _SEEN
        if regular and _APART * width <= pitch < np.inf:
            found |= column
    return found


def _missing(row: Any, pitch: float) -> list[list[int]]:
    """Return the boxes that are missing in a row, as high as the one before them, and as long."""
    return [
        (box + np.rint([step * pitch, 0, step * pitch, 0]).astype(np.int64)).tolist()
        for box, following in itertools.pairwise(row)
        for step in range(1, round((following[0] - box[0]) / pitch))
    ]


def _pitch(places: Any) -> float:
    """Return how far places lie from the next, as a rule; infinity where these are fewer than a comb has."""
    ways = np.diff(np.sort(places))
    ways = ways[ways > _NEAR]
    return float(np.median(ways)) if len(ways) + 1 >= _FEWEST else np.inf


def _teeth(bar: Any, line: Mask, teeth: Any, end: int, far: int, length: int) -> list[Any]:
    """Return the places of the teeth of a comb; none if the bar is none.

    Args:
        bar: The box of a horizontal line.
        line: All horizontal lines.
        teeth: Boxes of vertical lines.
        end: The column of a tooth's box, 1 (its top) or 3 (its bottom), that lies at the bar.
        far: The other of the two.
        length: Of the shortest line: so far apart are teeth at least.
    """
    middles, lengths = (teeth[:, 0] + teeth[:, 2]) / 2, teeth[:, 3] - teeth[:, 1]
    at = np.abs(teeth[:, end] - bar[far]) <= _reach(bar)
    sides = [np.flatnonzero(at & (np.abs(middles - bar[side]) <= 2 * _NEAR)) for side in (0, 2)]
    if not all(len(one) for one in sides):
        return []
    outer = [int(one[lengths[one].argmax()]) for one in sides]
    begin, span = middles[outer[0]], np.diff(middles[outer])[0]
    at &= (middles >= begin) & (middles <= begin + span)
    near = [at & (np.abs(lengths - one) <= max(_ALIKE * one, _NEAR)) for one in lengths[at]]
    alike = max(near, key=np.sum)  # the outer teeth may be longer, or touch what stands beside the comb
    for count in range(int(span / length), _FEWEST - 2, -1):  # strokes of characters stand on the line, too
        steps = (middles - begin) / span * count
        regular = np.abs(steps - np.rint(steps)) <= max(_REGULAR, _NEAR * count / span / 2)
        hit = np.union1d(np.rint(steps[alike & regular]), (0, count))
        if len(hit) >= max(_SEEN * (count + 1), _FEWEST) and regular[alike].mean() >= _MOSTLY:
            centres = begin + np.arange(count + 1) * span / count
            return _places(bar, line, teeth, end, far, outer, alike & regular, centres)
    return []


def _three_teeth(bar: Any, line: Mask, teeth: Any, end: int, far: int, like: list[tuple[float, float]]) -> list[Any]:
    """Return the places of the teeth of a comb of two places; none if no longer comb is like it.

    Args:
        bar: As for :func:`_teeth`.
        line: As there.
        teeth: As there.
        end: As there.
        far: As there.
        like: How far from each other the teeth of the page's longer combs are, and how far they stand out.
    """
    middles, lengths = (teeth[:, 0] + teeth[:, 2]) / 2, np.abs(teeth[:, far] - bar[far])
    at = np.abs(teeth[:, end] - bar[far]) <= _reach(bar)
    for pitch, long in like:
        alike = at & (np.abs(lengths - long) <= max(_ALIKE * long, _NEAR))
        for inner in np.flatnonzero(alike & (np.abs(middles - (bar[0] + bar[2]) / 2) < pitch / 2)):
            centres = middles[inner] + pitch * np.arange(-1, 2)
            # Of what touches an outer tooth, as a printed stroke does, it has a part.
            outer = [
                at & (lengths >= long - _NEAR) & (teeth[:, 0] - _NEAR <= x) & (x <= teeth[:, 2] + _NEAR)
                for x in centres[::2]
            ]
            ends = np.abs(centres[::2] - bar[:3:2])
            if all(one.any() for one in outer) and (ends <= 2 * _NEAR).all():
                alone = np.arange(len(teeth)) == inner
                sides = [int(np.flatnonzero(one)[0]) for one in outer]
                return _places(bar, line, teeth, end, far, sides, alone, centres)
    return []


def _pitch_and_length(bar: Any, end: int, places: list[Any]) -> tuple[float, float]:
    """Return how far a comb's teeth are from each other, and how far its inner ones stand out from the bar."""
    columns, rows = [place[1].start for place in places], places[1][0]
    length = bar[1] - rows.start if end == 3 else rows.stop - bar[3]
    return (columns[-1] - columns[0]) / (len(places) - 1), float(length)


def _reach(bar: Any) -> float:
    """Return how far from a bar's edge teeth may end: one that leans a little is higher at one end."""
    return float(max(bar[3] - bar[1], 2 * _NEAR))


def _places(bar: Any, line: Mask, teeth: Any, end: int, far: int, outer: Any, alike: Any, centres: Any) -> list[Any]:
    """Return the places of the teeth of a comb; none if they are the walls of a grid, or closed at their ends.

    Args:
        bar: As for :func:`_teeth`.
        line: As there.
        teeth: As there.
        end: As there.
        far: As there.
        outer: The teeth at the bar's ends.
        alike: Which are its inner teeth, and the outer ones, too, where they are as long.
        centres: Where teeth should be.
    """
    middles, lengths = (teeth[:, 0] + teeth[:, 2]) / 2, teeth[:, 3] - teeth[:, 1]
    pitch, reach = centres[1] - centres[0], _reach(bar)
    tooth = np.median(teeth[alike], axis=0)
    gaps = np.abs(teeth[:, end] - tooth[far])
    # Teeth that go on below the line, or after a gap, are the walls of a grid.
    beyond = middles[(np.abs(teeth[:, far] - bar[end]) <= reach) | (~alike & (gaps <= 2 * _NEAR))]
    if (np.abs(middles[alike][:, np.newaxis] - beyond) <= 2 * _NEAR).any(axis=1).mean() >= _SEEN:
        return []
    length = max(int(_CLOSED * pitch), 1)  # strokes of the characters are shorter
    tops = np.median(teeth[outer, far]), tooth[far]
    for top in tops if len(centres) >= _FEWEST else tops[:1]:  # two characters' strokes may close two places
        ends = slice(max(round(top - reach), 0), round(top + reach) + 1)
        closing: Any = line[ends, bar[0] : bar[2]].any(axis=0)
        if runs_of(closing[np.newaxis], length, 1).mean() >= _CLOSED:
            return []
    half = float(np.median(sizes_of(teeth[alike])[:, 0])) / 2 + 1
    places = []
    longest = _TALLER * np.median(lengths[alike])
    sides = [[one] if lengths[one] <= longest else alike for one in outer]
    for centre, like in zip(centres, (sides[0], *[alike] * (len(centres) - 2), sides[1]), strict=True):
        rows = slice(int(min(teeth[like, 1].min(), bar[1])), int(max(teeth[like, 3].max(), bar[3])))
        places.append(np.s_[rows, max(round(centre - half), 0) : round(centre + half) + 1])
    return places
