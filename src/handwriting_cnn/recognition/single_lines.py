"""The printed lines in a picture of one character: a box's walls, or a line to write on."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.ndimage
from PIL import Image

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.ink import optical_density, paper_plane
from handwriting_cnn.imaging.preprocessing import box_of
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.grouping import least_ink
from handwriting_cnn.recognition.ink import components
from handwriting_cnn.recognition.windows import around, broadened, enlarged, grown

_FINE: Final = 100  # pixels of the longer side that are enough to see lines
_SMALLEST: Final = 40  # pixels of the shorter side: in a smaller picture a stroke may be as straight as a line
_LONGEST: Final = 5  # times the shorter side: a longer picture is none of one character
_SMOOTHING: Final = 0.8  # pixels
_WINDOW: Final = 0.3  # of the shorter side: lines are far thinner
_FAINTEST: Final = 0.1  # of the light
_FULL: Final = 0.9  # the quantile of ink that is its full level
_DARK: Final = 0.4  # of that level: a character's ink
_PALE: Final = 0.2  # and a printed line's
_STEEPEST: Final = 0.08  # of its length: so far a line rises or falls
_PART: Final = 0.3  # of a side: any line has such a run of ink
_INKED: Final = 0.95  # of a line
_BESIDE: Final = 0.75  # of its neighbour rows, where they belong to it
_VISIBLE: Final = 0.4  # of a side: so much of a line lies in the picture
_DRIFT: Final = 0.3  # pixels of ink a line must gain by each pixel that it rises
_THICKEST: Final = 0.14  # of the shorter side
_CHARACTER: Final = 0.15  # of the shorter side: a character is no smaller
_THINNER: Final = 0.8  # of a stroke
_NEAR: Final = 0.04  # of the shorter side: what comes so near to an edge, the edge may cut
_OUTER: Final = 0.35  # of a side: beyond a line there, what the picture's edge cuts belongs to a neighbour
_BEYOND: Final = 0.9  # of a piece of ink
_SURROUNDINGS: Final = 0.1  # of the longer side: paper is a mean over so much


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A printed line.

    Attributes:
        axis: 1 where it runs along the rows, 0 where it runs along the columns.
        middle: Where its middle lies across that axis, in pixels.
        rise: How much farther its end lies than its beginning.
        thickness: In pixels.
    """

    axis: int
    middle: float
    rise: float
    thickness: int

    def centres(self, length: int) -> Any:
        """Return where it lies at each pixel along its axis."""
        return self.middle + self.rise * (np.arange(length) / max(length - 1, 1) - 0.5)


def without_lines(grey: GreyImage) -> GreyImage:
    """Paint paper over the printed lines in a picture of one character, and over what lies beyond them.

    A line is straight, thin, and runs from one edge of the picture to another; or it is a wall of a box that holds all
    else. A character's own stroke may be as straight and, where its picture is cut closely, reach from edge to edge,
    too: lines are lines only if ink is left that no edge cuts; and where ink touches all four edges, only if they are
    thinner than that ink's strokes and, unless they are a whole box, touch none of it.

    Args:
        grey: The picture, uint8, dark on light.

    Returns:
        uint8 of the same shape; the picture itself where there is no line, or where its shorter side has less than 40
        pixels, or less than a fifth of the longer.
    """
    if min(grey.shape) < _SMALLEST or max(grey.shape) > _LONGEST * min(grey.shape):
        return grey
    step = max(max(grey.shape) // _FINE, 1)
    small = np.asarray(Image.fromarray(grey).reduce(step))
    dark, pale = _ink(small)
    place = (slice(0, small.shape[0]), slice(0, small.shape[1]))
    lines = _lines(pale)
    if not lines:
        place = box_of(pale)
        lines = _lines(pale[place])
        if not _are_box(lines):
            return grey
    bands = np.zeros(small.shape, np.bool_)
    bands[place] = _bands(lines, pale[place].shape)
    character = np.zeros(small.shape, np.bool_)
    character[place] = _character(dark[place], pale[place], lines, bands[place])
    if not character.any():
        return grey
    return _painted(grey, small, pale, bands, character, step)


def _ink(grey: GreyImage) -> tuple[Mask, Mask]:
    """Return what is darker than the paper around it, and the paler ink that may be a line; broad strokes are none."""
    density = scipy.ndimage.gaussian_filter(optical_density(grey) - paper_plane(grey), _SMOOTHING)
    paper = scipy.ndimage.grey_opening(density, (int(_WINDOW * min(grey.shape)),) * 2)
    levels = 1 - 10 ** (paper - density)
    above = levels[levels > _FAINTEST]
    full = float(np.quantile(above, _FULL)) if above.size else 1.0
    return levels > _DARK * full, levels > max(_PALE * full, _FAINTEST)


def _lines(ink: Mask) -> list[_Line]:
    """Return the lines that run across a picture."""
    thickest = int(_THICKEST * min(ink.shape))
    return [line for axis, along in ((1, ink), (0, ink.T)) for line in _along(along, axis, thickest)]


def _along(ink: Mask, axis: int, thickest: int) -> list[_Line]:
    """Return the lines along the rows: of every rise and every height, those that are ink, the fullest first."""
    height, width = ink.shape
    parts = scipy.ndimage.uniform_filter1d(broadened(ink, 3, 0).astype(np.float32), max(int(_PART * width), 1), axis=1)
    near = np.flatnonzero((parts >= _INKED).any(axis=1))
    if not len(near):
        return []
    reach = max(int(_STEEPEST * width), 1)
    rises = np.arange(-reach, reach + 1)[:, np.newaxis]
    rows = np.arange(near[0] - reach, near[-1] + reach + 1)
    along = rises * (np.arange(width) / max(width - 1, 1) - 0.5)
    y = rows[:, np.newaxis] + np.rint(along).astype(np.int64)[:, np.newaxis]  # (rises, rows, width)
    visible = (y >= 0) & (y < height)
    inked = (ink[np.clip(y, 0, height - 1), np.arange(width)] & visible).sum(axis=2)
    lengths = visible.sum(axis=2)
    share = np.where(lengths >= _VISIBLE * width, inked / np.maximum(lengths, 1), 0)
    fullness = scipy.ndimage.uniform_filter1d(inked.astype(np.float32), 3, axis=1) - _DRIFT * np.abs(rises)
    lines = []
    while (share >= _INKED).any():
        rise, row = np.unravel_index(np.argmax(np.where(share >= _INKED, fullness, -np.inf)), share.shape)
        gaps = np.flatnonzero(np.concatenate([[True], share[rise] < _BESIDE, [True]])) - 1
        place = np.searchsorted(gaps, row)
        top, bottom = rows[gaps[place - 1] + 1], rows[gaps[place] - 1]
        thickness, middle = int(bottom - top + 1), float(top + bottom) / 2
        if thickness <= thickest:
            lines.append(_Line(axis=axis, middle=middle, rise=float(rises[rise, 0]), thickness=thickness))
        same = np.abs(rows - middle) <= np.abs(rises - rises[rise]) / 2 + thickness / 2 + 1
        share[same] = 0
    return lines


def _are_box(lines: list[_Line]) -> bool:
    return all(sum(line.axis == axis for line in lines) >= 2 for axis in (0, 1))


def _bands(lines: list[_Line], shape: tuple[int, ...]) -> Mask:
    """Return the pixels of lines and of their soft edges."""
    bands = np.zeros(shape, np.bool_)
    for line in lines:
        band = bands if line.axis else bands.T
        away = np.abs(np.arange(band.shape[0])[:, np.newaxis] - line.centres(band.shape[1]))
        band |= away <= line.thickness / 2 + 1
    return bands


def _beyond(lines: list[_Line], shape: tuple[int, ...]) -> Mask:
    """Return what lies between lines and the edges of the picture that they are near."""
    beyond = np.zeros(shape, np.bool_)
    for line in lines:
        side = beyond if line.axis else beyond.T
        y, centres = np.arange(side.shape[0])[:, np.newaxis], line.centres(side.shape[1])
        if line.middle < _OUTER * side.shape[0]:
            side |= y <= centres
        if line.middle > (1 - _OUTER) * side.shape[0]:
            side |= y >= centres
    return beyond


def _character(dark: Mask, pale: Mask, lines: list[_Line], bands: Mask) -> Mask:
    """Return the ink that is the character's, none where the lines may be strokes."""
    labels, boxes, areas = components(dark & ~bands)
    near = max(round(_NEAR * min(dark.shape)), 1)
    cut = (boxes[:, :2] < near).any(axis=1) | (boxes[:, 2:] > np.subtract(dark.shape[::-1], near)).any(axis=1)
    outside = np.bincount(labels[_beyond(lines, dark.shape)], minlength=len(areas) + 1)[1:]
    kept = (areas >= least_ink(stroke_width(dark))) & ~(cut & (outside >= _BEYOND * areas))
    none = np.zeros_like(dark)
    if not kept.any() or (cut & kept).any():
        return none
    hull = boxes[kept, 2:].max(axis=0) - boxes[kept, :2].min(axis=0)
    character = np.concatenate([[False], kept])[labels]
    if hull.max() < _CHARACTER * min(dark.shape):
        return none
    edges = (pale[:near], pale[-near:], pale[:, :near], pale[:, -near:])
    if all(edge.any() for edge in edges):  # the lines may be strokes
        touching = (around(character) & bands & dark).any() and not _are_box(lines)
        if touching or stroke_width(np.pad(dark & bands, 1)) > _THINNER * stroke_width(character):
            return none
    return character


def _painted(grey: GreyImage, small: GreyImage, pale: Mask, bands: Mask, character: Mask, step: int) -> GreyImage:
    """Return the picture without the lines, in whose place its nearest pixels go on, and without other ink."""
    paper = ~grown(pale, 2)
    sigma = _SURROUNDINGS * max(small.shape)
    weight = scipy.ndimage.gaussian_filter(paper.astype(np.float32), sigma)
    light = scipy.ndimage.gaussian_filter(np.where(paper, small, 0).astype(np.float32), sigma)
    light = np.asarray(Image.fromarray(light / np.maximum(weight, np.finfo(np.float32).tiny)).resize(grey.shape[::-1]))
    other = enlarged(grown(pale & ~bands, 2) & ~grown(character, 2), step, grey.shape)
    painted = np.where(other, np.rint(np.clip(light, 0, 255)), grey).astype(np.uint8)
    nearest = scipy.ndimage.distance_transform_edt(
        enlarged(bands, step, grey.shape), return_distances=False, return_indices=True
    )
    return painted[tuple(nearest)]
