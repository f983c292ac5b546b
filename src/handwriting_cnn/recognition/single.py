"""The ink of a picture of one character."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.ink import light_of, optical_density, paper_plane, pen_light
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, box_of, median, preprocess, quantile, reduced
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.grouping import SPECK, Groups, gaps_to, least_ink, ordered
from handwriting_cnn.recognition.ink import PALEST, WEAK, Ink, at_edge, components, find_ink, sizes_of
from handwriting_cnn.recognition.pale import FARTHEST, SOFT
from handwriting_cnn.recognition.single_lines import SMALLEST, without_lines
from handwriting_cnn.recognition.windows import grown

SMALL: Final = 100  # pixels: a picture whose longer side has fewer is one character
_PALE: Final = 0.3  # of the ink's level: so pale may the dots of a single character be
_GLIMPSE: Final = 64  # pixels of a picture's longer side that show whether it is cut closely
_NEAR: Final = 0.1  # of the longer side: a character that comes so near its picture's edges leaves little paper
_BROADEST: Final = 0.3  # of the longer side: a broader stroke is a shadow
_MAIN: Final = 0.4  # of a picture's ink: of less its character has more
_LEAST: Final = 0.3  # of the picture's shorter side: so large is the character at least
_NEARLY: Final = 0.02  # of that side: what is so near the edge, as the outline of a thumb is, the edge may cut
_APART: Final = 0.1  # of its longer side: what is nearer belongs to it
_ABOVE: Final = 0.35  # of it: so far above or below lies a mark
_LOW: Final = 0.65  # of its height: and is no higher
_DOT: Final = 0.35  # of its longer side: and no wider than it, or than this
_FLATTEST: Final = 0.2  # of its longer side: or than this, as the strokes of =
_LEVEL: Final = 0.9  # the quantile of a character's ink that is its full level
_DARK: Final = 0.5  # of that level: a speck that is so dark is dirt
_MOSTLY: Final = 0.75  # of the picture: where a character's surroundings take more, little paper is left
_PARTS: Final = 4  # of a character at most that were taken for characters
_SQUARE: Final = 2.0  # times the shorter side of a character: so long is its longer side
_AROUND: Final = 1.5  # times the longer side of what was found: so large is the character that it makes


def ink_of_one(source: GreyImage, picture: npt.NDArray[np.uint8]) -> Ink:
    """Find the ink of a picture of one character, without the printed lines around it.

    Args:
        source: The picture in grey, uint8, dark on light.
        picture: The picture as it was, uint8 ``(height, width)`` or RGB ``(height, width, 3)``, dark on light.
    """
    free, coloured = picture, picture.ndim == 3 and min(picture.shape[:2]) >= SMALLEST
    if coloured:
        free = without_lines(source, picture)  # before the pen's colour is sought, which wipes lines out by halves
    pen = pen_light(free) if free.ndim == 3 else None
    if free is not picture:
        grey = np.asarray(Image.fromarray(free).convert("L")) if pen is None else pen
    elif pen is None:
        grey = source if coloured else without_lines(source)  # the coloured one's grey showed none
    else:
        grey = without_lines(pen)
    if max(grey.shape) < SMALL:
        return _small_ink(_evenly_lit(grey))
    return close_ink(grey) or find_ink(grey, strong=_PALE)


def _small_ink(grey: GreyImage) -> Ink:
    """Find the ink of a picture so small that its strokes are hardly wider than what the light is smoothed over.

    Args:
        grey: The picture, uint8, dark on light paper of one level.
    """
    spec = PreprocessSpec(height=grey.shape[0], width=grey.shape[1], polarity="dark-on-light")
    square = preprocess(grey, spec)
    levels = (square[:, :, 0] / 255).astype(np.float32)
    mask = levels > WEAK
    return Ink(levels=levels, mask=mask, pale=levels > PALEST, faint=mask, stroke=stroke_width(mask, whole=True))


def close_ink(grey: GreyImage) -> Ink | None:
    """Find the ink of one character whose picture is cut closely around it: ``None`` if it is not.

    Such a picture has too little paper for :func:`find_ink`, whose window takes the middle of a stroke, or all of what
    the edge cuts off, for paper. So small a piece of paper is lit by a plane, which the brighter pixels show.

    Args:
        grey: The picture, uint8, dark on light.
    """
    small = reduced(grey, _GLIMPSE)[0]
    ink = _small_ink(_evenly_lit(small))
    if not ink.mask.any() or ink.stroke >= _BROADEST * max(small.shape):
        return None
    rows, columns = box_of(ink.mask)
    gaps = (rows.start, small.shape[0] - rows.stop, columns.start, small.shape[1] - columns.stop)
    if sum(gap <= _NEAR * max(small.shape) for gap in gaps) < len(gaps) - 1:
        return None
    return _small_ink(_evenly_lit(grey))


def _evenly_lit(grey: GreyImage) -> GreyImage:
    """Return a picture as it would look on paper whose density is everywhere what its plane's median is."""
    paper = paper_plane(grey)
    return np.asarray(np.rint(light_of(optical_density(grey) - (paper - median(paper)))), np.uint8)


def group_all(ink: Ink) -> Groups:
    """Take all ink for one character, but for specks, and for what the picture's edge cuts of its neighbours.

    Pale pieces around it, as those of a broken stroke, may belong to it, too, and pale specks with them.
    """
    labels, boxes, areas = components(ink.mask)
    clean = areas >= SPECK * ink.stroke**2
    mine = clean & ~_of_neighbours(boxes, np.where(clean, areas, 0), labels.shape)
    if mine.any():
        dark = np.concatenate([[False], mine])[labels]
        pale = _pale_near(ink, dark, pieces=labels, clean=clean)
        if pale.any():
            labels, boxes, areas = components(dark | pale)
            mine = np.ones(len(areas), np.bool_)
    return ordered(labels, np.where(mine, 0, -1), boxes, np.zeros(len(mine), np.int64), rtl=False)


def _pale_near(ink: Ink, dark: Mask, *, pieces: Any, clean: Any) -> Mask:
    """Return the pale ink around a character; none where there is more elsewhere, as on paper that has a texture.

    None, too, where too little of the picture lies elsewhere to tell by.

    Args:
        ink: The picture's.
        dark: The character's ink.
        pieces: Each pixel's piece of dark ink, from 1.
        clean: Which pieces are no specks: the character's and its neighbours'.
    """
    rows, columns = box_of(dark)
    reach = round(FARTHEST * max(rows.stop - rows.start, columns.stop - columns.start))
    left, top, right, bottom = columns.start - reach, rows.start - reach, columns.stop + reach, rows.stop + reach
    height, width = dark.shape
    if (min(right, width) - max(left, 0)) * (min(bottom, height) - max(top, 0)) > _MOSTLY * dark.size:
        return np.zeros_like(dark)
    known = np.concatenate([[False], clean])
    known[pieces[ink.levels > _DARK * quantile(ink.levels[dark], _LEVEL)]] = True  # dark specks are dirt
    known[0] = False
    labels, boxes, areas = components(ink.pale & ~grown(known[pieces], SOFT))
    near = (boxes[:, :2] >= (left, top)).all(axis=1) & (boxes[:, 2:] <= (right, bottom)).all(axis=1)
    near &= ~_at_edge(boxes, dark.shape)
    large = areas >= least_ink(ink.stroke)
    if areas[near & large].sum() < areas[~near & large].sum():
        return np.zeros_like(dark)
    return np.asarray(np.concatenate([[False], near & large])[labels])


def may_be_parts(boxes: Sequence[tuple[int, int, int, int]]) -> bool:
    """Return whether what was found in a picture stands as the parts of one character do: few, and together no row."""
    if not 1 < len(boxes) <= _PARTS:
        return False
    corners = np.array(boxes)
    shorter, longer = np.sort(corners[:, 2:].max(axis=0) - corners[:, :2].min(axis=0))
    return bool(longer <= _SQUARE * shorter)


def is_around(whole: tuple[int, int, int, int], boxes: Sequence[tuple[int, int, int, int]]) -> bool:
    """Return whether a box is hardly larger than what was found, as that of one character is, and no table's."""
    corners = np.array(boxes)
    extent = corners[:, 2:].max(axis=0) - corners[:, :2].min(axis=0)
    return bool((np.subtract(whole[2:], whole[:2]) <= _AROUND * extent.max()).all())


def _at_edge(boxes: Any, shape: tuple[int, ...]) -> Any:
    return at_edge(boxes, shape, margin=int(_NEARLY * min(shape)))


def _of_neighbours(boxes: Any, areas: Any, shape: tuple[int, ...]) -> Any:
    """Return which pieces touch the picture's edge, or nearly, and lie apart from a character that does not.

    It is one where it has more than two fifths of the ink: a character whose picture is cut closely touches the edges
    itself.
    """
    none = np.zeros(len(boxes), np.bool_)
    cut = _at_edge(boxes, shape)
    free = ~cut & (areas > 0)
    if min(shape) < SMALLEST or not cut.any() or areas[free].sum() <= _MAIN * areas.sum():
        return none
    hull = np.concatenate([boxes[free, :2].min(axis=0), boxes[free, 2:].max(axis=0)])
    extent = hull[2:] - hull[:2]
    size = extent.max()
    if size < _LEAST * min(shape):
        return none
    across, down = gaps_to(hull, boxes)
    low = (sizes_of(boxes) <= np.maximum((1, _LOW) * extent, (_DOT * size, _FLATTEST * size))).all(axis=1)
    marks = low & (across < _APART * size) & (down < _ABOVE * size)
    return cut & ~marks & (np.maximum(across, down) >= _APART * size)
