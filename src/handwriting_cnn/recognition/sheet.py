"""A sheet of paper that lies on something else, found by its edges."""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.spatial
from PIL import Image, ImageDraw

from handwriting_cnn.imaging.preprocessing import ring_of
from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.light_area import (
    DARK,
    INWARD,
    STRIP,
    WRITING,
    area_of,
    crossing,
    light_area_corners,
    quadrangle_around,
)
from handwriting_cnn.recognition.windows import grown, narrowed

_Edge: TypeAlias = tuple[float, float] | None

_SMALL: Final = 300  # pixels of the shorter side on which the sheet is looked for
_LINES: Final = 0.02  # of that side: closing over so much leaves no printed lines, but the squares of a cloth
_EDGE: Final = 0.04  # of the logarithm of brightness, a pixel: a steeper change is an edge
_FLATTEST: Final = np.sqrt(2 * np.pi) * _EDGE  # of it: between such extremes, smoothed by a pixel, is no edge
_UNLIKE: Final = 0.08  # of the logarithm of brightness: the table and the sheet differ by more
_INK: Final = 0.25  # of the logarithm of brightness: ink is darker than the paper by so much
_STRAY: Final = 0.5  # times as dense as on a sheet is what looks like ink beyond a brighter edge
_FAR: Final = 0.35  # of the logarithm of brightness: a table is darker than a sheet by so much
_BRIGHTER: Final = 0.8  # the quantile of a sheet's light that is its paper's
_EACH: Final = 3  # pixels, of which one shows how bright it is
_SUPPORT: Final = 0.45  # of an edge's length
_OUTER: Final = 0.4  # of the picture: no edge lies further inside
_ALONE: Final = 0.2  # of the picture: further inside a single edge may be a shadow's, or a printed area's
_CORNERS: Final = 3  # edges: with so many, one of them may lie as far inside as it likes
_LEANING: Final = 0.2  # of the other side: no edge leans more
_ROWS: Final = 300  # of the copy at most: the support of an edge is seen in so many
_LEAST: Final = 0.2  # of the picture: a smaller sheet is none
_PART: Final = 0.03  # of the picture: a square of a cloth is smaller, and what a shadow cuts off a sheet larger
_SQUARE: Final = 0.08  # of the picture's shorter side: so broad may the squares of a cloth be
_PATTERNED: Final = 0.2  # of what lies around a sheet: with so many edges it is a pattern
_AROUND: Final = 0.04  # of the picture


def sheet_corners(source: npt.NDArray[np.uint8], *, turned: bool = False) -> npt.NDArray[np.float64] | None:
    """Find a sheet of paper that lies on something else by its straight edges.

    On a small copy, closed so that neither writing nor printed lines are left, an edge is a straight line from one side
    of the picture to the other along most of which the brightness of a channel changes steeply. The penumbra of a
    shadow is not steep. A side of the sheet that is not found is taken to be the picture's own. Where edges are all
    around one even area, as on a chequered cloth, the sheet's edges are that area's, turned as it may be. And where not
    all four are found, a light area with four corners that something darker surrounds is a sheet, turned or small as it
    may be, if what is written is on it.

    Args:
        source: uint8 ``(height, width)`` or, which finds more, ``(height, width, 3)``.
        turned: Whether it was turned over: light is dark.

    Returns:
        Its corners ``(4, 2)`` as x and y: left upper, right upper, right lower, left lower; or ``None`` if no edge is
        found. A single one far from the picture's own is none, unless two others are found.
    """
    step = min(source.shape[:2]) // _SMALL
    if not step:  # the strokes of few large letters would be edges
        return None
    small = np.atleast_3d(np.asarray(Image.fromarray(source).reduce(step), np.float32))
    height, width, _ = small.shape
    outline = _outline_on_a_pattern(small)
    sides = [None] * 4 if outline is None else _edges_of(outline, (height, width))
    if outline is not None and not any(sides):
        corners = quadrangle_around(outline, area_of(outline))
        inside = corners is not None and ((corners > 0) & (corners < (width, height))).all()
        if corners is not None and inside and area_of(corners) > _LEAST * height * width:
            return corners * step
    if not all(sides):  # the grain of wood may be taken for a pattern
        sides = max(sides, _edges_on_a_table(small), key=lambda some: sum(map(bool, some)))
    if not all(sides):
        corners = light_area_corners(255 - small if turned else small)
        if corners is not None:
            return corners * step
    if not any(sides):
        return None
    left, right, top, bottom = (found or (0.0, 0.0) for found in sides)
    lines = {
        "left": (left[0], 0.0, left[1], float(height)),
        "right": (width - right[0], 0.0, width - right[1], float(height)),
        "top": (0.0, top[0], float(width), top[1]),
        "bottom": (0.0, height - bottom[0], float(width), height - bottom[1]),
    }
    pairs = (("left", "top"), ("right", "top"), ("right", "bottom"), ("left", "bottom"))
    corners = np.array([crossing(lines[one], lines[other]) for one, other in pairs])
    return corners * step if area_of(corners) > _LEAST * height * width else None


def _outline_on_a_pattern(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float64] | None:
    """Return the convex outline ``(n, 2)`` of an even area that a pattern surrounds; ``None`` if there is none.

    Args:
        small: The copy.
    """
    border = np.log(np.maximum(ring_of(small), DARK))
    if (np.abs(np.diff(border, axis=0)) > _EDGE).any(axis=1).mean() < _PATTERNED / 4:
        return None  # seen at a glance
    steep = np.logical_or(*_steep(small, _LINES))
    labels, count = scipy.ndimage.label(~steep)
    large = np.bincount(labels.ravel(), minlength=count + 1) >= _PART * steep.size
    large[0] = False
    area, square = scipy.ndimage.binary_fill_holes(large[labels]), int(_SQUARE * min(steep.shape))
    for axis in (0, 1):
        area = narrowed(area, square, axis)
    y, x = np.nonzero(area)
    try:
        inner = scipy.spatial.ConvexHull(np.stack([x, y], axis=1))
    except (ValueError, scipy.spatial.QhullError):  # no pixels, or all in one line
        return None
    broader = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * (square // 2)
    hull = scipy.spatial.ConvexHull((inner.points[inner.vertices, np.newaxis] + broader).reshape(-1, 2))
    outline = hull.points[hull.vertices]
    even = _filled(outline, small.shape[:2])
    around = ~grown(even, STRIP)
    if around.mean() < _AROUND or steep[around].mean() < _PATTERNED or steep[even].mean() > _PATTERNED / 2:
        return None
    return outline


def _filled(outline: npt.NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """Return which pixels of a picture of a shape a convex outline encloses."""
    filled = Image.new("1", shape[::-1])
    ImageDraw.Draw(filled).polygon([(x, y) for x, y in outline.tolist()], fill=1, outline=1)
    return np.asarray(filled)


def _edges_of(outline: npt.NDArray[np.float64], shape: tuple[int, int]) -> list[_Edge]:
    """Return where the edges of an area begin and end; no edge if not all run from one side of the picture to another.

    Args:
        outline: Its convex outline, ``(n, 2)``.
        shape: The picture's height and width.
    """
    even = _filled(outline, shape)
    line = grown(even, 1) & grown(~even, 1)
    sides = _of_each_side(line, line, 1)
    at_border = (even[:, 0], even[:, -1], even[0], even[-1])
    through = all(found or own.any() for found, own in zip(sides, at_border, strict=True))
    return sides if through else [None] * len(sides)


def _edges_on_a_table(small: npt.NDArray[np.float32]) -> list[_Edge]:
    """Return where the edges of a sheet on something of another brightness begin and end.

    Args:
        small: The copy.
    """
    sides = _of_each_side(*_steep(small, WRITING), 1)
    if any(sides) and not all(sides):  # a strip of the table that is narrower than the window needs darkness beyond
        dark = _of_each_side(*_steep(small, WRITING, beyond=0), STRIP)
        sides = [found or one for found, one in zip(sides, dark, strict=True)]
    light = np.log(np.maximum(small, DARK))
    turned = (light, light[:, ::-1], light.swapaxes(0, 1), light[::-1].swapaxes(0, 1))
    sides = [found if found and _differs(view, *found) else None for found, view in zip(sides, turned, strict=True)]
    across = (small.shape[1], small.shape[1], small.shape[0], small.shape[0])
    seen = {index: found for index, found in enumerate(sides) if found}
    deep = [index for index, found in seen.items() if max(found) > _ALONE * across[index]]
    if len(deep) == 1 and len(seen) < _CORNERS:
        beyond = {index: _levels(turned[index], *found) for index, found in seen.items()}
        if not _is_one_table(beyond, deep[0]):
            sides[deep[0]] = None
    return sides


def _is_one_table(beyond: dict[int, tuple[Any, Any]], deep: int) -> bool:
    """Return whether what lies beyond two edges that meet is one, and far darker than the sheet: no shadow, nor print.

    Args:
        beyond: Of each edge the levels there, and the steps to them.
        deep: The number of the one that lies far inside.
    """
    others = [level for index, (level, _) in beyond.items() if index // 2 != deep // 2]
    level, step = beyond[deep]
    return bool((step < -_FAR).all() and any((np.abs(level - other) < _FAR).all() for other in others))


def _parts(light: npt.NDArray[np.float32], begin: float, end: float) -> tuple[Mask, Mask]:
    """Return what lies left of an edge and what lies right of it."""
    height, width, _ = light.shape
    away = np.arange(width) - np.linspace(begin, end, height)[:, np.newaxis] + INWARD
    return away < -1, away > 1


def _levels(light: npt.NDArray[np.float32], begin: float, end: float) -> tuple[Any, Any]:
    """Return the level left of an edge, and the step to it from a strip that is as broad right of the edge."""
    outside, inside = _parts(light, begin, end)
    edge = np.linspace(begin, end, len(light))[:, np.newaxis]
    strip = inside & (np.arange(light.shape[1]) < edge - INWARD + np.maximum(edge, STRIP) + 1)
    if not (outside.any() and strip.any()):
        return np.zeros(light.shape[2]), np.zeros(light.shape[2])
    level = np.median(light[outside], axis=0)
    return level, level - np.median(light[strip], axis=0)


def _differs(light: npt.NDArray[np.float32], begin: float, end: float) -> bool:
    """Return whether what lies left of an edge has another brightness, of which ``light`` is the logarithm."""
    level, step = _levels(light, begin, end)
    if (step < -_UNLIKE).any():
        return True
    if not (step > _UNLIKE).any():
        return False
    # What is darker than its surroundings may be a shade on the paper, as bright as which some of it is inside.
    outside, inside = _parts(light, begin, end)
    middle = np.s_[len(light) // 4 : -len(light) // 4 : _EACH, : light.shape[1] // 2 : _EACH]
    paper = light[middle][inside[middle]]
    brightest = np.quantile(paper, _BRIGHTER, axis=0) if len(paper) else -np.inf
    if not ((step > _UNLIKE) & (np.abs(level - brightest) > _UNLIKE / 2)).any():
        return False
    # Or it is the ground around white boxes, of which some lie beyond the edge, with what is written in them.
    dark = [(light[part] < np.median(light[part], axis=0) - _INK).any(axis=1).mean() for part in (outside, inside)]
    return bool(dark[0] <= _STRAY * dark[1])


def _steep(small: npt.NDArray[np.float32], window: float, *, beyond: float | None = None) -> tuple[Mask, Mask]:
    """Return where the brightness of a channel changes steeply to the right, and downward.

    Args:
        small: The copy.
        window: The share of its shorter side over which it is closed.
        beyond: Brightness beyond the picture; ``None`` goes on with its border, of which no edge comes.
    """
    size = max(int(window * min(small.shape[:2])), 3)
    mode, level = ("nearest", 0.0) if beyond is None else ("constant", beyond)
    across, down = np.zeros((2, *small.shape[:2]), np.bool_)
    for channel in np.ascontiguousarray(np.moveaxis(small, 2, 0)):
        light = np.log(np.maximum(scipy.ndimage.grey_closing(channel, (size, size), mode=mode, cval=level), DARK))
        if np.ptp(light) > _FLATTEST:
            across |= np.abs(scipy.ndimage.gaussian_filter(light, 1, order=(0, 1))) > _EDGE
            down |= np.abs(scipy.ndimage.gaussian_filter(light, 1, order=(1, 0))) > _EDGE
    return across, down


def _of_each_side(across: Mask, down: Mask, first: int) -> list[_Edge]:
    """Return where the left, right, upper and lower edges begin and end.

    Args:
        across: Where something changes to the right.
        down: Where it changes downward.
        first: The edges begin no nearer to the sides.
    """
    return [_edge(steep, first=first) for steep in (across, across[:, ::-1], down.T, down[::-1].T)]


def _edge(steep: Mask, *, first: int) -> _Edge:
    """Return where an edge near the left side begins and ends, or ``None``.

    Args:
        steep: Where the brightness of a channel changes to the right, ``(height, width)``.
        first: The edge begins no nearer to the side.
    """
    height, width = steep.shape
    rows = np.arange(0, height, max(height // _ROWS, 3))
    begins = np.arange(first, int(_OUTER * width))
    leans = np.arange(-_LEANING * height, _LEANING * height + 1, max(height / _ROWS, 2.0))
    beyond = int(_LEANING * height) + 1
    padded = np.pad(steep, [(0, 0), (beyond, beyond)])
    if padded[::3, : begins.size + first + 2 * beyond].any(axis=1).mean() < _SUPPORT:
        return None  # however it leans
    x = np.rint(leans[:, None] * (rows / height)).astype(np.int64) + beyond
    support = np.array([padded[rows, x + begin].mean(axis=1) for begin in begins.tolist()])
    best = np.unravel_index(int(support.argmax()), support.shape)
    if support[best] < _SUPPORT:
        return None
    begin = float(begins[best[0]])
    return begin + INWARD, begin + float(leans[best[1]]) + INWARD
