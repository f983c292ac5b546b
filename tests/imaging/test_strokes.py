import numpy as np
import pytest
import scipy.special
from PIL import Image, ImageDraw

from handwriting_cnn.imaging.strokes import edge_blur, stroke_width, with_blur, with_stroke


def bar(width, degrees):
    image = Image.new("L", (800, 800))
    ImageDraw.Draw(image).line([(100, 400), (700, 400)], fill=255, width=width)
    return np.asarray(image.rotate(degrees)) > 127


@pytest.mark.parametrize("width", [3, 8, 20])
def test_the_width_of_bars_over_all_directions(width):
    # Cauchy's formula holds on average over directions: the mean of a 600-long bar is 600 w / (600 + w).
    measured = np.mean([stroke_width(bar(width, degrees)) for degrees in range(0, 180, 5)])
    assert measured == pytest.approx(600 * width / (600 + width), rel=0.05)


def test_a_picture_cut_to_a_stroke_cuts_it_unless_it_is_whole():
    cut = np.ones((6, 300), bool)
    assert stroke_width(cut) == 0
    assert stroke_width(cut, whole=True) == stroke_width(np.pad(cut, 1)) == pytest.approx(6 / (np.pi / 4), rel=0.03)


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


def ramp(deviation, *, degrees=0):
    """Return the edge of a broad stroke as a Gaussian of a deviation blurs it: the integral of the bell curve."""
    y, x = np.mgrid[-60:60, -60:60]
    away = x * np.cos(np.deg2rad(degrees)) + y * np.sin(np.deg2rad(degrees))
    bar = scipy.special.ndtr((away + 30) / deviation) - scipy.special.ndtr((away - 30) / deviation)
    return np.rint(255 * bar).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 20, 45])
@pytest.mark.parametrize("deviation", [1, 2, 4])
def test_the_blur_of_an_edge_is_the_deviation_of_its_bell_curve(deviation, degrees):
    assert edge_blur(ramp(deviation, degrees=degrees)) == pytest.approx(deviation, rel=0.2)


def test_no_ink_has_no_blur():
    assert edge_blur(np.zeros((9, 9), np.uint8)) == 0
    assert edge_blur(np.full((9, 9), 6, np.uint8)) == 0


@pytest.mark.parametrize("wanted", [2, 3, 5])
def test_edges_get_the_wanted_blur_and_keep_their_level(wanted):
    blurred = with_blur(ramp(1), 1, wanted)
    assert edge_blur(blurred) == pytest.approx(wanted, rel=0.1)
    np.testing.assert_allclose(blurred[:, 20:-20].astype(int), ramp(wanted)[:, 20:-20], atol=2)
    thin = np.zeros((40, 40), np.uint8)
    thin[10:30, 19:21] = 200
    assert with_blur(thin, 0.4, wanted).max() == 200
