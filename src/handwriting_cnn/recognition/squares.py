"""From the ink of a found character to the network's square."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, box_of, preprocess
from handwriting_cnn.imaging.strokes import edge_blur, stroke_width, with_blur, with_stroke
from handwriting_cnn.types import ImageArray, ProbabilityArray

_INK: Final = 127
STROKES: Final = (0.6, 1.2)  # typical widths
_HALF_PIXEL: Final = 0.5
_FINE: Final = 64  # pixels of a character's longer side on which its strokes are drawn anew
_SHARPER: Final = 1.1  # times a character's own blur: up to this its edges are left as they are


def answers_to(
    inks: Sequence[GreyImage],
    spec: PreprocessSpec,
    rules: ReadingRules,
    ask: Callable[[ImageArray], ProbabilityArray],
    *,
    strokes: tuple[float, float] = STROKES,
) -> ProbabilityArray:
    """Return a network's answers to found characters.

    Broad strokes may be a broad pen's, which a network doubts that never saw such: they are drawn finer. Or they are
    those of a letter so small that by this its loops or what is pale in it would be lost. The network is asked about
    both, and the mean of its answers counts (benchmarks/pens.py): the surer one would be surer of scribbles, too.

    Args:
        inks: Each uint8 ``(height, width)``, bright ink on 0.
        spec: The model's preprocessing.
        rules: How its pictures look.
        ask: Returns calibrated probabilities of squares.
        strokes: See :func:`squares_of`.

    Returns:
        float32 ``(n, num_classes)``.
    """
    broad = np.array([_is_broad(ink, strokes[1] * rules.stroke) for ink in inks], np.bool_)
    as_found = squares_of(
        [ink for ink, both in zip(inks, broad, strict=True) if both], spec, rules, strokes=(strokes[0], np.inf)
    )
    answers = ask(np.concatenate([squares_of(inks, spec, rules, strokes=strokes), as_found]))
    finer = answers[: len(inks)].copy()
    finer[broad] = (finer[broad] + answers[len(inks) :]) / 2
    return finer


def squares_of(
    inks: Sequence[GreyImage], spec: PreprocessSpec, rules: ReadingRules, *, strokes: tuple[float, float] = STROKES
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
    made = [_blurred(preprocess(_redrawn(ink, rules.stroke, strokes), square), rules) for ink in inks]
    return np.array(made, np.uint8).reshape(-1, spec.height, spec.width, 1)


def _measured(ink: GreyImage) -> tuple[float, int]:
    """Return the width of a character's strokes, 0 where it has none, and its longer side, in pixels."""
    mask = ink > _INK
    height, width = ink[box_of(mask)].shape
    return stroke_width(mask, whole=True), max(height, width)


def _is_broad(ink: GreyImage, most: float) -> bool:
    """Return whether a character's strokes are wider than a share of its longer side."""
    width, longer = _measured(ink)
    return width - most * longer > _HALF_PIXEL


def _redrawn(ink: GreyImage, stroke: float, bounds: tuple[float, float]) -> GreyImage:
    """Return a character with strokes about as wide as a share of its longer side."""
    width, longer = _measured(ink)
    wanted = float(np.clip(width, bounds[0] * stroke * longer, bounds[1] * stroke * longer))
    if not width or abs(wanted - width) <= _HALF_PIXEL:
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
    stroke = max(stroke_width(level > _INK, whole=True), rules.stroke * rules.extent * max(level.shape))
    blur, wanted = edge_blur(level), rules.blur * stroke
    return with_blur(level, blur, wanted)[..., np.newaxis] if wanted > _SHARPER * blur > 0 else square
