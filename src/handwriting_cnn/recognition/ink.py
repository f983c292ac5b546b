"""Where the ink is on a page, whatever the light."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.ndimage
from PIL import Image

from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.strokes import Mask, stroke_width
from handwriting_cnn.recognition.windows import grown, in_blocks, places_of

Levels: TypeAlias = npt.NDArray[np.float32]
"""How much darker than the paper around it each pixel is: float32 ``(height, width)``, 0 paper, 1 black."""

_WINDOW: Final = 24  # the picture's shorter side is so many windows
_SMALLEST_WINDOW: Final = 15
_WIDEST_STROKE: Final = 0.4  # of the window: a wider one would be taken for paper
_OUTLINED: Final = 0.7  # of a stroke's edge: so much of it every window shows
_FULLER: Final = 1.3  # times its ink: a stroke with so much is filled
_FILLED: Final = 0.4  # of a picture's outlines: so many are filled where the window before was too narrow
_COARSE: Final = 12  # pixels of a window on the copy on which the light is found
_COARSEST: Final = 7  # on that on which its window is found
_AS_DARK: Final = 0.75  # of its outline's: so dark is the middle of a stroke
_DARKEST: Final = 0.9  # the quantile of outlines that is their level
_EDGE: Final = 2  # pixels of that copy: an outline is no broader
_MOST: Final = 60_000  # pieces of ink
_LARGE: Final = 200_000  # pixels: of a larger picture a sample shows its spread
_SAMPLED: Final = 3
_SMOOTHING: Final = 0.8  # pixels: less than a stroke
_THIN: Final = 4.0  # pixels: thinner strokes, and the gaps between them, would be lost in it
_LESS_SMOOTHING: Final = 0.5
_DARKEST_PAPER: Final = 24.0  # grey levels
_SPREAD: Final = 1.4826  # makes a median absolute deviation a normal spread's standard deviation
_LEAST_SPREAD: Final = 0.008
_NOISE: Final = 5.0  # standard deviations of the paper
_FAINTEST: Final = 0.06
_STRONG: Final = 0.5  # of the ink's own level
WEAK: Final = 0.3  # of that level, if it hangs together with what is strong
PALEST: Final = 0.12  # of that level: so pale may a stroke end


@dataclass(frozen=True, kw_only=True, eq=False)
class Ink:
    """The ink of a page.

    Attributes:
        levels: How dark each pixel is.
        mask: Which pixels are ink.
        pale: Which pixels a pale end of a stroke may reach, too: they have an eighth of the ink's own level.
        faint: Which pixels are darker than the paper's noise: pale printed lines, too.
        stroke: The typical width of a stroke in pixels; 0 where there is no ink.
    """

    levels: Levels
    mask: Mask
    pale: Mask
    faint: Mask
    stroke: float

    @cached_property
    def pieces(self) -> tuple[Any, Any, Any]:
        """The mask's :func:`components`."""
        return components(self.mask)


def find_ink(grey: GreyImage, *, strong: float = _STRONG) -> Ink:
    """Find what is darker than its paper.

    The paper's light is the picture closed (Serra, 1982: the minimum of the maximum) over a window wider than a stroke:
    it follows gradients and the edge of a shadow, and passes over strokes. Levels are the share of that light that is
    missing.

    Args:
        grey: The picture, uint8, dark on light.
        strong: The share, 0..1, of the ink's own level that each piece of ink reaches somewhere.
    """
    picture = grey.astype(np.float32)
    smooth = _smoothed(picture)
    light = _light(smooth, _window(picture))
    ink = ink_of(_darkness(smooth, light), strong)
    return ink_of(_darkness(_smoothed(picture, _LESS_SMOOTHING), light), strong) if ink.stroke < _THIN else ink


def darkness(grey: GreyImage, window: int) -> Levels:
    """Return how dark each pixel is, of whose paper's light a window tells that is wider than a stroke."""
    smooth = _smoothed(grey.astype(np.float32))
    return _darkness(smooth, _light(smooth, window))


def ink_of(levels: Levels, strong: float = _STRONG) -> Ink:
    """Return the ink of a page of which it is known how dark each pixel is; see :func:`find_ink`."""
    mask, pale, faint = _masks(levels, strong)
    return Ink(levels=levels, mask=mask, pale=pale, faint=faint, stroke=stroke_width(mask))


def _window(picture: Any) -> int:
    """Return a window wider than the picture's strokes: a narrower one would take the middle of a stroke for paper.

    Wider windows are tried on a copy of a fraction of the size, and the last that fills outlines is taken.
    """
    window = max(min(picture.shape) // _WINDOW, _SMALLEST_WINDOW)
    step = max(min(window // _COARSEST, *picture.shape), 1)
    height, width = (size // step * step for size in picture.shape)
    small = _smoothed(in_blocks(picture[:height, :width], step, np.add) / step**2)
    chosen = window = window // step
    outlines = mask = wider = _masks(_darkness(small, _light(small, window)))[0]
    while outlines.any() and 2 * window < min(small.shape):
        narrow = stroke_width(wider) <= _WIDEST_STROKE * window
        window *= 2
        levels = _darkness(small, _light(small, window))
        wider = _masks(levels)[0]
        if not wider.any():
            break  # the light of all of a page tells of no ink where it falls off
        if not narrow or _filled(outlines, mask, wider, levels) >= _FILLED:
            chosen, mask = window, wider
    return chosen * step


def _filled(outlines: Mask, mask: Mask, wider: Mask, levels: Levels) -> float:
    """Return the share of outlines that belong to strokes of which a wider window shows more ink beside them.

    Beside them, and nearly as dark, since a shadow that falls across a printed grid makes one stroke with it.

    Args:
        outlines: The ink by the narrowest window, which shows the edges of a stroke however broad it is, and none of a
            shadow.
        mask: The ink as it is known.
        wider: The ink by the wider window.
        levels: By that window.
    """
    labels, count = scipy.ndimage.label(wider, np.ones((3, 3)))

    def pixels(of: Mask) -> Any:
        return np.bincount(labels[of], minlength=count + 1)[1:]

    edge = wider & ~scipy.ndimage.binary_erosion(wider)
    outlined = pixels(edge & outlines) >= _OUTLINED * pixels(edge)
    fuller = outlined & (pixels(wider) > _FULLER * pixels(mask))
    dark = levels >= _AS_DARK * np.quantile(levels[outlines], _DARKEST)
    beside = outlines & grown(wider & ~mask & dark, _EDGE)
    return float(pixels(beside)[fuller].sum() / outlines.sum())


def _masks(levels: Levels, strong: float = _STRONG) -> tuple[Mask, Mask, Mask]:
    """Return the ink that hangs together with what is dark, what is as pale as a stroke's end, and all but noise."""
    sample = levels[::_SAMPLED, ::_SAMPLED] if levels.size > _LARGE else levels
    middle = float(np.median(sample))
    spread = max(_SPREAD * float(np.median(np.abs(sample - middle))), _LEAST_SPREAD)
    floor = middle + max(_NOISE * spread, _FAINTEST)
    above = sample[sample > floor]
    if above.size == 0:
        none = np.zeros(levels.shape, np.bool_)
        return none, none, none
    full = float(np.quantile(above, 0.9)) - middle
    weak, strongest = levels > max(floor, middle + WEAK * full), max(floor, middle + strong * full)
    labels, count = scipy.ndimage.label(weak, np.ones((3, 3)), output=np.int32)
    inked = np.flatnonzero(weak)  # few of a page's pixels
    piece = labels.ravel()[inked]
    kept = np.zeros(count + 1, np.bool_)
    kept[piece[levels.ravel()[inked] > strongest]] = True
    np.put(weak, inked, kept[piece])
    return weak, levels > max(floor, middle + PALEST * full), levels > floor


def _smoothed(picture: Any, by: float = _SMOOTHING) -> Any:
    return scipy.ndimage.gaussian_filter(picture, by)


def _darkness(smooth: Any, light: Any) -> Levels:
    return np.clip((light - smooth) / light, 0, 1).astype(np.float32)


def _light(smooth: Any, window: int) -> Any:
    """Return the paper's light, which is smooth, and therefore found on a copy of a fraction of the size."""
    step = max(window // _COARSE, 1)
    brightest = in_blocks(smooth, step, np.maximum)
    light = np.maximum(scipy.ndimage.gaussian_filter(_closed(brightest), 1), _DARKEST_PAPER)
    box = (0, 0, smooth.shape[1] / step, smooth.shape[0] / step)
    return np.asarray(Image.fromarray(light).resize(smooth.shape[::-1], Image.Resampling.BILINEAR, box))


def _closed(brightest: Any) -> Any:
    """Return the light: where the picture's edge cuts the window, it goes on as it came."""
    closed, half = scipy.ndimage.grey_closing(brightest, (_COARSE, _COARSE)), _COARSE // 2
    if min(closed.shape) <= 4 * half:
        return closed
    beyond = np.pad(closed[half:-half, half:-half], half, mode="reflect", reflect_type="odd")
    return np.minimum(closed, np.maximum(beyond, brightest))


def median_by_ink(sizes: Any, areas: Any) -> float:
    """Return the size of pieces such that half of all ink lies in smaller ones."""
    order = np.argsort(sizes)
    reached = np.cumsum(areas[order])
    return float(sizes[order][np.searchsorted(reached, reached[-1] / 2)])


def hulls_of(owner: Any, boxes: Any) -> tuple[Any, Any, Any]:
    """Return the pieces that have an owner, which of the owners each has, and the box around each owner's pieces."""
    pieces = np.flatnonzero(owner >= 0)
    names, place = np.unique(owner[pieces], return_inverse=True)
    hulls = np.zeros((len(names), 4), np.int64)
    hulls[place] = boxes[pieces]
    np.minimum.at(hulls[:, :2], place, boxes[pieces, :2])
    np.maximum.at(hulls[:, 2:], place, boxes[pieces, 2:])
    return pieces, place, hulls


def components(mask: Mask) -> tuple[Any, Any, Any]:
    """Return connected ink: each pixel's piece, from 1, and the pieces' boxes ``(n, 4)`` and numbers of pixels.

    There are none where they would be more than 60,000, as in a screened picture, for which it takes seconds.
    """
    labels, count = scipy.ndimage.label(mask, np.ones((3, 3)), output=np.int32)
    if count > _MOST:
        labels, count = np.zeros_like(labels), 0
    y, x = places_of(mask if count else labels > 0)  # few of a page's pixels: boxes_of looks at all
    piece = labels[y, x] - 1
    boxes = np.tile(np.array([*mask.shape[::-1], 0, 0]), (count, 1))
    for column, places in enumerate((x, y)):
        np.minimum.at(boxes[:, column], piece, places)
        np.maximum.at(boxes[:, column + 2], piece, places + 1)
    return labels, boxes, np.bincount(piece, minlength=count)


def boxes_of(areas: Any) -> Any:
    """Return the boxes of areas, ``(n, 4)``, of which each pixel has the number, from 1; 0 is none."""
    places: Any = scipy.ndimage.find_objects(areas)
    return np.array([(p[1].start, p[0].start, p[1].stop, p[0].stop) for p in places], np.int64).reshape(-1, 4)


def sizes_of(boxes: Any) -> Any:
    """Return the width and height of boxes: ``(n, 2)``."""
    return np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]], axis=1)


def at_edge(boxes: Any, shape: tuple[int, ...], *, margin: int = 0) -> Any:
    """Return which boxes touch an edge of a picture of a shape, or come as near as a margin: ``(n,)``."""
    return (boxes[:, :2] <= margin).any(axis=1) | (boxes[:, 2:] >= np.subtract(shape[1::-1], margin)).any(axis=1)
