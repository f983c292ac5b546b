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
    inks: Sequence[GreyImage], spec: PreprocessSpec, rules: ReadingRules, ask: Callable[[ImageArray], ProbabilityArray]
) -> ProbabilityArray:
    """Return a network's answers to found characters.

    Args:
        inks: Each uint8 ``(height, width)``, bright ink on 0.
        spec: The model's preprocessing.
        rules: How its pictures look.
        ask: Returns calibrated probabilities of squares. Of a character that is drawn in two ways the mean counts
            (benchmarks/pens.py): the surer answer would be surer of scribbles, too.

    Returns:
        float32 ``(n, num_classes)``.
    """
    drawn = [drawn_for(ink, rules) for ink in inks]
    answers = ask(squares_of([picture for ways in drawn for picture in ways], spec, rules))
    counts = np.array([len(ways) for ways in drawn], np.int64)
    sums: ProbabilityArray = np.add.reduceat(answers, np.cumsum(counts) - counts)
    return sums / counts.astype(np.float32)[:, np.newaxis]


def drawn_for(ink: GreyImage, rules: ReadingRules, *, strokes: tuple[float, float] = STROKES) -> tuple[GreyImage, ...]:
    """Return a character as a network is asked about it, with strokes about as wide as in what it learned from.

    Broad strokes may be a broad pen's, which a network doubts that never saw such. Or they are those of a letter so
    small that drawn finer its loops or what is pale in it would be lost: of these both are returned.

    Args:
        ink: uint8 ``(height, width)``, bright ink on 0.
        rules: How the model's pictures look.
        strokes: Strokes narrower or wider than so many typical widths are drawn anew (benchmarks/pens.py).

    Returns:
        The character with such strokes; and as it was found, if it had broader ones.
    """
    mask = ink > _INK
    width, longer = stroke_width(mask, whole=True), max(ink[box_of(mask)].shape)
    typical = rules.stroke * longer
    wanted = float(np.clip(width, strokes[0] * typical, strokes[1] * typical))
    if not width or abs(wanted - width) <= _HALF_PIXEL:
        return (ink,)
    enlarged = max(-(-_FINE // longer), 1)  # a small character's edge has steps that would be kept
    size = (ink.shape[1] * enlarged, ink.shape[0] * enlarged)
    fine = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    drawn = with_stroke(fine, width * enlarged, wanted * enlarged)
    return (drawn, ink) if wanted < width else (drawn,)


def squares_of(inks: Sequence[GreyImage], spec: PreprocessSpec, rules: ReadingRules) -> ImageArray:
    """Return characters in the network's form, made like those that it learned from.

    Their size is that of the rules, and edges are at least as blurred: pictures of 8x8 pixels, enlarged, have none as
    sharp as a photograph's, and a network that never saw such doubts them.

    Args:
        inks: Each uint8 ``(height, width)``, bright ink on 0.
        spec: The model's preprocessing.
        rules: How its pictures look.

    Returns:
        uint8 ``(n, height, width, 1)``.
    """
    square = replace(spec, polarity="light-on-dark", background="keep", crop=True, margin=(1 - rules.extent) / 2)
    made = [_blurred(preprocess(_on_paper(ink), square), rules) for ink in inks]
    return np.array(made, np.uint8).reshape(-1, spec.height, spec.width, 1)


def _on_paper(ink: GreyImage) -> GreyImage:
    """Return a character with paper around it: one that reached its picture's edges would be taken for paper there."""
    picture = np.zeros(np.add(ink.shape, 2), np.uint8)
    picture[1:-1, 1:-1] = ink
    return picture


def _blurred(square: ImageArray, rules: ReadingRules) -> ImageArray:
    """Return a character whose edges are about as blurred, or more, as those of strokes as wide as its own, or typical.

    A small letter learned from has strokes that are wide for its size, and enlarged its edges are blurred; of a pen
    much finer than those learned from, edges are still as blurred as a picture of few pixels makes them.
    """
    level = square[..., 0]
    stroke = max(stroke_width(level > _INK, whole=True), rules.stroke * rules.extent * max(level.shape))
    blur, wanted = edge_blur(level), rules.blur * stroke
    return with_blur(level, blur, wanted)[..., np.newaxis] if wanted > _SHARPER * blur > 0 else square
