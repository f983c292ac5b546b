"""Whether the ink of a picture is lighter than its paper."""

from typing import Any, Final

import numpy as np
import scipy.ndimage
from PIL import Image

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import border_of, median, quantile, ring_of
from handwriting_cnn.imaging.strokes import Mask

_GLANCE: Final = 150  # pixels of a picture's shorter side that show which side the ink is on
_SKEWED: Final = 2.0  # standard deviations cubed: a smaller third moment may be a broad character's
_SYMMETRIC: Final = 0.5  # standard deviations cubed: so little is a sheet's, in which much else is than ink
_FINER: Final = 4  # times as fine a window sees strokes, and less of a shadow's edge
_EXTREMES: Final = (0.02, 0.98)  # the quantiles that are ink and paper
_ENDS: Final = 0.15  # of an edge: at its ends lie the walls of the edges beside it
_UNLIKE: Final = 0.08  # of the contrast, beyond its middle: so far the paper beside a wall lies
_CLEAR: Final = 0.85  # of what lies between: so much is paper beside a wall
_PALE_WALL: Final = 0.4  # of the contrast: a wall may be paler than the ink
_LEAST_PART: Final = 0.15  # of a border
_SPECK: Final = 5  # pixels of a border: less is no part of it
_THICKEST: Final = 0.08  # of the shorter side: a wall is no thicker
_LEANING: Final = 0.05  # of that side: so far a wall leans
_SOFT: Final = 2  # pixels of its edge
_BEHIND: Final = 0.8  # of the lines behind it, as many as half of the band has
_INSIDE: Final = 0.3  # of what walls surround: so much is paper like that beside them
_BAND: Final = 0.2  # of a picture's shorter side: more than a printed line along its edge takes
_SURROUNDINGS: Final = 4  # windows make that side, each filtered twice: a running mean is faster than a wide bell


def is_light_on_dark(grey: GreyImage, *, alone: bool, cut_out: bool = False) -> bool:
    """Return whether the ink is lighter than the paper.

    Ink covers less of the page than paper, so that its side has the longer tail, which is the third moment of a
    small copy's difference from its surroundings' mean, in which uneven light vanishes. Where a sheet has little ink
    and a shadow with clear edges, nearer surroundings tell. A single character may fill half of its picture; where the
    moment is small, the picture's border is paper, unless it falls into two parts, one dark and one bright: a shadow's
    edge, or a character that reaches two of the picture's. A box's walls may run along the picture's edges: the border
    is no paper if closely behind each edge, at once and not by and by, begins what is, goes on for more than a stroke,
    and takes much of what lies further inside, too.

    Args:
        grey: The picture.
        alone: Whether it shows one character.
        cut_out: Whether it shows a sheet alone, and nothing of what that lies on.
    """
    small = _glance(grey).astype(np.float32)
    skewness = _skewness(small, _SURROUNDINGS)
    if alone and abs(skewness) < _SKEWED and not _is_split(_darker_half(small)):
        return _is_dark_around(small)
    if cut_out and abs(skewness) < _SYMMETRIC:
        skewness = _skewness(small, _FINER * _SURROUNDINGS)
    return skewness > 0


def _skewness(small: Any, parts: int) -> float:
    """Return the third moment of the difference from the mean of surroundings, in standard deviations cubed."""
    window = max(min(small.shape) // parts, 3)
    detail = small - scipy.ndimage.uniform_filter(scipy.ndimage.uniform_filter(small, window), window)
    tail = detail - median(detail)
    squares = tail * tail
    second = float(np.mean(squares))
    return float(np.mean(squares * tail)) / second**1.5 if second else 0.0  # NumPy raises to a power slowly


def is_half_dark_around(grey: GreyImage) -> bool:
    """Return whether a picture's border falls into one dark part and one bright part."""
    return _is_split(_darker_half(_glance(grey)))


def _glance(grey: GreyImage) -> GreyImage:
    """Return a small copy, or the picture itself if it is small."""
    step = max(min(grey.shape) // _GLANCE, 1)
    return grey if step == 1 else np.asarray(Image.fromarray(grey).reduce(step))


def _darker_half(grey: Any) -> Mask:
    return np.asarray(grey < sum(_extremes(grey)) / 2)


def _extremes(grey: Any) -> tuple[float, float]:
    return quantile(grey, _EXTREMES[0]), quantile(grey, _EXTREMES[1])


def _is_split(dark: Mask) -> bool:
    border = ring_of(dark).astype(np.float32)
    around = scipy.ndimage.uniform_filter1d(border, _SPECK, mode="wrap") > 0.5
    changes = int((around != np.roll(around, 1)).sum())
    return changes == 2 and _LEAST_PART < around.mean() < 1 - _LEAST_PART


def _is_dark_around(grey: Any) -> bool:
    """Return whether most of a picture's border is dark; printed lines along its edges are none of it."""
    low, high = _extremes(grey)
    middle = (low + high) / 2
    outermost = bool((border_of(grey) < middle).mean() > 0.5)
    brighter = grey - middle if outermost else middle - grey  # or darker: what may be the paper beside walls
    side = min(grey.shape)
    depth, thickest, steepest = max(round(_BAND * side), 2), _THICKEST * side + _SOFT, _LEANING * side + _SOFT
    inside = brighter > 0
    for _ in range(4):  # the left edge, and by turning the picture each of the others
        end = int(_ENDS * len(brighter))
        band = brighter[end : len(brighter) - end, :depth]
        paper = np.median(band, axis=0).max()
        shares = (band >= paper - _PALE_WALL * (high - low)).mean(axis=0)
        wall, clear = int(np.argmax(shares > 1 - _CLEAR)), int(np.argmax(shares >= _CLEAR))
        behind = shares[clear : clear + depth // 2]
        walled = clear <= thickest and clear - wall <= steepest and behind.mean() >= _BEHIND
        if not walled or paper < _UNLIKE * (high - low):
            return outermost
        inside, brighter = np.rot90(inside[:, depth:]), np.rot90(brighter)
    return outermost != bool(inside.sum() > _INSIDE * inside.size)
