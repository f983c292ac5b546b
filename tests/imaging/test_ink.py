"""Ink from photographs, held against strokes of our own on paper of our own."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from handwriting_cnn.errors import DataError
from handwriting_cnn.imaging.ink import extract_ink, paper_plane

PALE = {"pink": (235, 190, 205), "green": (190, 225, 180), "purple": (210, 190, 230), "straw": (240, 235, 150)}
PENS = {"black": (30, 30, 30), "blue": (40, 60, 150), "red": (190, 50, 60), "yellow": (215, 205, 60)}
WHITE = (226, 222, 214)


def strokes(side=32):
    """A letter's mask, 0..1: a bowl with a stem and a dot."""
    large = Image.new("L", (side * 8, side * 8), 0)
    pen = ImageDraw.Draw(large)
    scale = side * 8 / 32
    pen.arc([6 * scale, 10 * scale, 22 * scale, 24 * scale], 20, 340, 255, int(2.5 * scale))
    pen.line([24 * scale, 6 * scale, 22 * scale, 26 * scale], 255, int(2.5 * scale))
    pen.ellipse([12 * scale, 4 * scale, 15 * scale, 7 * scale], 255)
    return np.asarray(large.resize((side, side), Image.Resampling.BOX)) / 255


def photograph(mask, *, pen="blue", paper=WHITE, shade=0.0, ruled=(), squared=0, noise=2.0, seed=0):
    """Multiply paper, printed lines, ink and light, as light does; then blur and noise of a camera."""
    height, width = mask.shape
    random = np.random.default_rng(seed)
    sheet = np.ones((height, width, 3)) * np.array(paper) / 255
    lines = np.zeros((height, width))
    for row in ruled:
        lines[row] = 1
    if squared:
        lines[squared // 2 :: squared] = 1
        lines[:, squared // 2 :: squared] = 1
    sheet *= 1 - lines[..., None] * np.array([0.25, 0.15, 0.1])
    sheet *= 1 - mask[..., None] * (1 - np.array((PENS | PALE)[pen]) / 255)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    sheet *= np.exp(-shade * (x + 0.5 * y + 1.5))[..., None]
    sheet = gaussian_filter(sheet, (0.5, 0.5, 0))
    return np.clip(sheet * 255 + random.normal(0, noise, sheet.shape), 0, 255).astype(np.uint8)


def agreement(mask, ink):
    """Intersection over union of what is more than half ink."""
    written, found = mask > 0.5, ink > 127
    return (written & found).sum() / (written | found).sum()


PAPERS = {
    "plain": {},
    "shaded": {"shade": 0.4},
    "ruled": {"ruled": (9, 25)},
    "squared": {"squared": 7, "shade": 0.2},
    "brown": {"paper": (190, 130, 60)},
}


@pytest.mark.parametrize(
    ("pen", "paper"),
    [(pen, paper) for pen in PENS for paper in PAPERS if (pen, paper) != ("yellow", "brown")],  # not to be seen
)
def test_the_strokes_are_found_on_every_paper(pen, paper):
    mask = strokes()
    ink = extract_ink(photograph(mask, pen=pen, **PAPERS[paper]))
    assert ink.dtype == np.uint8
    assert ink.shape == mask.shape
    assert agreement(mask, ink) > 0.6
    assert np.median(ink) == 0
    far = gaussian_filter(mask, 2) < 0.02
    assert (ink[far] > 100).mean() < 0.03


@pytest.mark.parametrize("pen", PALE)
@pytest.mark.parametrize("squared", [3, 4])
def test_a_pale_pen_is_told_from_fine_squares_by_its_colour(pen, squared):
    mask = strokes()
    assert agreement(mask, extract_ink(photograph(mask, pen=pen, squared=squared, noise=1))) > 0.8


def test_no_ink_is_lost_or_found_at_another_size():
    mask = strokes(200)
    assert agreement(mask, extract_ink(photograph(mask, ruled=(60, 61, 160, 161), shade=0.3))) > 0.85


def test_light_alone_changes_little():
    mask = strokes()
    bright, dim = (extract_ink(photograph(mask, noise=0, paper=paper)) for paper in ((240,) * 3, (120,) * 3))
    assert np.abs(bright.astype(int) - dim).mean() < 4


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_paper_has_no_ink(level):
    assert extract_ink(np.full((32, 32, 3), level, np.uint8)).max() == 0


def test_shaded_blank_paper_has_no_ink():
    assert extract_ink(photograph(np.zeros((32, 32)), shade=0.5, noise=0)).max() == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (40, 1, 3), (3, 2, 3)])
def test_the_smallest_photographs(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert extract_ink(pixels).shape == shape[:2]


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_no_photograph(pixels):
    with pytest.raises(DataError, match="a photograph must be uint8"):
        extract_ink(pixels)


def test_paper_of_one_level_has_its_density_however_its_ink_falls_off():
    y, x = np.mgrid[:40, :40]
    picture = np.where(x < 14, 240, 200 - 3 * y).astype(np.uint8)
    np.testing.assert_allclose(paper_plane(picture), -np.log10(241 / 256), rtol=1e-5)


@pytest.mark.parametrize("side", [40, 300])
def test_papers_density_is_a_plane_where_light_falls_off(side):
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    density = 0.12 + 0.06 * x - 0.05 * y
    light = 256 * 10**-density - 1
    ink = np.hypot(x, y) < 0.4
    picture = np.rint(np.where(ink, 40, light)).astype(np.uint8)
    np.testing.assert_allclose(paper_plane(picture), density, atol=0.005)
