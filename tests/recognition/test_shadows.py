"""Shadows across a picture of one character."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.polarity import is_light_on_dark
from handwriting_cnn.recognition.shadows import without_shadow

sys.path.insert(0, str(Path(__file__).parent))
from pages import alike

SIDE, PAPER, NOISE = 160, (235, 228, 205), 2.0
STROKES = [[(50, 62), (66, 44), (100, 46), (108, 70), (52, 118), (112, 118)]]
DOTTED = [[(42, 60), (44, 88), (80, 98), (116, 88), (118, 60)], [(78, 124), (82, 126)]]
EDGES = {"upright": (0.0, -14.0), "level": (90.0, 10.0), "slanting": (35.0, 4.0), "beside": (150.0, -38.0)}
DEEP = [(150.0, -30.0, 0.7), (-45.0, -38.0, 0.7), (180.0, -50.0, 0.8), (60.0, -30.0, 0.8)]
PENS = {"grey": (1.0, 1.0, 1.0), "blue": (1.0, 0.7, 0.15), "green": (1.0, 0.25, 0.8)}


def drawn(strokes, *, pen="grey", size=SIDE):
    """Return strokes on paper as light that comes back, 0..1 ``(height, width, 3)``, and their ink."""
    image = Image.new("L", (SIDE * 4, SIDE * 4))
    for stroke in strokes:
        ImageDraw.Draw(image).line([(x * 4, y * 4) for x, y in stroke], 255, 36, "curve")
    ink = np.asarray(image.resize((size, size), Image.Resampling.BOX)) / 255
    return np.array(PAPER) / 255 * 10 ** (-0.7 * ink[..., np.newaxis] * np.array(PENS[pen])), ink > 0.5


def shadow(degrees, distance, *, depth=0.5, softness=1.5, radius=1e9, size=SIDE):
    """Return the light that a shadow leaves, a disc that begins so far from the middle."""
    y, x = (np.mgrid[:size, :size] + 0.5 - size / 2) * SIDE / size
    angle, middle = np.radians(degrees), distance + radius
    away = radius - np.hypot(x - middle * np.cos(angle), y - middle * np.sin(angle))
    return (1 - depth / (1 + np.exp(-away / softness)))[..., np.newaxis]


def photographed(light, seed=0):
    noise = np.random.default_rng(seed).normal(0, NOISE, light.shape)
    return np.clip(255 * light + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("layout", ["single", "auto"])
@pytest.mark.parametrize("pen", PENS)
@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("strokes", [STROKES, DOTTED], ids=["two", "dotted"])
def test_a_character_is_found_as_if_no_shadow_lay_across_it(strokes, edge, pen, layout, inverted):
    light, ink = drawn(strokes, pen=pen)
    picture = photographed(light * shadow(*edge))
    (only,) = find_characters(255 - picture if inverted else picture, layout=layout)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    np.testing.assert_allclose(only.box, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), atol=5)
    assert alike(only, ink) >= 0.85


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_a_border_that_is_half_dark_does_not_say_which_side_the_ink_is_on(edge):
    for strokes, depth in ((STROKES, 0.4), (STROKES, 0.6), (DOTTED, 0.4), (DOTTED, 0.6)):
        picture = photographed(drawn(strokes)[0] * shadow(*edge, depth=depth)).mean(axis=2).astype(np.uint8)
        assert not is_light_on_dark(picture, alone=True)
        assert is_light_on_dark(255 - picture, alone=True)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("layout", ["single", "auto"])
@pytest.mark.parametrize(("degrees", "distance", "depth"), DEEP)
def test_the_light_left_by_a_deep_shadow_is_not_taken_for_ink(degrees, distance, depth, layout, inverted):
    light, ink = drawn(STROKES)
    picture = photographed(light * shadow(degrees, distance, depth=depth))
    (only,) = find_characters(255 - picture if inverted else picture, layout=layout)
    assert alike(only, ink) >= 0.8


@pytest.mark.parametrize("size", [48, 80])
@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_small_pictures_are_lit_evenly_too(edge, size):
    light, ink = drawn(STROKES, size=size)
    (only,) = find_characters(photographed(light * shadow(*edge, size=size)))
    assert alike(only, ink) >= 0.8


@pytest.mark.parametrize("radius", [150.0, 1e9], ids=["round", "straight"])
@pytest.mark.parametrize("softness", [0.5, 3.0, 8.0])
@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_the_light_of_a_shadow_is_given_back(edge, softness, radius):
    light, _ = drawn(STROKES, pen="blue")
    lit = without_shadow(photographed(light * shadow(*edge, softness=softness, radius=radius)))
    different = np.abs(lit.astype(int) - np.rint(255 * light))
    assert np.median(different) <= 4
    assert (different > 30).mean() < 0.03


def test_the_colour_of_a_shadow_is_taken_away_with_it():
    light, ink = drawn(STROKES)
    bluish = 1 - (1 - shadow(20.0, 0.0)) * [1.0, 0.9, 0.7]
    lit = without_shadow(photographed(light * bluish))
    np.testing.assert_allclose(np.median(lit[~ink], axis=0), PAPER, atol=4)


def _frame():
    light, _ = drawn(STROKES)
    light[:3] = light[:, :3] = 0.3  # two walls beside each other: half of the border
    return light


def _bent():
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    return drawn(STROKES)[0] * (1 - 0.6 * (x**2 + y**2))[..., np.newaxis]


@pytest.mark.parametrize(
    "light",
    [
        drawn(STROKES)[0],
        drawn(STROKES)[0] * np.linspace(0.5, 1, SIDE)[:, np.newaxis, np.newaxis],
        _frame(),
        _bent(),
        drawn(STROKES)[0] * np.maximum(shadow(0.0, -10.0), shadow(90.0, -10.0)),
        drawn(STROKES)[0] * np.maximum(shadow(0.0, -20.0), shadow(180.0, -20.0)),
    ],
    ids=["even", "plane", "frame", "vignette", "corner", "band"],
)
def test_pictures_without_a_shadow_stay_as_they_are(light):
    picture = photographed(light)
    assert without_shadow(picture) is picture
    grey = picture[..., 0]
    assert without_shadow(grey) is grey


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (9, 2000), (8, 8, 3), (64, 64)])
def test_blank_and_tiny_pictures_stay_as_they_are(shape):
    for level in (0, 128, 255):
        picture = np.full(shape, level, np.uint8)
        assert without_shadow(picture) is picture
