"""Finding the characters of a page or photograph."""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import border_of, box_of, quantile
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.cells import group_by_cell
from handwriting_cnn.recognition.dotted import is_screened
from handwriting_cnn.recognition.fingers import without_finger_shadows
from handwriting_cnn.recognition.grouping import Groups, group_characters
from handwriting_cnn.recognition.ink import Ink, components, find_ink, ink_of
from handwriting_cnn.recognition.objects import without_holes, without_objects
from handwriting_cnn.recognition.pale import FARTHEST, SOFT, with_pale_strokes
from handwriting_cnn.recognition.polarity import is_half_dark_around, is_light_on_dark
from handwriting_cnn.recognition.rules import find_rules
from handwriting_cnn.recognition.shadows import without_shadow
from handwriting_cnn.recognition.sheet import sheet_corners
from handwriting_cnn.recognition.single import SMALL, close_ink, group_all, ink_of_one
from handwriting_cnn.recognition.single_lines import without_lines
from handwriting_cnn.recognition.view import (
    Homography,
    rectifying,
    seen,
    slope,
    source_boxes,
    turning,
)
from handwriting_cnn.recognition.windows import grown

Layout: TypeAlias = Literal["auto", "single", "line", "page", "grid"]

_WORKING_PIXELS: Final = 4_000_000
_SINGLE_PIXELS: Final = 40_000
_FINE: Final = 64  # pixels of a single character: more make its ink no better
_PHOTOGRAPH: Final = 300  # pixels of the shorter side: a smaller picture shows no table around a sheet
_SCREEN: Final = 2.0  # pixels: smoothed by so much, the dots of a print's shade are grey
_FILLED: Final = 0.4  # of a page's ink: a grid holds at least so much
_PIECES: Final = 4  # characters at most that one may be taken for whose picture is cut closely
_SURROUNDED: Final = 0.4  # of a picture's border: with so much ink it is a frame, or the table around a sheet
_COVERED: Final = 0.55  # of a picture: what covers so much is a sheet
_LEVEL: Final = 0.9  # the quantile of a character's ink that is its full level


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundCharacter:
    """A character's place and ink.

    Attributes:
        box: Left, top, right, bottom in the picture that was given, in pixels.
        line: Its line, from 0 at the top.
        ink: uint8 ``(height, width)``: its strokes and marks alone, bright on 0, upright; of a large picture at a
            fraction of its size.
    """

    box: tuple[int, int, int, int]
    line: int
    ink: GreyImage


def find_characters(
    picture: npt.NDArray[np.uint8], *, layout: Layout = "auto", rtl: bool = False, gap: float = 0.0
) -> list[FoundCharacter]:
    """Find characters in reading order.

    Args:
        picture: uint8 ``(height, width)``, or RGB ``(height, width, 3)``, in which a sheet on a table is found better.
        layout: ``"single"``: all ink is one character, but for what the edge cuts of neighbours and for a table around
            a sheet. ``"line"`` and ``"page"``: characters stand free, in one line or in several. ``"grid"``: one in
            each cell of printed lines. ``"auto"``: a grid where one is found, of one or several in a cell, else a page;
            a small picture, or one that is cut closely around a character or shows one in a box, on a line or in a
            shadow, is one character.
        rtl: Whether lines are read from right to left.
        gap: The gap between a character's parts that stand beside each other, as a share of its longer side, 0..1.

    Raises:
        UnknownNameError: If there is no such layout.
    """
    UnknownNameError.check("layout", [layout], known=get_args(Layout))
    if layout == "single" or (layout == "auto" and max(picture.shape[:2]) < SMALL):
        return _one_character(picture, rtl=rtl, gap=gap)
    found, on_a_sheet = _on_a_page(picture, layout, rtl=rtl, gap=gap)
    if layout != "auto" or len(found) > _PIECES or (on_a_sheet and _is_inside(picture, found)):
        return found
    source, image, step, _ = _dark_on_light(picture, pixels=_SINGLE_PIXELS, alone=True)
    lit = _evenly_lit(source, image)
    if _is_one_character(source, lit[0], gap=gap):
        alone = _all_ink(picture, *lit, step)
        lines_are_left = not _is_inside(picture, alone)  # that run from edge to edge, and that a page's are told by
        return found if lines_are_left and len(found) == 1 and _is_inside(picture, found) else alone
    if len(found) == 1:  # its dots may be paler than a page's ink may be
        alone = _all_ink(picture, *lit, step)
        return alone if _is_the_same(alone, found) else found
    return found


def _one_character(picture: npt.NDArray[np.uint8], *, rtl: bool, gap: float) -> list[FoundCharacter]:
    """Return all ink of a picture as one character; of a photograph that shows more than that, the one on its sheet."""
    source, image, step, _ = _dark_on_light(picture, pixels=_SINGLE_PIXELS, alone=True)
    alone = _all_ink(picture, *_evenly_lit(source, image), step)
    if min(picture.shape[:2]) < _PHOTOGRAPH:
        return alone
    if _is_inside(picture, alone) and not _is_scattered(alone) and sheet_corners(picture) is None:
        return alone
    found, _ = _on_a_page(picture, "page", rtl=rtl, gap=gap)
    one = len(found) == 1 and _is_inside(picture, found) and not _is_the_same(alone, found)
    return found if one else alone


def _is_the_same(alone: list[FoundCharacter], found: list[FoundCharacter]) -> bool:
    """Return whether all ink of a picture lies where one character was found on it as on a page, and near it."""
    if not alone:
        return False
    outer, inner = np.array(alone[0].box), np.array(found[0].box)
    reach = FARTHEST * max(inner[2:] - inner[:2])
    return bool((np.abs(outer - inner) <= reach).all())


def _is_scattered(alone: list[FoundCharacter]) -> bool:
    """Return whether ink lies far beside the largest piece, as what is left of a thumb or of squared paper may."""
    if not alone:
        return False
    _, boxes, areas = components(alone[0].ink > 0)
    left, top, right, bottom = boxes[areas.argmax()]
    away = np.stack([left - boxes[:, 0], top - boxes[:, 1], boxes[:, 2] - right, boxes[:, 3] - bottom]).max(axis=0)
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    beside = (middles < left) | (middles > right)  # not above, as the dot of an i
    return bool((beside & (away > FARTHEST * max(right - left, bottom - top))).any())


def _is_inside(picture: npt.NDArray[np.uint8], found: list[FoundCharacter]) -> bool:
    """Return whether something was found, all of it away from the picture's edges."""
    boxes = np.array([one.box for one in found]).reshape(-1, 4)
    height, width = picture.shape[:2]
    return bool(len(boxes) and (boxes[:, :2] > 0).all() and (boxes[:, 2:] < (width, height)).all())


def _is_one_character(source: GreyImage, lit: GreyImage, *, gap: float) -> bool:
    """Return whether a picture is cut closely around one character, or shows one among printed lines or in a shadow.

    Args:
        source: The picture, dark on light.
        lit: The same without a shadow.
        gap: See :func:`find_characters`.
    """
    free = without_lines(lit)
    ink = close_ink(free) or (None if free is source else find_ink(free))
    if ink is None:
        return False
    if border_of(ink.mask).mean() > _SURROUNDED or ink.mask.mean() > _COVERED:
        return False
    boxes = _groups(ink, "page", rtl=False, gap=gap)[0].boxes
    rows, columns = box_of(ink.mask)
    extent = (columns.start, rows.start, columns.stop, rows.stop)
    return len(boxes) == 1 and bool((np.abs(boxes[0] - extent) <= SOFT).all())


def _dark_on_light(
    picture: npt.NDArray[np.uint8], *, pixels: int, alone: bool
) -> tuple[GreyImage, npt.NDArray[np.uint8], int, bool]:
    """Return a copy of at most so many pixels whose ink is dark: in grey, and as it was.

    And how much smaller it is, and whether it is turned over.
    """
    step = int(np.ceil(np.sqrt(picture.shape[0] * picture.shape[1] / pixels)))
    image = np.asarray(Image.fromarray(picture).reduce(step)) if step > 1 else picture
    source = image if image.ndim == 2 else np.asarray(Image.fromarray(image).convert("L"))
    turned = is_light_on_dark(source, alone=alone)
    return (255 - source, 255 - image, step, turned) if turned else (source, image, step, turned)


def _evenly_lit(source: GreyImage, picture: npt.NDArray[np.uint8]) -> tuple[GreyImage, npt.NDArray[np.uint8]]:
    """Return the picture of one character, in grey and as it was, without a shadow that lay across it.

    A shadow that covers most of the paper makes the rest of it look like ink: the picture may have been turned over.
    """
    border = border_of(picture)
    if (border == border[0]).all():  # as a data set's: no edge cuts it
        return source, picture
    for dark in (picture, 255 - picture) if is_half_dark_around(source) else (picture,):
        lit = without_shadow(dark)
        if lit is not dark:
            grey = np.asarray(Image.fromarray(lit).convert("L"))
            if not is_light_on_dark(grey, alone=True):
                return grey, lit
    return source, picture


def _on_a_page(
    picture: npt.NDArray[np.uint8], layout: Layout, *, rtl: bool, gap: float
) -> tuple[list[FoundCharacter], bool]:
    """Return what is found as on a page, a line or a grid, and whether it is on a sheet whose edges are seen."""
    source, image, step, turned = _dark_on_light(picture, pixels=_WORKING_PIXELS, alone=False)
    corners = sheet_corners(image, turned=turned)
    to_source, ink = _straightened(source, corners)
    groups, pale = _groups(ink, layout, rtl=rtl, gap=gap)
    found = _cut_out(picture, ink, with_pale_strokes(groups, pale), to_source, source.shape, step)
    return found, corners is not None


def _all_ink(
    picture: npt.NDArray[np.uint8], source: GreyImage, image: npt.NDArray[np.uint8], step: int
) -> list[FoundCharacter]:
    """Return the one character of a picture; where a copy shows it too small, that of a finer copy.

    Args:
        picture: The picture.
        source: Its evenly lit copy in grey, dark on light.
        image: The same as it was.
        step: How much smaller they are.
    """
    alone = _alone(picture, source, image, step)
    if step > 1 and not (alone and max(alone[0].ink.shape) >= _FINE):
        source, image, step, _ = _dark_on_light(picture, pixels=_WORKING_PIXELS, alone=True)
        alone = _alone(picture, *_evenly_lit(source, image), step)
    return alone


def _alone(
    picture: npt.NDArray[np.uint8], source: GreyImage, image: npt.NDArray[np.uint8], step: int
) -> list[FoundCharacter]:
    """Return all ink of a copy of a picture as one character."""
    ink = ink_of_one(source, image)
    groups = with_pale_strokes(group_all(ink), ink.pale)
    return _cut_out(picture, ink, groups, np.eye(3), source.shape, step)


def _cut_out(
    picture: npt.NDArray[np.uint8], ink: Ink, groups: Groups, to_source: Homography, shape: tuple[int, ...], step: int
) -> list[FoundCharacter]:
    """Return characters with their places in the picture, of whose copy of a shape they were found."""
    boxes = source_boxes(to_source, groups.labels, groups.boxes, shape) * step
    boxes[:, 2:] = np.minimum(boxes[:, 2:], picture.shape[1::-1])  # the last pixel of a reduced copy may be a part
    return [
        FoundCharacter(box=tuple(box), line=int(line), ink=crop)
        for box, line, crop in zip(boxes.tolist(), groups.lines, _crops(ink.levels, groups), strict=True)
    ]


def _straightened(source: GreyImage, corners: npt.NDArray[np.float64] | None) -> tuple[Homography, Ink]:
    """Return the ink of the sheet, or of all if it has no corners, with level lines, and the way back to the source."""
    to_source, sheet = np.eye(3), source
    if corners is not None:
        to_source, size = rectifying(corners)
        sheet = seen(source, to_source, size)
        if is_light_on_dark(sheet, alone=False, cut_out=True):  # the table around it said otherwise
            sheet = 255 - sheet
    ink = find_ink(sheet)
    if is_screened(ink):
        sheet = np.asarray(Image.fromarray(sheet).filter(ImageFilter.GaussianBlur(_SCREEN)))
        ink = find_ink(sheet)
    ink = without_objects(without_holes(without_finger_shadows(ink, sheet)))
    degrees = slope(ink.mask)
    if degrees:
        turn, size = turning(degrees, sheet.shape)
        levels = np.clip(seen(ink.levels, turn, size), 0, 1)  # which bicubic interpolation may leave
        to_source, ink = to_source @ turn, ink_of(levels)
    return to_source, ink


def _groups(ink: Ink, layout: Layout, *, rtl: bool, gap: float) -> tuple[Groups, Mask]:
    """Return the characters, and the pale ink that may be theirs, too."""
    rules = find_rules(ink, least=0.0 if layout == "grid" else _FILLED)
    if rules.count and layout in ("auto", "grid"):
        several = gap if layout == "auto" else None
        stroke = stroke_width(rules.free)  # walls may be thicker than the pen, and with them the least dot of a letter
        groups = group_by_cell(rules.free, stroke, rules.cells, rtl=rtl, gap=several)
    else:
        pieces = ink.pieces if rules.free is ink.mask else None
        line = layout == "line"
        groups = group_characters(rules.free, ink.stroke, rtl=rtl, gap=gap, one_line=line, pieces=pieces)
    return groups, rules.pale


def _crops(levels: Any, groups: Groups) -> list[GreyImage]:
    """Return each character's own ink, its full level raised to 255."""
    crops = []
    for number, (left, top, right, bottom) in enumerate(groups.boxes, start=1):
        place = np.s_[max(top - SOFT, 0) : bottom + SOFT, max(left - SOFT, 0) : right + SOFT]
        mine = grown(groups.labels[place] == number, SOFT)
        other = (groups.labels[place] != number) & (groups.labels[place] != 0)
        ink = np.where(mine & ~other, levels[place], 0)
        full = quantile(ink[groups.labels[place] == number], _LEVEL)
        crops.append(np.rint(np.clip(ink / full, 0, 1) * 255).astype(np.uint8))
    return crops
