"""Ink on photographed paper: coloured pens, uneven light, ruled and squared sheets."""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import median, quantile, reduced

_Density: TypeAlias = npt.NDArray[np.float32]

_FITTED: Final = 48  # pixels of the longer side that show how light falls, and a pen's colour
_COLOURED: Final = 0.97  # the quantile of a picture's colours that are the pen's, or a printed line's
_HUE: Final = 0.02  # density: less between two channels is grey
_ROUNDS: Final = 4
_SEARCHES: Final = 3
_PAPER: Final = 0.3  # the paper's least share of the picture: below it the fit would follow the ink
_SPREAD: Final = 1.4826  # makes a median absolute deviation a normal spread's standard deviation
_FLAT: Final = 1e-3  # density: a flat paper's spread is not taken for smaller
_FULLEST: Final = 0.97  # the share of pixels above which lies what surely is ink
_PLAIN: Final = 0.5  # the share of pixels below which lies what surely is paper, its rules among it
_GRAIN: Final = 0.003  # density: the camera's noise, which may have any colour
_RULE: Final = 0.3  # a printed line darkens at least 1 - 0.3 of a row or column; a letter hardly does
_NOISE: Final = 2.0  # standard deviations of the paper that are paper
_FAINT: Final = 0.15  # share of the full ink that is paper's in any case
_TOP: Final = 0.98  # the quantile of the ink that becomes 255
_ONE_LEVEL: Final = 5  # of 256 levels beside each other that are one to the eye
_EVEN: Final = 0.3  # of a picture: so much of one level is paper, evenly lit
_BLANK: Final = 0.02  # density: less than this is no ink


def extract_ink(photograph: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn a coloured photograph of writing on light paper into bright ink on 0.

    1. Density: ``-log10((value + 1) / 256)`` of each channel. By the law of Beer and Lambert inks add up in it, and
       uneven light is added to all of it, whatever the ink.
    2. Paper: a plane a channel, fitted by least squares to the pixels that are not denser than the paper's own spread
       (two standard deviations, from the median absolute deviation), at most four times over. What is left is ink and
       rules.
    3. Rules: a line printed across the whole sheet raises the density of most of its row or column. The 0.3 quantile of
       each row, then of each column, is taken away where it is positive: coarsely, to see the ink's colour c, the mean
       of the 3% of the pixels that stand out most from the half that stands out least (by Mahalanobis's distance, three
       times over).
    4. Colour: the densities of step 2 become one, in the combination that varies least over that half, rules and all,
       of those that leave c as it is: ``C^-1 c / (c^T C^-1 c)``, C the half's covariance (Capon, Proceedings of the
       IEEE 57, 1969). A yellow pen, hardly darker than paper to the eye, is dense in blue; from a pink one, bluish
       squares are told apart. Where ink and rules have one colour, step 3 again takes away what is left of the rules.
    5. Levels: from two standard deviations of the paper, and at least 0.15 and at most 0.5 of the way up, to the 0.98
       quantile becomes 0..255.

    Args:
        photograph: uint8 ``(height, width, 3)``, RGB.

    Returns:
        uint8 ``(height, width)``; all 0 where there is no ink.

    Raises:
        DataError: If the photograph has another type or shape, or no pixels.
    """
    if photograph.dtype != np.uint8 or photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.size == 0:
        raise DataError(
            f"a photograph must be uint8 of shape (height, width, 3), but is {photograph.dtype} of {photograph.shape}"
        )
    density = optical_density(photograph)
    density -= paper_density(density)
    ink = _without_rules(density @ _ink_weights(density))
    middle, spread = _middle_and_spread(ink)
    top = float(np.quantile(ink, _TOP))
    if top - middle < _BLANK:
        return np.zeros(ink.shape, np.uint8)
    low = np.clip(_NOISE * spread, _FAINT * (top - middle), 0.5 * (top - middle)) + middle
    return np.rint(np.clip((ink - low) / (top - low), 0, 1) * 255).astype(np.uint8)


def optical_density(picture: npt.NDArray[np.uint8]) -> _Density:
    """Return ``-log10((value + 1) / 256)`` of each value, step 1 of :func:`extract_ink`: float32 of the same shape."""
    return -np.log10((picture.astype(np.float32) + 1) / 256)


def light_of(density: Any) -> Any:
    """Return the values 0..255, not rounded, of which this is the :func:`optical_density`."""
    return np.clip(256 * 10**-density - 1, 0, 255)


def paper_density(density: _Density) -> Any:
    """Return the paper's density, step 2 of :func:`extract_ink`.

    Args:
        density: float32 ``(height, width, channels)``.

    Returns:
        A plane a channel, of the same shape.
    """
    height, width, channels = density.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones(x.size), x.ravel(), y.ravel()], axis=1).astype(np.float32)
    values = density.reshape(-1, channels)
    kept = np.ones((len(values), 1), bool)
    plane = np.zeros_like(values)
    for _ in range(_ROUNDS):
        weighted = (terms * kept).T
        plane = terms @ np.linalg.lstsq(weighted @ terms, weighted @ values, rcond=None)[0]  # the normal equations
        above = (values - plane).max(axis=1, keepdims=True)
        middle, spread = _middle_and_spread(above[kept])
        chosen = above < middle + 2 * max(spread, _FLAT)
        if chosen.mean() < _PAPER or (chosen == kept).all():
            break
        kept = chosen
    return plane.reshape(density.shape)


def paper_plane(grey: GreyImage) -> Any:
    """Return the :func:`paper_density` of a grey picture, fitted to a small copy: float32 of the picture's shape.

    Of a picture whose paper has one level, as a drawn picture's has, it is that level's: a plane might follow its ink.
    """
    counts = np.bincount(grey.ravel())
    even = np.flatnonzero(np.convolve(counts, np.ones(_ONE_LEVEL)) >= _EVEN * grey.size)
    if len(even):
        first = max(int(even[-1]) - _ONE_LEVEL + 1, 0)
        level = first + int(counts[first : even[-1] + 1].argmax())
        if level >= grey.mean():  # ink may have one level, too
            return np.full(grey.shape, optical_density(np.array(level, np.uint8)), np.float32)
    small, step = reduced(grey, _FITTED)
    return _extended(paper_density(optical_density(small)[:, :, np.newaxis]), step, grey.shape)[:, :, 0]


def pen_light(picture: npt.NDArray[np.uint8]) -> GreyImage | None:
    """Return how a picture would look in grey if its pen were black, its paper white and evenly lit.

    Steps 1 to 4 of :func:`extract_ink`, of which the paper's plane and the pen's colour are found on a small copy; what
    is left of the paper's density, its median, is taken away.

    Args:
        picture: uint8 ``(height, width, 3)``, dark on light.

    Returns:
        uint8 ``(height, width)``; ``None`` where hardly any pixel has a colour that is not the paper's.
    """
    small, step = reduced(picture, _FITTED)
    density = optical_density(small)
    paper = paper_density(density)
    density -= paper
    if quantile(np.ptp(density, axis=2), _COLOURED) < _HUE:
        return None
    ink = (optical_density(picture) - _extended(paper, step, picture.shape)) @ _ink_weights(density)
    ink = _without_rules(ink)
    return np.rint(light_of(np.maximum(ink - np.median(ink), 0))).astype(np.uint8)


def _extended(plane: Any, step: int, shape: tuple[int, ...]) -> Any:
    """Return planes of a copy ``(height, width, channels)`` that is ``step`` times smaller, as far as the original."""
    down, right = ((side[-1] - side[0]) / max(len(side) - 1, 1) for side in (plane[:, 0], plane[0]))
    y, x = ((np.arange(size, dtype=np.float32) + 0.5) / step - 0.5 for size in shape[:2])
    return plane[0, 0] + down * y[:, np.newaxis, np.newaxis] + right * x[:, np.newaxis]


def _without_rules(density: Any) -> Any:
    for axis in (1, 0):
        rank = int(_RULE * density.shape[axis])
        density = density - np.maximum(np.partition(density, rank, axis=axis).take([rank], axis=axis), 0)
    return density


def _ink_weights(density: _Density) -> Any:
    """Return what each channel counts for, steps 3 and 4 of :func:`extract_ink`: ``(3,)``."""
    values, ruled = _without_rules(density).reshape(-1, 3), density.reshape(-1, 3)
    standing_out = np.maximum(values, 0).sum(axis=1)
    for _ in range(_SEARCHES):
        paper = standing_out <= quantile(standing_out, _PLAIN)
        grain = ruled[paper] - ruled[paper].mean(axis=0)
        inverse = np.linalg.inv(grain.T @ grain / len(grain) + _GRAIN**2 * np.eye(3))
        above = values - np.median(values[paper], axis=0)
        standing_out = np.where(above.sum(axis=1) > 0, ((above @ inverse) * above).sum(axis=1), 0)
    colour = np.maximum(values[standing_out >= quantile(standing_out, _FULLEST)].mean(axis=0), 0)
    weights = inverse @ colour
    return weights * (np.linalg.norm(colour) / (float(colour @ weights) or 1.0))


def _middle_and_spread(values: Any) -> tuple[float, float]:
    middle = median(values)
    return middle, _SPREAD * median(np.abs(values - middle))
