"""A page as it is read: straightened, with the way back to the picture that was given."""

from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from handwriting_cnn.imaging.preprocessing import border_of
from handwriting_cnn.imaging.strokes import Mask
from handwriting_cnn.recognition.windows import places_of

Homography: TypeAlias = npt.NDArray[np.float64]
"""A projective map of the plane, ``(3, 3)``, of points ``(x, y, 1)``."""

_Plane = TypeVar("_Plane", npt.NDArray[np.uint8], npt.NDArray[np.float32])

_STEEPEST: Final = 12.0  # degrees
_STEP: Final = 0.5
_BETTER: Final = 1.1  # times: how much sharper than upright lines must become by turning
_STEEPER: Final = 0.01  # and so much more with each degree: few characters seem to lie in many a slanting line
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
    y, x = places_of(labels > 0)
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
    y, x = places_of(mask)
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
    return best if sharpness(best) > (_BETTER + _STEEPER * abs(best)) * sharpness(0.0) else 0.0


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
