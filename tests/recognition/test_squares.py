"""From a found character to the network's square."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.imaging.strokes import edge_blur, stroke_width
from handwriting_cnn.recognition.squares import answers_to, drawn_for, squares_of

SPEC = PreprocessSpec(height=48, width=48)


def ring(width):
    image = Image.new("L", (200, 200))
    ImageDraw.Draw(image).ellipse([20, 20, 180, 180], outline=255, width=width)
    return np.asarray(image)


def width_of(square):
    return stroke_width(square[..., 0] > 127, whole=True)


@pytest.mark.parametrize(("width", "share"), [(4, 0.06), (12, 0.075), (19, 0.119), (40, 0.12)])
def test_strokes_are_about_as_wide_as_in_the_pictures_learned_from(width, share):
    """From three fifths of their typical width to six fifths they stay as they are."""
    rules = ReadingRules(extent=0.8, stroke=0.1)
    drawn, *as_found = drawn_for(ring(width), rules)
    (square,) = squares_of([drawn], SPEC, rules)
    assert len(as_found) == (width > 19)
    assert width_of(square) == pytest.approx(share * 0.8 * 48, rel=0.15)


def test_a_network_is_asked_about_broad_strokes_both_ways_and_the_mean_counts():
    asked = []

    def ask(squares):
        """Answer with the strokes' widths, in pixels."""
        asked.append(np.array([width_of(square) for square in squares]))
        return np.stack([asked[-1], -asked[-1]], axis=1)

    answers = answers_to([ring(40), ring(19), ring(4)], SPEC, ReadingRules(extent=0.8, stroke=0.1), ask)
    (widths,) = asked
    np.testing.assert_allclose(widths, np.array([0.12, 0.25, 0.119, 0.06]) * 0.8 * 48, rtol=0.15)
    np.testing.assert_allclose(answers[:, 0], [widths[:2].mean(), widths[2], widths[3]])
    np.testing.assert_allclose(answers[:, 1], -answers[:, 0])


@pytest.mark.parametrize("share", [0.0, 0.15, 0.25])
@pytest.mark.parametrize("width", [10, 18])
def test_edges_are_as_blurred_as_those_of_strokes_of_that_width_or_of_typical_ones(width, share):
    sharp, square = (
        squares_of([ring(width)], SPEC, ReadingRules(extent=0.8, stroke=0.1, blur=blur))[0] for blur in (0.0, share)
    )
    assert square.max() == sharp.max()
    expected = max(edge_blur(sharp[..., 0]), share * max(width_of(sharp), 0.1 * 0.8 * 48))
    assert edge_blur(square[..., 0]) == pytest.approx(expected, rel=0.25)


def test_a_character_of_any_size_takes_the_extent_of_the_square():
    for side in (9, 40, 300):
        (square,) = squares_of([np.full((side, side // 3), 255, np.uint8)], SPEC, ReadingRules(extent=0.5))
        rows = np.flatnonzero((square[..., 0] > 127).any(axis=1))
        assert len(rows) == pytest.approx(24, abs=2)
