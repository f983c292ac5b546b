"""The edge of a shadow across a picture of one character."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.special

from handwriting_cnn.imaging.ink import light_of, optical_density, paper_density
from handwriting_cnn.imaging.preprocessing import reduced, ring_of

_GLIMPSE: Final = 32  # pixels of a picture's longer side at most, that show a shadow
_SMALLEST: Final = 8  # pixels of the shorter side
_LEAST_PART: Final = 0.1  # of a border
_EXPLAINED: Final = 0.7  # of a border's variance, beyond what a plane explains
_TOLERANCE: Final = 0.02  # density: paper that is evenly lit differs by less from its plane
_PALEST: Final = 0.05  # density: a paler shadow needs no mending
_BETTER: Final = 0.5  # times the paper's deviation without a shadow: with one it is smaller
_BRIGHTER: Final = 0.02  # of a picture: ink is darker than the paper, what is brighter is a sign of another edge
_START: Final = -3.0  # the logarithm of an edge's softness, in parts of the longer side
_SOFTNESS: Final = (-6.0, -1.5)
_ENOUGH: Final = 1e-3  # of what is made least: a step that gains less is the last
_ATTEMPTS: Final = 40
_STRIP: Final = 256  # rows: of a large picture all at once would take much memory


def without_shadow(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Light a picture of one character evenly across whose paper a shadow's edge runs from edge to edge.

    By the law of Beer and Lambert a shadow adds to the paper's density. Where the border shows that it falls into a
    dark part and a bright one, the paper's density is taken for a plane plus ``k / (1 + exp(-d / w))``, ``d`` the
    distance from a line that may bend; all is fitted by least squares that outliers, the ink, hardly sway.

    Args:
        picture: uint8 ``(height, width)`` or RGB ``(height, width, 3)``.

    Returns:
        uint8 of the same shape; the picture itself where there is no such shadow.
    """
    small = reduced(picture, _GLIMPSE)[0]
    if min(small.shape[:2]) < _SMALLEST:
        return picture
    density = optical_density(small).reshape(*small.shape[:2], -1)
    grey = density.mean(axis=2)
    around = np.sort(ring_of(grey))
    end = int(_LEAST_PART * len(around))
    if around[-1 - end] - around[end] < _PALEST:
        return picture
    values, places = grey.ravel(), _places(grey.shape)
    planes = np.stack([np.ones(len(values)), *places], axis=1)
    line = _line(values, places, planes, grey.shape)
    if line is None:
        return picture
    before = np.median(np.abs(values - paper_density(grey[:, :, np.newaxis]).ravel()))
    if before < _TOLERANCE:
        return picture
    start = np.linalg.lstsq(np.column_stack([planes, _covered(places, line)]), values, rcond=None)[0]
    fit = scipy.optimize.least_squares(
        lambda found: planes @ found[:3] + found[3] * _covered(places, found[4:]) - values,
        np.concatenate([start, line]),
        jac=lambda found: np.column_stack([planes, _derivatives(places, found[3:])]),
        x_scale="jac",
        loss="soft_l1",
        f_scale=_TOLERANCE,
        ftol=_ENOUGH,
        max_nfev=_ATTEMPTS,
    )
    left, brighter = np.abs(fit.fun), (fit.fun > 2 * _TOLERANCE).mean()
    if abs(fit.x[3]) < _PALEST or np.median(left) > _BETTER * before or brighter > _BRIGHTER:
        return picture
    paper = left < np.maximum(2 * np.median(left), _TOLERANCE)
    terms = np.column_stack([planes, _covered(places, fit.x[4:])])[paper]
    depth = np.linalg.lstsq(terms, density.reshape(len(values), -1)[paper], rcond=None)[0][3]
    bright = depth < 0  # of what was fitted: the other side is brought to the bright one's light
    lit = np.empty_like(picture)
    for top in range(0, len(picture), _STRIP):
        strip = picture[top : top + _STRIP]
        covered = _covered(_places(picture.shape[:2], top, top + _STRIP), fit.x[4:])[:, np.newaxis]
        missing = (depth * (covered - bright)).reshape(strip.shape)
        lit[top : top + _STRIP] = np.rint(light_of(optical_density(strip) - missing))
    return lit


def _line(values: Any, places: Any, planes: Any, shape: tuple[int, ...]) -> Any:
    """Return the edge between a dark and a bright part of the border: angle, distance, softness and bend; or ``None``.

    Of all pairs of places along the border those that leave the least squares when the density between them is one step
    above a plane.
    """
    border = ring_of(np.arange(len(values)).reshape(shape))
    basis = np.linalg.qr(planes[border])[0]
    rest = values[border] - basis @ (basis.T @ values[border])
    sums, shadows = (np.concatenate([part[:1] * 0, np.cumsum(part, axis=0)]) for part in (rest, basis))
    begin, end = np.triu_indices(len(border), k=int(_LEAST_PART * len(border)))
    squares = (end - begin) - ((shadows[end] - shadows[begin]) ** 2).sum(axis=1)
    gains = (sums[end] - sums[begin]) ** 2 / np.maximum(squares, 1)
    best = int(np.argmax(np.where(end - begin <= (1 - _LEAST_PART) * len(border), gains, 0)))
    if gains[best] < _EXPLAINED * float(rest @ rest):
        return None
    (x0, x1), (y0, y1) = places[:, border[[begin[best], end[best]]]]
    angle = np.arctan2(x0 - x1, y1 - y0)
    return np.array([angle, x0 * np.cos(angle) + y0 * np.sin(angle), _START, 0.0])


def _places(shape: tuple[int, ...], top: int = 0, bottom: int | None = None) -> Any:
    """Return x and y, in parts of the longer side from the middle, of the pixels of some rows: ``(2, pixels)``."""
    height, width = shape
    y, x = np.mgrid[top : min(height, bottom or height), :width]
    return np.stack([x.ravel() + 0.5 - width / 2, y.ravel() + 0.5 - height / 2]) / max(shape)


def _covered(places: Any, edge: Any) -> Any:
    """Return how much of a shadow lies on each place, 0..1."""
    return scipy.special.expit(_within(places, edge) / np.exp(np.clip(edge[2], *_SOFTNESS)))


def _within(places: Any, edge: Any) -> Any:
    """Return how far within the shadow each place lies."""
    angle, distance, _, bend = edge
    along = places[1] * np.cos(angle) - places[0] * np.sin(angle)
    return places[0] * np.cos(angle) + places[1] * np.sin(angle) - distance + bend * along**2


def _derivatives(places: Any, shadow: Any) -> Any:
    """Return those of a shadow's density by its depth, angle, distance, softness and bend: ``(pixels, 5)``."""
    depth, (angle, _, softness, bend) = shadow[0], shadow[1:]
    across = places[0] * np.cos(angle) + places[1] * np.sin(angle)
    along = places[1] * np.cos(angle) - places[0] * np.sin(angle)
    width = np.exp(np.clip(softness, *_SOFTNESS))
    within, covered = _within(places, shadow[1:]), _covered(places, shadow[1:])
    slope = depth * covered * (1 - covered) / width
    moves = _SOFTNESS[0] < softness < _SOFTNESS[1]
    return np.stack(
        [covered, slope * along * (1 - 2 * bend * across), -slope, -slope * within * moves, slope * along**2], axis=1
    )
