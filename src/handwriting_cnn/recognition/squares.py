"""From the ink of a found character to the network's square."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess
from handwriting_cnn.imaging.strokes import edge_blur, stroke_width, with_blur, with_stroke
from handwriting_cnn.types import ImageArray

_INK: Final = 127
_STROKES: Final = (0.6, 1.2)  # typical widths
_HALF_PIXEL: Final = 0.5
_FINE: Final = 64  # pixels of a character's longer side on which its strokes are drawn anew
_SHARPER: Final = 1.1  # times a character's own blur: up to this its edges are left as they are


def squares_of(
    inks: Sequence[GreyImage], spec: PreprocessSpec, rules: ReadingRules, *, strokes: tuple[float, float] = _STROKES
) -> ImageArray:
    """Return characters in the network's form, made like those that it learned from.

    Their size is that of the rules, strokes are about as wide, and edges at least as blurred: pictures of 8x8 pixels,
    enlarged, have none as sharp as a photograph's, and a network that never saw such doubts them.

    Args:
        inks: Each uint8 ``(height, width)``, bright ink on 0.
        spec: The model's preprocessing.
        rules: How its pictures look.
        strokes: Strokes narrower or wider than so many typical widths are drawn anew (benchmarks/pens.py).

    Returns:
        uint8 ``(n, height, width, 1)``.
    """
    square = replace(spec, polarity="light-on-dark", background="keep", crop=True, margin=(1 - rules.extent) / 2)
    return np.stack([_blurred(preprocess(_redrawn(ink, rules.stroke, strokes), square), rules) for ink in inks])


def _redrawn(ink: GreyImage, stroke: float, bounds: tuple[float, float]) -> GreyImage:
    """Return a character with strokes about as wide as a share of its longer side."""
    mask = np.pad(ink, 1) > _INK
    width = stroke_width(mask)
    if not width:
        return ink
    longer = int(np.ptp(np.argwhere(mask), axis=0).max() + 1)
    wanted = float(np.clip(width, bounds[0] * stroke * longer, bounds[1] * stroke * longer))
    if abs(wanted - width) <= _HALF_PIXEL:
        return ink
    enlarged = max(-(-_FINE // longer), 1)  # a small character's edge has steps that would be kept
    size = (ink.shape[1] * enlarged, ink.shape[0] * enlarged)
    fine = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    return with_stroke(fine, width * enlarged, wanted * enlarged)


def _blurred(square: ImageArray, rules: ReadingRules) -> ImageArray:
    """Return a character whose edges are about as blurred, or more, as those of strokes as wide as its own, or typical.

    A small letter learned from has strokes that are wide for its size, and enlarged its edges are blurred; of a pen
    much finer than those learned from, edges are still as blurred as a picture of few pixels makes them.
    """
    level = square[..., 0]
    stroke = max(stroke_width(np.pad(level, 1) > _INK), rules.stroke * rules.extent * max(level.shape))
    blur, wanted = edge_blur(level), rules.blur * stroke
    return with_blur(level, blur, wanted)[..., np.newaxis] if wanted > _SHARPER * blur > 0 else square
