"""A sheet of paper as the one light area with four corners in a picture."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.spatial

from handwriting_cnn.imaging.preprocessing import ring_of
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.windows import grown, narrowed

WRITING: Final = 0.06  # of the shorter side: closing over so much leaves none
DARK: Final = 16  # of 255: below it darkness is one
INWARD: Final = 2.0  # pixels of the copy: the edge itself is not the sheet's, and is found to a pixel
STRIP: Final = 3  # pixels of the copy that a strip beside the sheet has at least, and its edge at most
SIDES: Final = 4
_SMALLEST: Final = 0.05  # of the picture: a light area that has four corners may be so small a sheet
_LARGEST: Final = 0.9
_ALMOST: Final = 1.1  # times a sheet: so much is light in all
_FAR_LIGHTER: Final = 0.35  # of the logarithm of brightness: a sheet than what surrounds it
_COVERED: Final = 0.35  # of a sheet: with more ink it is light writing, run together
_WRITTEN: Final = 0.001  # of it: so much at least is written on it
_CONTRAST: Final = 12.0  # levels: half of what is written stands out by more
_STRAY: Final = 0.25  # times as dense as on a sheet is what looks like writing around it
_BROADER: Final = 1.3  # times a stroke: so broad are spots
_LARGE: Final = 0.2  # of the picture
_THIN: Final = 3  # pixels of the copy: what is light and everywhere narrower is none of a sheet
_CUT: Final = 0.06  # of the picture's border: so much of it lies on the sheet where a corner is cut off
_PARALLEL: Final = 1e-6  # the sine of an angle: lines meet nowhere in a picture
_TURNED: Final = 0.12  # times its length: so far an edge leans, by 7 degrees
_FILLED: Final = 0.93  # of the quadrangle around it


def light_area_corners(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float64] | None:
    """Return the corners of the one light area that something darker surrounds, if it has four.

    Args:
        small: The copy.
    """
    small = _without_letters(small)
    darkest = small.min(axis=2)  # of the channels: white paper is light in each, a coloured table is not
    size = max(int(WRITING * min(darkest.shape)), 3)
    light = np.log(np.maximum(scipy.ndimage.grey_closing(darkest, (size, size)), DARK))
    if np.ptp(light) < _FAR_LIGHTER:
        return None
    labels, count = scipy.ndimage.label(light > _between(light))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    area = labels == int(areas.argmax())
    if not _SMALLEST * area.size <= areas.max() <= _LARGEST * area.size or areas.sum() > _ALMOST * areas.max():
        return None
    if np.median(light[area]) - np.median(light[~area]) < _FAR_LIGHTER or ring_of(area).mean() > _CUT:
        return None
    y, x = np.nonzero(area & ~narrowed(narrowed(area, 3, 0), 3, 1))
    hull = scipy.spatial.ConvexHull(np.stack([x, y], axis=1) + 0.5)
    corners = quadrangle_around(hull.points[hull.vertices], float(areas.max()))
    if corners is None:
        return None
    strokes = scipy.ndimage.grey_closing(small, (size, size, 1)) - small
    if not _holds_writing(strokes.max(axis=2), area, turned=_is_turned(corners)):  # a coloured page is light in one
        return None
    to_middle = corners.mean(axis=0) - corners
    return corners + np.sqrt(2) * INWARD * to_middle / np.linalg.norm(to_middle, axis=1, keepdims=True)


def _without_letters(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a copy in which light letters, as those of a keyboard, are dark: closing would join them to the sheet."""
    darkest = small.min(axis=2)
    light = darkest > np.exp(_between(np.log(np.maximum(darkest, DARK))))
    broad = scipy.ndimage.binary_opening(light, np.ones((_THIN, _THIN)))
    pieces, count = scipy.ndimage.label(light)
    kept = np.zeros(count + 1, np.bool_)
    kept[pieces[broad]] = True
    return np.where((light & ~kept[pieces])[..., np.newaxis], darkest.min(), small)


def _holds_writing(strokes: npt.NDArray[np.float32], area: Mask, *, turned: bool) -> bool:
    """Return whether an area holds strokes, and none but thin ones, and hardly any are outside: else it is a label.

    What is outside of a large one that is turned may be the pattern of a cloth, whose spots are broader than strokes.

    Args:
        strokes: How many of 256 levels darker each pixel is than what closing leaves of it.
        area: The area.
        turned: Whether it is turned.
    """
    level = np.quantile(strokes[area], 1 - _WRITTEN) / 2
    dark, around = strokes > level, ~grown(area, STRIP)
    inside, outside = dark[area].mean(), dark[around].mean()
    if level <= _CONTRAST or inside > _COVERED:
        return False
    if outside <= _STRAY * inside:
        return True
    broad = turned and stroke_width(dark & around) > _BROADER * stroke_width(dark & area)
    return bool(broad and area.mean() > _LARGE)


def _is_turned(corners: npt.NDArray[np.float64]) -> bool:
    """Return whether no edge of a sheet runs along the picture's, as those of a label on a page do."""
    across = np.abs(np.roll(corners, -1, axis=0) - corners)
    return bool((across.min(axis=1) > _TURNED * across.max(axis=1)).all())


def _between(light: npt.NDArray[np.float32]) -> float:
    """Return the level that parts two classes best, by the variance between them (Otsu, 1979)."""
    counts, edges = np.histogram(light, 64)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * middles)[:-1]
    total, whole = counts.sum(), float((counts * middles).sum())
    between = (whole * below / total - sums) ** 2 / np.maximum(below * (total - below), 1)
    return float(edges[1:-1][between.argmax()])


def quadrangle_around(outline: npt.NDArray[np.float64], filled: float) -> npt.NDArray[np.float64] | None:
    """Return the four corners of an area, the left upper first; ``None`` if it has others.

    Args:
        outline: Its convex outline, ``(n, 2)``.
        filled: How large it is.
    """
    corners = _four_of(outline)
    return corners if corners is not None and filled >= _FILLED * area_of(corners) else None


def _four_of(polygon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """Return the four corners that are left of a convex polygon's when the shortest edges go, from the left upper one.

    An edge goes where its neighbours, drawn out until they meet, add the least to the area.
    """
    points = polygon.tolist()
    while len(points) > SIDES:
        added: list[tuple[float, int, tuple[float, float]]] = []
        for index, (one, other) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
            before, after = points[index - 1], points[(index + 2) % len(points)]
            first, second = np.subtract(one, before), np.subtract(after, other)
            turn = first[0] * second[1] - first[1] * second[0]
            if turn > _PARALLEL * np.linalg.norm(first) * np.linalg.norm(second):  # else they do not meet beyond it
                x, y = crossing((*before, *one), (*other, *after))
                across = np.subtract(other, one)
                added.append((abs(across[0] * (y - one[1]) - across[1] * (x - one[0])), index, (x, y)))
        if not added:
            return None
        _, index, point = min(added)
        points[index] = point
        del points[(index + 1) % len(points)]
    corners = np.array(points)
    if len(corners) < SIDES:
        return None
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def area_of(corners: npt.NDArray[np.float64]) -> float:
    """Return the area of a polygon, by the formula of Gauss."""
    x, y = corners.T
    return float(0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def crossing(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, float]:
    """Return the point in which two lines through ``(x0, y0)`` and ``(x1, y1)`` cross."""
    (a, b, c, d), (e, f, g, h) = one, other
    first, second = np.array([c - a, d - b]), np.array([g - e, h - f])
    along = np.linalg.solve(np.stack([first, -second], axis=1), np.array([e - a, f - b]))
    x, y = np.array([a, b]) + along[0] * first
    return float(x), float(y)
