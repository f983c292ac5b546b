"""Straight lines in ink: from edge to edge, and the walls of a box."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.ndimage
import scipy.stats

from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.windows import broadened

_STEEPEST: Final = 0.08  # of its length: so far a line rises or falls
_PART: Final = 0.3  # of a side: any line has such a run of ink
INKED: Final = 0.95  # of a line
_BESIDE: Final = 0.75  # as much of its neighbour rows, where they belong to it
_VISIBLE: Final = 0.4  # of a side: so much of a line lies in the picture
_DRIFT: Final = 0.3  # pixels of ink a line must gain by each pixel that it rises
_THICKEST: Final = 0.14  # of the shorter side
_THIN: Final = 4  # pixels: so thick a line may be in a small picture
_TYPICAL: Final = 0.3  # of a line's ink at each place: with so much more or less something touches it, or it is gone
_STRAIGHT: Final = 0.002  # of the shorter side: so little a printed line strays
_GRAIN: Final = 0.04  # pixels, and besides so little
_PARALLEL: Final = 0.015  # of their length: so far walls may draw near each other
_SQUARE: Final = 0.04  # of its sides: so far a box may be askew


@dataclass(frozen=True, kw_only=True)
class Line:
    """A printed line.

    Attributes:
        axis: 1 where it runs along the rows, 0 where it runs along the columns.
        middle: Where its middle lies across that axis, in pixels.
        rise: How much farther its end lies than its beginning.
        thickness: In pixels.
        inked: The share of it that is ink.
    """

    axis: int
    middle: float
    rise: float
    thickness: int
    inked: float

    def centres(self, length: int) -> Any:
        """Return where it lies at each pixel along its axis."""
        return self.middle + self.rise * (np.arange(length) / max(length - 1, 1) - 0.5)


def lines_across(ink: Mask, axis: int, *, least: float = INKED) -> list[Line]:
    """Return the lines that run across a picture along an axis, of which at least a share is inked.

    All rises and all heights are tried, and the fullest come first.
    """
    thickest = max(int(_THICKEST * min(ink.shape)), _THIN)
    ink = ink if axis else ink.T
    height, width = ink.shape
    parts = scipy.ndimage.uniform_filter1d(broadened(ink, 3, 0).astype(np.float32), max(int(_PART * width), 1), axis=1)
    near = np.flatnonzero((parts >= INKED).any(axis=1))
    if not len(near):
        return []
    reach = max(int(_STEEPEST * width), 1)
    rises = np.arange(-reach, reach + 1)[:, np.newaxis]
    rows = np.arange(near[0] - reach, near[-1] + reach + 1)
    steps = np.rint(rises * (np.arange(width) / max(width - 1, 1) - 0.5)).astype(np.int64)
    # A line is a stair of few level parts, whose ink running sums tell: (parts, rows).
    begins = np.flatnonzero(np.diff(steps, axis=1, prepend=steps[:, :1] - 1))
    lengths, rise_begins = np.diff(begins, append=steps.size)[:, np.newaxis], np.flatnonzero(begins % width == 0)
    first = (begins % width)[:, np.newaxis]
    y = rows + steps.ravel()[begins, np.newaxis]
    visible, y = (y >= 0) & (y < height), np.clip(y, 0, height - 1)
    sums = np.zeros((height, width + 1), np.int64)
    np.cumsum(ink, axis=1, out=sums[:, 1:])
    inked = np.add.reduceat(np.where(visible, sums[y, first + lengths] - sums[y, first], 0), rise_begins)
    lengths = np.add.reduceat(np.where(visible, lengths, 0), rise_begins)
    share = np.where(lengths >= _VISIBLE * width, inked / np.maximum(lengths, 1), 0)
    fullness = scipy.ndimage.uniform_filter1d(inked.astype(np.float32), 3, axis=1) - _DRIFT * np.abs(rises)
    lines = []
    while (share >= least).any():
        rise, row = np.unravel_index(np.argmax(np.where(share >= least, fullness, -np.inf)), share.shape)
        most = float(share[rise, row])
        gaps = np.flatnonzero(np.concatenate([[True], share[rise] < _BESIDE * most, [True]])) - 1
        place = np.searchsorted(gaps, row)
        top, bottom = rows[gaps[place - 1] + 1], rows[gaps[place] - 1]
        thickness, middle = int(bottom - top + 1), float(top + bottom) / 2
        if thickness <= thickest:
            lines.append(Line(axis=axis, middle=middle, rise=float(rises[rise, 0]), thickness=thickness, inked=most))
        same = np.abs(rows - middle) <= np.abs(rises - rises[rise]) / 2 + thickness / 2 + 1
        share[same] = 0
    return lines


def are_box(lines: list[Line]) -> bool:
    """Return whether there are two lines and more along the rows, and along the columns."""
    return all(sum(line.axis == axis for line in lines) >= 2 for axis in (0, 1))


def is_printed(lines: list[Line], levels: Any, *, most: int) -> bool:
    """Return whether a box is one that hardly a hand draws: its walls straight and parallel, its corners right.

    Args:
        lines: Its walls.
        levels: How dark each pixel is.
        most: How many walls a character may cover.
    """
    courses = [(line.axis, *_course(line, levels)) for line in lines]
    stray = sorted(course[2] for course in courses)
    level, upright = ([slope for axis, slope, _ in courses if axis == which] for which in (1, 0))
    return bool(
        stray[-1 - most] <= _STRAIGHT * min(levels.shape) + _GRAIN
        and max(np.ptp(level), np.ptp(upright)) <= _PARALLEL
        and abs(np.median(level) + np.median(upright)) <= _SQUARE
    )


def _course(line: Line, levels: Any) -> tuple[float, float]:
    """Return a line's slope, and how far its middle strays from it: the median, in pixels."""
    levels = levels if line.axis else levels.T
    height, width = levels.shape
    centres, y = line.centres(width), np.arange(height)[:, np.newaxis]
    weights = np.where(np.abs(y - centres) <= line.thickness / 2 + 2, levels, 0)
    sums = weights.sum(axis=0)
    full = np.median(sums)
    inked = np.flatnonzero((sums > 0) & (np.abs(sums - full) <= _TYPICAL * full))
    if len(inked) < 2:
        return 0.0, np.inf
    middles = (weights * y).sum(axis=0)[inked] / sums[inked]
    slope, middle, _, _ = scipy.stats.theilslopes(middles, inked)
    return float(slope), float(np.median(np.abs(middles - middle - slope * inked)))


def bands_of(lines: list[Line], shape: tuple[int, ...]) -> Mask:
    """Return the pixels of lines and of their soft edges."""
    bands = np.zeros(shape, np.bool_)
    for line in lines:
        band = bands if line.axis else bands.T
        away = np.abs(np.arange(band.shape[0])[:, np.newaxis] - line.centres(band.shape[1]))
        band |= away <= line.thickness / 2 + 1
    return bands
