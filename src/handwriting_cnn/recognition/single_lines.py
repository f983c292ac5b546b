"""The printed lines in a picture of one character: a box's walls, or a line to write on."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage
from PIL import Image

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.ink import optical_density, paper_plane
from handwriting_cnn.imaging.preprocessing import box_of, quantile
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.grouping import least_ink
from handwriting_cnn.recognition.ink import components, sizes_of
from handwriting_cnn.recognition.straight_lines import INKED, Line, are_box, bands_of, is_printed, lines_across
from handwriting_cnn.recognition.windows import around, enlarged, grown, in_blocks

_FINE: Final = 100  # pixels of the longer side that are enough to see lines
_TINIEST: Final = 20  # pixels of the shorter side: in a smaller picture no box is seen
SMALLEST: Final = 40  # pixels of the shorter side: in a smaller picture a stroke may be as straight as a line
_LONGEST: Final = 5  # times the shorter side: a longer picture is none of one character
_SMOOTHING: Final = 0.8  # pixels
_WINDOW: Final = 0.3  # of the shorter side: lines are far thinner
_FAINTEST: Final = 0.1  # of the light
_FULL: Final = 0.9  # the quantile of ink that is its full level
_DARK: Final = 0.4  # of that level: a character's ink
_PALE: Final = 0.2  # and a printed line's
_CROSSED: Final = 0.8  # of a box's wall: a character may cross another wall, or the box lean
_BROAD: Final = 0.4  # of the picture: a smaller box is none that the character stands in
_CHARACTER: Final = 0.15  # of the shorter side: a character is no smaller
_THINNER: Final = 0.8  # of a stroke
_WALLS: Final = 4
_CELL: Final = 0.6  # of a side
_FILLED: Final = 0.9  # of its extent: what fills so much together with its hole is a box, and without it a bar
_NEAR: Final = 0.04  # of the shorter side: what comes so near to an edge, the edge may cut
_OUTER: Final = 0.35  # of a side: beyond a line there, what the picture's edge cuts belongs to a neighbour
_BEYOND: Final = 0.9  # of a piece of ink
_SURROUNDINGS: Final = 0.1  # of the longer side: paper is a mean over so much


def without_lines(grey: GreyImage, picture: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
    """Paint paper over the printed lines in a picture of one character, and over what lies beyond them.

    A line is straight, thin, and runs from one edge of the picture to another; or it is a wall of a box that the
    character stands in. A character's own stroke may be as straight and, where its picture is cut closely, reach from
    edge to edge, too: lines are lines only if ink is left that no edge cuts; and where ink touches all four edges, only
    if they are thinner than that ink's strokes and, unless they are a whole box, touch none of it. A box whose walls
    are straighter and more parallel than a hand draws them is printed, whatever touches it.

    Args:
        grey: The picture, uint8, dark on light.
        picture: The same in colours, uint8 ``(height, width, 3)``, which is to be painted over.

    Returns:
        The grey picture, or that in colours, painted over; itself where there is no line, or where its shorter side has
        less than 20 pixels, or less than a fifth of the longer. Where it has less than 40, only boxes are seen.
    """
    picture = grey if picture is None else picture
    if min(grey.shape) < _TINIEST or max(grey.shape) > _LONGEST * min(grey.shape):
        return picture
    step = max(max(grey.shape) // _FINE, 1)
    darkest = in_blocks(grey, step, np.minimum)  # in which hairlines do not vanish
    dark, pale = _ink(_levels(darkest))
    place = _widest(pale)
    lines = _walls(pale[place]) if (np.array(pale[place].shape) >= np.multiply(_BROAD, pale.shape)).all() else []
    alone = bool(lines) and pale[place].size < pale.size
    if not lines and min(grey.shape) >= SMALLEST:
        place, lines = np.s_[:, :], [*lines_across(pale, 1), *lines_across(pale, 0)]
    if not lines:
        return picture
    small = np.asarray(Image.fromarray(grey).reduce(step))
    bands = np.zeros(small.shape, np.bool_)
    bands[place] = bands_of(lines, pale[place].shape)
    printed = (
        are_box(lines) and len(lines) == _WALLS and is_printed(lines, _levels(small)[place], most=1 if alone else 0)
    )
    character = np.zeros(small.shape, np.bool_)
    character[place] = _character(dark[place], pale[place], lines, bands[place], printed=printed, alone=alone)
    if not character.any():
        return picture
    return _painted(picture, pale, bands, character, step)


def _levels(grey: GreyImage) -> Any:
    """Return how much darker than the paper around it each pixel is; broad strokes are not."""
    smoothing = _SMOOTHING if min(grey.shape) >= SMALLEST else _SMOOTHING / 2
    density = scipy.ndimage.gaussian_filter(optical_density(grey) - paper_plane(grey), smoothing)
    paper = scipy.ndimage.grey_opening(density, (int(_WINDOW * min(grey.shape)),) * 2)
    return 1 - 10 ** (paper - density)


def _ink(levels: Any) -> tuple[Mask, Mask]:
    """Return what is a character's ink, and the paler ink that may be a line."""
    above = levels[levels > _FAINTEST]
    full = quantile(above, _FULL) if above.size else 1.0
    return levels > _DARK * full, levels > max(_PALE * full, _FAINTEST)


def _widest(ink: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the connected ink that reaches farthest."""
    _, boxes, _ = components(ink)
    if not len(boxes):
        return np.s_[:, :]
    left, top, right, bottom = boxes[np.argmax(sizes_of(boxes).prod(axis=1))]
    return np.s_[top:bottom, left:right]


def _walls(ink: Mask) -> list[Line]:
    """Return the lines of a picture that is cut to a box and what crosses its walls; none where there is no box."""
    walls = []
    for axis in (0, 1):
        along = sorted(lines_across(ink, axis, least=_CROSSED), key=lambda line: line.middle)
        if len(along) < 2:
            return []
        walls += [line for line in along if line in (along[0], along[-1]) or line.inked >= INKED]
    return walls


def _is_cell(lines: list[Line], shape: tuple[int, ...]) -> bool:
    """Return whether a box's four walls have most of a picture between them; squares are smaller."""
    spans = [np.ptp([line.middle for line in lines if line.axis == axis]) for axis in (1, 0)]
    return bool((spans >= np.multiply(_CELL, shape)).all())


def _beyond(lines: list[Line], shape: tuple[int, ...]) -> Mask:
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


def _character(dark: Mask, pale: Mask, lines: list[Line], bands: Mask, *, printed: bool, alone: bool) -> Mask:
    """Return the ink that is the character's, none where the lines may be strokes.

    Args:
        dark: The ink.
        pale: The ink and what may be a line.
        lines: The lines.
        bands: Their pixels.
        printed: Whether they surely are the walls of one box.
        alone: Whether this is a box cut out of its surroundings, together with what crosses its walls.
    """
    labels, boxes, areas = components(dark & ~bands)
    near = max(round(_NEAR * min(dark.shape)), 1)
    cut = (boxes[:, :2] < near).any(axis=1) | (boxes[:, 2:] > np.subtract(dark.shape[::-1], near)).any(axis=1)
    beyond = np.bincount(labels[_beyond(lines, dark.shape)], minlength=len(areas) + 1)[1:] >= _BEYOND * areas
    large = areas >= least_ink(stroke_width(dark))
    kept = large & ~(cut & beyond)
    if printed and (alone or _is_cell(lines, dark.shape)):
        inside = np.concatenate([[False], large & ~beyond])[labels]
        reach = grown(inside, 3 + max(line.thickness for line in lines))
        crossing = beyond & (np.bincount(labels[reach], minlength=len(areas) + 1)[1:] > 0)
        kept = large & ~beyond | crossing
    none = np.zeros_like(dark)
    if not kept.any() or ((cut & kept).any() and not printed):
        return none
    hull = boxes[kept, 2:].max(axis=0) - boxes[kept, :2].min(axis=0)
    character = np.concatenate([[False], kept])[labels]
    if hull.max() < _CHARACTER * min(dark.shape):
        return none
    if printed:
        inner = character[box_of(character)]
        filled = scipy.ndimage.binary_fill_holes(inner)
        a_box_in_a_box = filled.mean() > _FILLED > inner.mean()  # is a character
        return none if a_box_in_a_box else character
    edges = (pale[:near], pale[-near:], pale[:, :near], pale[:, -near:])
    if all(edge.any() for edge in edges):  # the lines may be strokes
        touching = (around(character) & bands & dark).any() and not are_box(lines)
        if touching or stroke_width(dark & bands, whole=True) > _THINNER * stroke_width(character):
            return none
    return character


def _painted(picture: npt.NDArray[np.uint8], pale: Mask, bands: Mask, character: Mask, step: int) -> Any:
    """Return the picture without the lines, in whose place its nearest pixels go on, and without other ink."""
    small = np.atleast_3d(np.asarray(Image.fromarray(picture).reduce(step), np.float32))
    paper = ~grown(pale, 2)[:, :, np.newaxis]
    sigma = (*(_SURROUNDINGS * max(pale.shape),) * 2, 0)
    weight = scipy.ndimage.gaussian_filter(paper.astype(np.float32), sigma)
    light = scipy.ndimage.gaussian_filter(np.where(paper, small, 0), sigma)
    light = np.clip(np.rint(light / np.maximum(weight, np.finfo(np.float32).tiny)), 0, 255).astype(np.uint8)
    size = picture.shape[1::-1]
    smooth = np.asarray(Image.fromarray(light.squeeze()).resize(size, Image.Resampling.BICUBIC)).reshape(picture.shape)
    other = enlarged(grown(pale & ~bands, 2) & ~grown(character, 2), step, picture.shape)
    painted = picture.copy()
    painted[other] = smooth[other]
    nearest = scipy.ndimage.distance_transform_edt(
        enlarged(bands, step, picture.shape), return_distances=False, return_indices=True
    )
    return painted[tuple(nearest)]
