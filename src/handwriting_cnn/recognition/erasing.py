"""Printed lines taken away, and what is written across them left."""

from typing import Any, Final

import numpy as np
import scipy.ndimage

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.ink import Ink, ink_of
from handwriting_cnn.recognition.windows import around, enlarged, grown, in_blocks, places_of, runs_of

_PALE: Final = 0.5  # of the writing's level: lines so pale are told from it
_PALER: Final = 0.7  # of the lines' level: writing so pale is looked for without them
_CROSSING: Final = 1.8  # times a line's thickness: ink that runs on so far across it is a stroke
_LEVEL: Final = 0.9  # the quantile of ink that is its full level
_SOFT: Final = 2  # pixels of their edges
_EACH: Final = 3  # pixels, of which one shows how dark ink is
_SAMPLE: Final = 2_000  # pixels of lines that show how thick they are


def erased(ink: Ink, lines: tuple[Mask, Mask], step: int, thickest: int) -> tuple[Mask, Mask]:
    """Return the ink and the pale ink without lines.

    On a line that is paler than the writing what is darker than halfway between both is a stroke; on others, what runs
    on along both axes. Of the pale ink nothing is left on a line.

    Args:
        ink: The page's.
        lines: The pixels of horizontal and of vertical lines of a copy.
        step: How much smaller that is.
        thickest: Pixels of the copy: no line is thicker.
    """
    rules = enlarged(lines[0] | lines[1], step, ink.mask.shape)
    near = around(rules)
    places = np.stack(places_of(rules & ink.mask), axis=1)
    if not len(places):
        return ink.mask, ink.pale & ~near
    soft = grown(near, _SOFT)
    some = np.s_[::_EACH, ::_EACH]
    other = ink.levels[some][(ink.faint & ~soft)[some]]
    full = float(np.quantile(other, _LEVEL)) if other.size else 0.0
    darkest = scipy.ndimage.maximum_filter(in_blocks(ink.levels, step, np.maximum), 3)
    levels = np.array([np.median(darkest[line]) if line.any() else 1.0 for line in lines])
    pale, mask, faint = levels <= _PALE * full, ink.mask, ink.pale & ~near
    if pale.any():
        bound = np.zeros(darkest.shape, np.float32)
        for line, level in zip(np.array(lines)[pale], levels[pale], strict=True):
            bound[line] = (level + full) / 2
        reach = 2 * -(-(1 + _SOFT) // step) + 1
        mask = mask & (ink.levels >= enlarged(scipy.ndimage.maximum_filter(bound, reach), step, mask.shape))
        faint &= ink.levels >= levels.min()  # what is paler is printed, too
        lines = lines[0] & ~pale[0], lines[1] & ~pale[1]
        rules = enlarged(lines[0] | lines[1], step, mask.shape)
        near, places = around(rules), np.stack(places_of(rules & mask), axis=1)
        if not len(places):
            return mask, faint
    thickness = float(np.median(_shorter_runs(mask, places[:: max(len(places) // _SAMPLE, 1)], thickest * step)))
    length = int(_CROSSING * thickness + 1) + 1
    crossed = runs_of(mask, length, 0) & runs_of(mask, length, 1)
    corners = enlarged(around(lines[0]) & around(lines[1]), step, mask.shape)
    free = mask & ((crossed & ~around(corners)) | ~near)
    return _with_pencil(ink, (free, faint), mask & near, soft)


def with_pencil(ink: Ink, erased: tuple[Mask, Mask], walls: Mask, cells: Mask) -> tuple[Mask, Mask]:
    """Return the ink and the pale ink without lines, in cells with what is paler than the writing beside them.

    Args:
        ink: The page's.
        erased: Its ink and its pale ink without lines.
        walls: Which pixels are lines.
        cells: Which pixels are in cells.
    """
    near = around(walls)
    return _with_pencil(ink, erased, ink.mask & near, grown(near, _SOFT) | ~cells)


def _with_pencil(ink: Ink, erased: tuple[Mask, Mask], printed: Mask, other: Mask) -> tuple[Mask, Mask]:
    """Return ink and pale ink with strokes that are too pale for ink against dark lines, all of them or in part.

    Args:
        ink: The page's.
        erased: Its ink and its pale ink without lines.
        printed: The ink of the lines.
        other: Where no strokes are looked for.
    """
    some = np.s_[::_EACH, ::_EACH]
    written, lines = (ink.levels[some][which[some]] for which in (ink.faint & ~other, printed))
    if not (written.size and lines.size) or np.quantile(written, _LEVEL) >= _PALER * np.quantile(lines, _LEVEL):
        return erased
    paler = ink_of(np.where(other, 0, ink.levels).astype(np.float32))
    return erased[0] | paler.mask, (erased[1] | paler.pale) & ~other


def _shorter_runs(mask: Mask, places: Any, reach: int) -> Any:
    """Return, for pixels of ink, the shorter of the runs along both axes, counted up to a reach each way."""
    padded, steps, runs = np.pad(mask, reach), np.arange(1, reach + 1).reshape(-1, 1), []
    for along in np.eye(2, dtype=np.int64):
        ways = [places[:, np.newaxis] + reach + direction * steps * along for direction in (-1, 1)]
        ink = [padded[way[..., 0], way[..., 1]] for way in ways]
        runs.append(1 + sum(np.logical_and.accumulate(way, axis=1).sum(axis=1) for way in ink))
    return np.minimum(*runs)
