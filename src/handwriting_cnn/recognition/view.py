"""A page as it is read: straightened, with the way back to the picture that was given."""

from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.ndimage
from PIL import Image

from handwriting_cnn.imaging.preprocessing import border_of
from handwriting_cnn.imaging.strokes import Mask

Homography: TypeAlias = npt.NDArray[np.float64]
"""A projective map of the plane, ``(3, 3)``, of points ``(x, y, 1)``."""

_Plane = TypeVar("_Plane", npt.NDArray[np.uint8], npt.NDArray[np.float32])

_SMALL: Final = 300  # pixels of the shorter side on which the sheet is looked for
_WRITING: Final = 0.06  # of that side: closing over so much leaves none
_EDGE: Final = 0.04  # of the logarithm of brightness, a pixel: a steeper change is an edge
_DARK: Final = 16  # of 255: below it darkness is one
_UNLIKE: Final = 0.08  # of the logarithm of brightness: the table and the sheet differ by more
_SUPPORT: Final = 0.45  # of an edge's length
_OUTER: Final = 0.4  # of the picture: no edge lies further inside
_ALONE: Final = 0.2  # of the picture: further inside a single edge may be a shadow's, or a printed area's
_CORNERS: Final = 3  # edges: with so many, one of them may lie as far inside as it likes
_LEANING: Final = 0.2  # of the other side: no edge leans more
_INWARD: Final = 2.0  # pixels of the copy: the edge itself is not the sheet's, and is found to a pixel
_ROWS: Final = 300  # of the copy at most: the support of an edge is seen in so many
_STRIP: Final = 3  # pixels of the copy that a strip beside the sheet has at least
_LEAST: Final = 0.2  # of the picture: a smaller sheet is none
_STEEPEST: Final = 12.0  # degrees
_STEP: Final = 0.5
_BETTER: Final = 1.1  # times: how much sharper than upright lines must become by turning
_POINTS: Final = 20_000


def source_boxes(
    to_source: Homography, labels: npt.NDArray[np.int32], boxes: npt.NDArray[np.int64], size: tuple[int, ...]
) -> npt.NDArray[np.int64]:
    """Return the upright boxes around characters in a view's source.

    Args:
        to_source: The way back.
        labels: Each of the view's pixels' character, from 1; 0 is none.
        boxes: Their boxes in the view, ``(n, 4)``.
        size: The source's ``(height, width)``.
    """
    if np.array_equal(to_source, np.eye(3)):
        return boxes
    y, x = np.nonzero(labels)
    points = to_source @ np.stack([x + 0.5, y + 0.5, np.ones(len(x))])
    corners, number = (points[:2] / points[2]).T, labels[y, x] - 1
    found = np.tile([np.inf, np.inf, -np.inf, -np.inf], (len(boxes), 1))
    np.minimum.at(found[:, :2], number, corners)  # of the ink itself: the box around a turned box is larger
    np.maximum.at(found[:, 2:], number, corners)
    found[:, 2:] += 1
    return np.clip(np.floor(found), 0, [size[1], size[0], size[1], size[0]]).astype(np.int64)


def seen(source: _Plane, to_source: Homography, size: tuple[int, ...]) -> _Plane:
    """Return what a projective map makes of a picture, or of ink's levels.

    Outside of a picture is its border's median, outside of levels paper, 0.

    Args:
        source: uint8 or float32 ``(height, width)``.
        to_source: The map of the result's places to the source's.
        size: The result's ``(height, width)``.
    """
    if np.allclose(to_source, np.eye(3)) and source.shape == size:
        return source
    margin = 2
    padded = np.pad(source, margin, mode="edge")
    shifted = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1]]) @ to_source
    # Pillow takes the centre of the first pixel to be (0.5, 0.5) on both sides, as the boxes' edges are.
    coefficients = (shifted / shifted[2, 2]).ravel()[:8]
    fill = int(np.median(border_of(source))) if source.dtype == np.uint8 else 0
    warp = Image.Transform.PERSPECTIVE
    view = Image.fromarray(padded).transform(
        (size[1], size[0]), warp, tuple(coefficients), Image.Resampling.BICUBIC, fillcolor=fill
    )
    return np.asarray(view)


def sheet_corners(source: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
    """Find a sheet of paper that lies on something else by its straight edges.

    On a small copy, closed so that neither writing nor printed lines are left, an edge is a straight line from one side
    of the picture to the other along most of which the brightness of a channel changes steeply. The penumbra of a
    shadow is not steep. A side of the sheet that is not found is taken to be the picture's own.

    Args:
        source: uint8 ``(height, width)`` or, which finds more, ``(height, width, 3)``.

    Returns:
        Its corners ``(4, 2)`` as x and y: left upper, right upper, right lower, left lower; or ``None`` if no edge is
        found. A single one far from the picture's own is none, unless two others are found.
    """
    step = min(source.shape[:2]) // _SMALL
    if not step:  # the strokes of few large letters would be edges
        return None
    small = np.atleast_3d(np.asarray(Image.fromarray(source).reduce(step), np.float32))
    height, width, _ = small.shape
    sides = _edges(small)
    if not any(sides):
        return None
    if not all(sides):  # a strip of the table that is narrower than the window needs darkness beyond the picture
        sides = [found or beyond for found, beyond in zip(sides, _edges(small, beyond=0), strict=True)]
    light = np.log(np.maximum(small, _DARK))
    turned = (light, light[:, ::-1], light.swapaxes(0, 1), light[::-1].swapaxes(0, 1))
    sides = [found if found and _differs(view, *found) else None for found, view in zip(sides, turned, strict=True)]
    across = (width, width, height, height)
    seen_sides = [index for index, found in enumerate(sides) if found]
    deep = [index for index in seen_sides if max(sides[index] or (0,)) > _ALONE * across[index]]
    if len(deep) == 1 and len(seen_sides) < _CORNERS:
        sides[deep[0]] = None
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
    corners = np.array([_crossing(lines[one], lines[other]) for one, other in pairs])
    area = 0.5 * abs(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - corners[:, 1] * np.roll(corners[:, 0], -1)))
    return corners * step if area > _LEAST * height * width else None


def _differs(light: npt.NDArray[np.float32], begin: float, end: float) -> bool:
    """Return whether what lies left of an edge has another brightness, of which ``light`` is the logarithm."""
    height, width, _ = light.shape
    edge = np.linspace(begin, end, height)[:, np.newaxis]
    away = np.arange(width) - edge + _INWARD
    outside, inside = (away < -1), (away > 1) & (away < np.maximum(edge, _STRIP) + 1)
    if not (outside.any() and inside.any()):
        return False
    step = np.median(light[outside], axis=0) - np.median(light[inside], axis=0)
    return bool((np.abs(step) > _UNLIKE).any())


def _edges(small: npt.NDArray[np.float32], *, beyond: float | None = None) -> list[tuple[float, float] | None]:
    """Return where the left, right, upper and lower edges begin and end.

    Args:
        small: The copy.
        beyond: Brightness beyond the picture; ``None`` goes on with its border, of which no edge comes.
    """
    height, width, _ = small.shape
    window = max(int(_WRITING * min(height, width)), 3)
    mode, level = ("nearest", 0.0) if beyond is None else ("constant", beyond)
    closed = scipy.ndimage.grey_closing(small, (window, window, 1), mode=mode, cval=level)
    light = np.log(np.maximum(closed, _DARK))
    across, down = (
        (np.abs(scipy.ndimage.gaussian_filter(light, (1, 1, 0), order=order)) > _EDGE).any(axis=2)
        for order in ((0, 1, 0), (1, 0, 0))
    )
    first = 1 if beyond is None else _STRIP
    turned = ((across, width, height), (across[:, ::-1], width, height), (down.T, height, width))
    return [_edge(*sight, first=first) for sight in (*turned, (down[::-1].T, height, width))]


def _edge(steep: Mask, width: int, height: int, *, first: int) -> tuple[float, float] | None:
    """Return where an edge near the left side begins and ends, or ``None``.

    Args:
        steep: Where the brightness of a channel changes to the right, ``(height, width)``.
        width: Pixels across.
        height: Pixels along.
        first: The edge begins no nearer to the side.
    """
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
    return begin + _INWARD, begin + float(leans[best[1]]) + _INWARD


def _crossing(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, float]:
    """Return the point in which two lines through ``(x0, y0)`` and ``(x1, y1)`` cross."""
    (a, b, c, d), (e, f, g, h) = one, other
    first, second = np.array([c - a, d - b]), np.array([g - e, h - f])
    along = np.linalg.solve(np.stack([first, -second], axis=1), np.array([e - a, f - b]))
    x, y = np.array([a, b]) + along[0] * first
    return float(x), float(y)


def rectifying(corners: npt.NDArray[np.float64]) -> tuple[Homography, tuple[int, int]]:
    """Return the map from an upright sheet to the one with these corners, and the sheet's ``(height, width)``."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(upright, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows), corners.ravel())
    return np.append(solved, 1.0).reshape(3, 3), (height, width)


def slope(mask: Mask) -> float:
    """Return by how many degrees lines of ink fall to the right, 0 where turning makes them no sharper.

    The sharpness of an angle is the sum of squares of the ink's histogram across it (Postl, 1986): ink that lies in
    lines falls into few bins. Where the lines run is found by either direction: a grid has two.
    """
    y, x = np.nonzero(mask)
    if len(y) < 50:
        return 0.0
    chosen = np.linspace(0, len(y) - 1, min(len(y), _POINTS)).astype(np.int64)
    x, y = x[chosen] - mask.shape[1] / 2, y[chosen] - mask.shape[0] / 2
    bin_size = max(min(mask.shape) / 600, 1.0)

    def sharpness(degrees: float) -> float:
        angle = np.deg2rad(degrees)
        across = y * np.cos(angle) - x * np.sin(angle)
        bins = np.rint((across - across.min()) / bin_size).astype(np.int64)
        return float(np.sum(np.bincount(bins).astype(np.float64) ** 2))

    coarse = np.arange(-_STEEPEST, _STEEPEST + _STEP, _STEP)
    best = float(coarse[int(np.argmax([sharpness(degrees) for degrees in coarse]))])
    fine = best + np.arange(-_STEP, _STEP + 0.05, 0.1)
    best = float(fine[int(np.argmax([sharpness(degrees) for degrees in fine]))])
    return best if sharpness(best) > _BETTER * sharpness(0.0) else 0.0


def turning(degrees: float, size: tuple[int, int]) -> tuple[Homography, tuple[int, int]]:
    """Return the map from a view with level lines to one whose lines fall by an angle, and the level view's size."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    height, width = size
    new_width = int(np.ceil(width * abs(cosine) + height * abs(sine)))
    new_height = int(np.ceil(height * abs(cosine) + width * abs(sine)))
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    centre = np.array([[1, 0, -new_width / 2], [0, 1, -new_height / 2], [0, 0, 1]])
    back = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    return back @ turn @ centre, (new_height, new_width)
