"""Combs: places to write in beside each other that a printed line shows, and teeth on it."""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import components, sizes_of
from handwriting_cnn.recognition.windows import bridged, runs_of

_FEWEST: Final = 4  # places: letters have three teeth
_ALIKE: Final = 0.08  # of their length: so far apart lie the lengths of teeth
_TALLER: Final = 2.5  # times their length: so long may the outer ones be
_REGULAR: Final = 0.08  # of the way from one to the next: so far from where it should be lies one
_SEEN: Final = 0.75  # of a comb's teeth
_HIGH: Final = 1.3  # times their width: so high are places above a comb, and as high as its highest tooth
_TOUCHED: Final = 0.5  # of a tooth: what is longer or shorter may be one that a stroke touches
_MOSTLY: Final = 0.5  # of what is as long as teeth and stands on a line: so much are they
_CLOSED: Final = 0.85  # of a comb: with so much of a line at its teeth's ends it is a row of boxes
_CROSSING: Final = 4  # walls that cross a line, as a grid's do
_INSIDE: Final = 0.5  # of a place: with so much in a cell it is in it
_UNBROKEN: Final = 0.9  # of a line
_LEANING: Final = 0.02  # of a comb's length: so much higher is one end
_NEAR: Final = 3.0  # pixels: so well is known where a line ends


def combs(lines: tuple[Mask, Mask], mask: Mask, length: int) -> tuple[Mask, Mask, npt.NDArray[np.int32]]:
    """Return which pixels of horizontal and of vertical lines belong to combs, and each pixel's place in one, from 1.

    A comb is a line with teeth of one length on one side, each as far from the next, the outer ones at its ends, and
    no line at the teeth's ends. One of two or three places, as letters are, too, has a longer one on its
    page whose teeth are as long and as far apart.

    Args:
        lines: Horizontal and vertical lines; letters' straight strokes are among them.
        mask: All ink.
        length: Of the shortest line.
    """
    found = np.zeros(mask.shape, np.bool_), np.zeros(mask.shape, np.bool_)
    slots, count = np.zeros(mask.shape, np.int32), 0
    _, teeth, _ = components(lines[1])
    teeth = teeth[teeth[:, 3] - teeth[:, 1] >= length / 3]
    # Teeth cut the line on which they stand.
    line = bridged(lines[0], length, 1)
    _, bars, _ = components(runs_of(line, _FEWEST * length, 1))  # without the strokes that touch it
    width, height = sizes_of(bars).T
    sides = [
        _Side(bar=bar, line=line, teeth=teeth, end=end, far=far)
        for bar in bars[(width >= _FEWEST * length) & (height <= _LEANING * width + 2 * _NEAR)]
        if mask[bar[1] : bar[3], bar[0] : bar[2]].any(axis=0).mean() >= _UNBROKEN  # printed letters stand apart
        for end, far in ((3, 1), (1, 3))
    ]
    long = [_teeth(side, length) for side in sides]
    like = [_pitch_and_length(side, places) for side, places in zip(sides, long, strict=True) if places]
    for side, several in zip(sides, long, strict=True):
        places = several or _teeth_like(side, like)
        if places:
            area = np.s_[side.bar[1] : side.bar[3], side.bar[0] : side.bar[2]]
            found[0][area] |= line[area] & mask[area]
        for place in places:
            found[1][place] = mask[place]
        for first, second in itertools.pairwise(place[1] for place in places):
            high = max(int(_HIGH * (second.start - first.stop)), *(place[0].stop - place[0].start for place in places))
            top, bottom = side.bar[1], side.bar[3]
            rows = slice(max(top - high, 0), top) if side.end == 3 else slice(bottom, bottom + high)
            count += 1
            slots[rows, first.stop : second.start] = count
    return *found, slots


def with_slots(cells: npt.NDArray[np.int32], slots: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the places of combs, and of a grid's cells those in which there are none: the rest of one is no place.

    Args:
        cells: Each pixel's cell, from 1; 0 is none.
        slots: Each pixel's place in a comb, from 1; 0 is none.
    """
    if not slots.any():
        return cells
    shared = (slots > 0) & (cells > 0)
    pairs, pixels = np.unique(slots[shared].astype(np.int64) * (cells.max() + 1) + cells[shared], return_counts=True)
    slot, cell = np.divmod(pairs, cells.max() + 1)
    around = cell[pixels > _INSIDE * np.bincount(slots.ravel())[slot]]
    together = np.where(slots > 0, slots + cells.max(), np.where(np.isin(cells, around), 0, cells))
    numbers, dense = np.unique(together, return_inverse=True)
    return (dense + (numbers[0] > 0)).reshape(cells.shape).astype(np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """A side of a horizontal line on which vertical ones may stand.

    Attributes:
        bar: Its box.
        line: All horizontal lines.
        teeth: Boxes of vertical lines.
        end: The column of a tooth's box, 1 (its top) or 3 (its bottom), that lies at the bar.
        far: The other of the two.
    """

    bar: Any
    line: Mask
    teeth: Any
    end: int
    far: int

    @cached_property
    def middles(self) -> Any:
        return (self.teeth[:, 0] + self.teeth[:, 2]) / 2

    @cached_property
    def lengths(self) -> Any:
        """How far vertical lines stand out from the bar."""
        return np.abs(self.teeth[:, self.far] - self.bar[self.far])

    @cached_property
    def reach(self) -> float:
        """How far from the bar's edge teeth end: one that leans a little is higher at one end."""
        return float(max(self.bar[3] - self.bar[1], 2 * _NEAR))

    @cached_property
    def at(self) -> Any:
        """Which vertical lines end there."""
        return np.abs(self.teeth[:, self.end] - self.bar[self.far]) <= self.reach


def _teeth(side: _Side, length: int) -> list[Any]:
    """Return the places of the teeth of a comb of four places and more; none if there is none.

    Args:
        side: Of the line on which they stand.
        length: Of the shortest line: so far apart are teeth at least.
    """
    middles, lengths = side.middles, side.lengths
    near = [np.flatnonzero(side.at & (np.abs(middles - side.bar[x]) <= 2 * _NEAR)) for x in (0, 2)]
    if not all(len(one) for one in near):
        return []
    outer = [int(one[lengths[one].argmax()]) for one in near]
    begin, span = middles[outer[0]], np.diff(middles[outer])[0]
    between = side.at & (middles >= begin) & (middles <= begin + span)
    as_long = [between & (np.abs(lengths - one) <= max(_ALIKE * one, _NEAR)) for one in lengths[between]]
    alike = max(as_long, key=np.sum)  # the outer teeth may be longer, or touch what stands beside the comb
    parts, mine = (middles[between] - begin) / span, alike[between]
    most = min(int(span / length), int((len(parts) + 2) / _SEEN))
    for count in range(most, _FEWEST - 1, -1):  # strokes of characters stand on the line, too
        steps = parts * count
        regular = np.abs(steps - np.rint(steps)) <= max(_REGULAR, _NEAR * count / span / 2)
        if regular[mine].mean() < _MOSTLY:
            continue
        seen = np.zeros(count + 1)
        seen[np.rint(steps[regular]).astype(np.int64)] = _TOUCHED
        seen[np.rint(steps[regular & mine]).astype(np.int64)] = seen[[0, -1]] = 1
        halved = count % 2 == 0 and seen[1::2].mean() <= _MOSTLY
        if not halved and seen.mean() >= _SEEN:
            alike[between] = mine & regular
            touched = np.setdiff1d(np.flatnonzero(between)[regular & ~mine], outer)
            return _places(side, outer, alike, begin + np.arange(count + 1) * span / count, touched)
    return []


def _teeth_like(side: _Side, like: list[tuple[float, float]]) -> list[Any]:
    """Return the places of the teeth of a comb like another one, as few as they may be; none if there is no such.

    Args:
        side: Of the line on which they stand.
        like: How far from each other the teeth of the page's longer combs are, and how far they stand out.
    """
    middles, lengths, broad = side.middles, side.lengths, sizes_of(side.teeth)[:, 0]
    for pitch, long in like:
        count = round((side.bar[2] - side.bar[0]) / pitch)
        if count < 2:
            continue
        alike = side.at & (np.abs(lengths - long) <= max(_ALIKE * long, _NEAR))
        # What touches an outer tooth, as a printed stroke does, makes it broader.
        outer = side.at & (lengths >= long - _NEAR)
        for first in np.flatnonzero(alike & (np.abs(middles - side.bar[0] - pitch) < pitch / 2)):
            centres = middles[first] + pitch * np.arange(-1, count)
            ways = np.abs(centres[:, np.newaxis] - middles)
            inner = alike & (ways[1:-1] <= max(_REGULAR * pitch, _NEAR))
            ends = outer & (ways[[0, -1]] <= broad / 2 + _NEAR)
            at_ends = np.abs(centres[[0, -1]] - side.bar[[0, 2]]) <= 2 * _NEAR
            if inner.any(axis=1).mean() >= _SEEN and ends.any(axis=1).all() and at_ends.all():
                return _places(side, ends.argmax(axis=1), inner.any(axis=0), centres, [])
    return []


def _pitch_and_length(side: _Side, places: list[Any]) -> tuple[float, float]:
    """Return how far a comb's teeth are from each other, and how far its inner ones stand out from the bar."""
    columns, rows = [place[1].start for place in places], places[1][0]
    length = side.bar[1] - rows.start if side.end == 3 else rows.stop - side.bar[3]
    return (columns[-1] - columns[0]) / (len(places) - 1), float(length)


def _places(side: _Side, outer: Any, alike: Any, centres: Any, touched: Any) -> list[Any]:
    """Return the places of the teeth of a comb; none if they are the walls of a grid, or closed at their ends.

    Args:
        side: Of the line on which they stand.
        outer: The teeth at its ends.
        alike: Which are its inner teeth, and the outer ones, too, where they are as long.
        centres: Where teeth should be.
        touched: What is longer or shorter, and may be teeth, too.
    """
    bar, teeth, middles, lengths = side.bar, side.teeth, side.middles, side.lengths
    tooth = np.median(teeth[alike], axis=0)
    gaps = np.abs(teeth[:, side.end] - tooth[side.far])
    # Teeth that go on below the line, or after a gap, are the walls of a grid; so are other lines that cross this one.
    below = middles[np.abs(teeth[:, side.far] - bar[side.end]) <= side.reach]
    beyond = np.concatenate([below, middles[~alike & (gaps <= 2 * _NEAR)]])
    if _are_near(middles[alike], beyond).mean() >= _SEEN:
        return []
    inside = (middles > centres[0] - _NEAR) & (middles < centres[-1] + _NEAR)
    if _are_near(middles[side.at & inside & (lengths > np.median(lengths[alike]))], below).sum() >= _CROSSING:
        return []
    length = max(int(_CLOSED * (centres[1] - centres[0])), 1)  # strokes of characters are shorter
    tops = [tooth[side.far], *([np.median(teeth[touched, side.far])] if len(touched) else [])]
    for top in tops if len(centres) > _FEWEST else ():  # the strokes of characters may close few
        first, last = max(round(top - side.reach), 0), round(top + side.reach) + 1
        first, last = (first, min(last, bar[1])) if side.end == 3 else (max(first, bar[3]), last)
        closing: Any = side.line[first:last, bar[0] : bar[2]].any(axis=0)
        if runs_of(closing[np.newaxis], length, 1).mean() >= _CLOSED:
            return []
    half = float(np.median(sizes_of(teeth[alike])[:, 0])) / 2 + 1
    places, longest = [], _TALLER * np.median(lengths[alike])
    ends = [[one] if lengths[one] <= longest else alike for one in outer]
    for centre, which in zip(centres, (ends[0], *[alike] * (len(centres) - 2), ends[1]), strict=True):
        rows = slice(int(min(teeth[which, 1].min(), bar[1])), int(max(teeth[which, 3].max(), bar[3])))
        places.append(np.s_[rows, max(round(centre - half), 0) : round(centre + half) + 1])
    return places


def _are_near(places: Any, others: Any) -> Any:
    """Return which places along a line are near to another."""
    return (np.abs(places[:, np.newaxis] - others) <= 2 * _NEAR).any(axis=1)
