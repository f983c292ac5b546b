import numpy as np
import pytest
from PIL import Image, ImageDraw

from handwriting_cnn.imaging.strokes import stroke_width, with_stroke


def bar(width, degrees):
    image = Image.new("L", (800, 800))
    ImageDraw.Draw(image).line([(100, 400), (700, 400)], fill=255, width=width)
    return np.asarray(image.rotate(degrees)) > 127


@pytest.mark.parametrize("width", [3, 8, 20])
def test_the_width_of_bars_over_all_directions(width):
    # Cauchy's formula holds on average over directions: the mean of a 600-long bar is 600 w / (600 + w).
    measured = np.mean([stroke_width(bar(width, degrees)) for degrees in range(0, 180, 5)])
    assert measured == pytest.approx(600 * width / (600 + width), rel=0.05)


def test_no_stroke_has_no_width():
    assert stroke_width(np.zeros((9, 9), bool)) == 0


@pytest.mark.parametrize(("width", "wanted"), [(4, 10), (12, 6), (9, 9)])
def test_strokes_get_the_wanted_width(width, wanted):
    ink = np.zeros((60, 200), np.uint8)
    ink[20 : 20 + width, 20:180] = 255
    drawn = with_stroke(ink, width, wanted) > 127
    column = drawn[:, drawn.shape[1] // 2]
    assert column.sum() == pytest.approx(wanted, abs=1)


def test_a_stroke_that_would_vanish_keeps_its_middle():
    ink = np.zeros((30, 100), np.uint8)
    ink[10:20, 10:90] = 255
    ink[14:17, 90:98] = 255  # a thin one beside a thick one
    drawn = with_stroke(ink, 10, 4)
    assert (drawn[:, 20:80].max(axis=0) > 127).all()
    assert (drawn[:, 93:96].max(axis=0) > 127).all()


@pytest.mark.parametrize(("width", "wanted"), [(4, 8), (10, 6)])
def test_a_pale_stroke_beside_a_dark_one_stays_and_stays_pale(width, wanted):
    ink = np.zeros((60, 200), np.uint8)
    ink[10 : 10 + width, 20:180] = 255
    ink[40 : 40 + width, 20:180] = 90
    drawn = with_stroke(ink, width, wanted)
    middle = drawn[:, drawn.shape[1] // 2]
    upper, lower = np.array_split(middle, 2)
    assert upper.max() == 255
    assert lower.max() == 90
    assert (lower > 45).sum() == pytest.approx(wanted, abs=1)
