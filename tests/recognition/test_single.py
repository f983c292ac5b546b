"""Pictures of one character, or of few: what belongs to it, and what does not."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from handwriting_cnn.recognition.finding import find_characters

sys.path.insert(0, str(Path(__file__).parent))
from pages import FONT, alike

PAPER, INK = 225, 50


def drawn(*texts, size=(400, 400), noise=2.0, light=0.0):
    """Return texts, each (text, left, top, height), written on noisy paper: uint8, and where the first one's ink is."""
    image, first = Image.new("L", size), Image.new("L", size)
    for number, (text, left, top, height) in enumerate(texts):
        font = ImageFont.truetype(str(FONT), height)
        for layer in (image, first)[: 2 if number == 0 else 1]:
            ImageDraw.Draw(layer).text((left, top), text, 255, font)
    ink = np.asarray(image, np.float32) / 255
    slope = 1 + light * np.linspace(-1, 1, size[0])
    paper = (PAPER - (PAPER - INK) * ink) * slope + np.random.default_rng(0).normal(0, noise, ink.shape)
    return np.clip(paper, 0, 255).astype(np.uint8), np.asarray(first) > 127


def only(found):
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("beside", ["left", "right", "both", "below"])
def test_what_the_edge_cuts_of_neighbours_is_left_out(beside):
    places = {"left": [(-75, 60)], "right": [(220, 60)], "both": [(-75, 60), (220, 60)], "below": [(70, 215)]}
    picture, ink = drawn(("8", 70, 40, 170), *(("6", *place, 170) for place in places[beside]), size=(260, 260))
    assert alike(only(find_characters(picture, layout="single")), ink) > 0.85


@pytest.mark.parametrize("text", ["Й", "Ä", "i", "Ñ"])
def test_a_mark_that_just_touches_the_edge_is_kept(text):
    picture, ink = drawn((text, 60, 0, 160), size=(260, 260), noise=1)
    top = np.flatnonzero(ink.any(axis=1))[0]
    picture, ink = picture[top + 1 :], ink[top + 1 :]
    assert alike(only(find_characters(picture, layout="single")), ink) > 0.85


@pytest.mark.parametrize("layout", ["auto", "single"])
@pytest.mark.parametrize("table", [40, 120])
def test_one_character_on_a_sheet_is_read_without_the_table_around_it(layout, table):
    picture, ink = drawn(("5", 190, 130, 170), size=(500, 500))
    y, x = np.mgrid[:500, :500]
    outside = (x < 60 + y // 40) | (x > 450) | (y < 50) | (y > 440)
    grain = np.random.default_rng(1).normal(0, 6, picture.shape)
    photograph = np.where(outside, np.clip(table + grain, 0, 255), picture).astype(np.uint8)
    assert alike(only(find_characters(photograph, layout=layout)), ink) > 0.8


@pytest.mark.parametrize("pale", [150, 170])
def test_a_lone_characters_dot_may_be_pale(pale):
    image = Image.new("L", (380, 380), PAPER)
    draw = ImageDraw.Draw(image)
    draw.arc([120, 140, 260, 250], 0, 180, INK, 16)
    draw.ellipse([182, 150, 200, 168], pale)
    noise = np.random.default_rng(0).normal(0, 2, (380, 380))
    picture = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    _, top, _, bottom = only(find_characters(picture)).box
    assert top <= 152
    assert bottom >= 246


@pytest.mark.parametrize("gap", [6, 20])
def test_a_large_mark_above_a_lone_character_belongs_to_it(gap):
    """As the hamza of alef, which is half as high as the stroke below it."""
    image = Image.new("L", (500, 500), PAPER)
    draw = ImageDraw.Draw(image)
    draw.line([(240, 240), (252, 390)], INK, 16)
    draw.line([(262, 150), (215, 165), (235, 190), (205, 240 - gap), (275, 232 - gap)], INK, 14, "curve")
    found = only(find_characters(np.asarray(image)))
    assert found.box[1] < 155
    assert found.box[3] > 380


@pytest.mark.parametrize("text", ["27", "2016", "507"])
@pytest.mark.parametrize("gap", [0.06, 0.12, 0.3])
def test_characters_close_to_each_other_are_several(text, gap):
    image, left = Image.new("L", (700, 260)), 60
    for digit in text:
        glyph = Image.new("L", (200, 260))
        ImageDraw.Draw(glyph).text((40, 60), digit, 255, ImageFont.truetype(str(FONT), 120))
        ink = glyph.getbbox()
        image.paste(glyph.crop(ink), (left, ink[1]))
        left += round(ink[2] - ink[0] + gap * (ink[3] - ink[1]))
    picture = (PAPER - (PAPER - INK) * (np.asarray(image) / 255)).astype(np.uint8)
    assert len(find_characters(picture)) == len(text)


def test_a_lone_character_whose_parts_stand_beside_each_other_is_one():
    picture, ink = drawn(("Ы", 100, 60, 130), size=(420, 300))
    assert alike(only(find_characters(picture, gap=0.15)), ink) > 0.85


@pytest.mark.parametrize("size", [95, 85])
def test_digits_below_each_other_are_two(size):
    picture, _ = drawn(("8", 110, 20, 150), ("3", 125, 190, size), size=(360, 360))
    assert len(find_characters(picture)) == 2


@pytest.mark.parametrize("side", [24, 32, 39])
def test_a_box_is_left_out_of_a_tiny_picture_in_three_channels(side):
    image = Image.new("L", (side, side), 235)
    draw = ImageDraw.Draw(image)
    draw.rectangle([2, 2, side - 3, side - 3], outline=60)
    draw.text((side * 0.36, side * 0.22), "5", 40, ImageFont.truetype(str(FONT), side // 2))
    grey = np.asarray(image)
    boxes = [only(find_characters(picture)).box for picture in (grey, np.repeat(grey[..., None], 3, axis=2))]
    assert boxes[0] == boxes[1]
    assert boxes[0][0] > 4


@pytest.mark.parametrize("pitch", [100, 170])
@pytest.mark.parametrize("layout", ["auto", "single"])
def test_a_character_on_ruled_paper_with_a_margin_line_is_alone(pitch, layout):
    picture, ink = drawn(("5", 330, 200, 130), size=(700, 560), noise=2)
    lined = Image.fromarray(np.repeat(picture[..., np.newaxis], 3, axis=2))
    draw = ImageDraw.Draw(lined)
    for y in range(60, 560, pitch):
        draw.line([0, y, 700, y], (150, 170, 205), 3)
    draw.line([90, 0, 90, 560], (205, 130, 130), 3)
    pixels = np.minimum(np.asarray(lined), picture[..., np.newaxis])  # the pen is darker than the lines
    assert alike(only(find_characters(pixels, layout=layout)), ink) > 0.75
