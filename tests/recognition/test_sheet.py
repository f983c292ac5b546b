"""Sheets of paper on something else."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.sheet import sheet_corners
from handwriting_cnn.recognition.view import rectifying, seen


def test_a_sheet_on_a_table_is_found_and_made_upright():
    corners = np.array([[210, 130], [1290, 190], [1230, 1770], [150, 1700]], float)
    to_source, size = rectifying(corners)
    page = np.full(size, 235, np.uint8)
    page[200:220, 300:400] = 30
    inverse = np.linalg.inv(to_source)
    table = np.full((1900, 1400), 90, np.uint8)
    covered = seen(np.full(size, 255, np.uint8), inverse, table.shape) > 127
    photograph = np.where(_inside(corners, table.shape) & covered, seen(page, inverse, table.shape), table)
    found = sheet_corners(photograph)
    np.testing.assert_allclose(found, corners, atol=25)


def _inside(corners, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.all([(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0 for a, b in sides], axis=0)


def test_a_plain_page_is_no_sheet_on_a_table():
    assert sheet_corners(np.full((1200, 900), 240, np.uint8)) is None
    assert sheet_corners(np.full((50, 50), 240, np.uint8)) is None


@pytest.mark.parametrize("other", [False, True])
def test_a_single_edge_far_inside_is_a_shadows(other):
    """With another near the picture's own edge, too: half of the page would be lost."""
    photograph = np.full((1000, 800), 235, np.uint8)
    photograph[:, 420:] = 120
    if other:
        photograph[960:] = 60
    corners = sheet_corners(photograph)
    if other:
        assert corners is not None
        assert np.ptp(corners[:, 0]) > 780
    else:
        assert corners is None


def chequered(shape, square, colour, paper):
    """A cloth whose squares are as bright as the paper, of the colour, and between them."""
    y, x = np.mgrid[: shape[0], : shape[1]] // square % 2
    weave = np.where(
        (y + x)[..., None] == 0, paper, np.where((y * x)[..., None] == 1, colour, np.add(colour, paper) // 2)
    )
    return Image.fromarray(weave.astype(np.uint8))


@pytest.mark.parametrize("square", [30, 62])
@pytest.mark.parametrize("shaded", [False, True])
def test_a_sheet_on_a_chequered_cloth_is_found(square, shaded):
    """Some of the cloth's own lines are clearer edges than the sheet's, which vanish beside its bright squares."""
    corners = np.array([[262, 176], [1330, 198], [1300, 860], [240, 838]], float)
    photograph = chequered((1000, 1500), square, (165, 30, 40), (228, 230, 222))
    draw = ImageDraw.Draw(photograph)
    draw.polygon([tuple(corner) for corner in corners], (228, 230, 222))
    for row in range(5):
        for column in range(9):
            left, top = 340 + 100 * column, 270 + 110 * row
            draw.line([left, top, left, top + 40, left + 30, top + 40], (40, 50, 120), 6)
    pixels = np.asarray(photograph.filter(ImageFilter.GaussianBlur(1.5))).astype(np.float32)
    if shaded:  # by a hand, whose shadow parts the sheet
        y, x = np.mgrid[:1000, :1500]
        pixels *= 1 - 0.5 / (1 + np.exp(np.clip((np.abs(x - 0.3 * y - 700) - 110) / 5, -50, 50)))[..., None]
    found = sheet_corners(pixels.astype(np.uint8))
    assert found is not None
    np.testing.assert_allclose(found, corners, atol=25)


def assert_found_turned(photograph, corners, turn):
    """Write on a sheet in a photograph; it is found, and what is written."""
    draw = ImageDraw.Draw(photograph)
    for x in range(-300, 301, 100):
        for y in range(-200, 201, 100):
            left, top = np.array([x, y]) @ turn + corners.mean(axis=0)
            draw.line([left, top, left, top + 40, left + 30, top + 40], (40, 50, 120), 6)
    picture = np.asarray(photograph.filter(ImageFilter.GaussianBlur(1.5)))
    found = sheet_corners(picture)
    assert found is not None
    np.testing.assert_allclose(found, corners, atol=20)
    assert len(find_characters(picture)) == 35


@pytest.mark.parametrize("degrees", [9, -14])
@pytest.mark.parametrize("square", [30, 62])
def test_a_sheet_turned_on_a_chequered_cloth_is_found(square, degrees):
    """None of its edges runs from one side of the picture to the other."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle, away = [700, 520], np.array([[-390, -290], [390, -290], [390, 290], [-390, 290]])
    corners = away @ turn + middle
    photograph = chequered((1040, 1400), square, (60, 90, 160), (180, 184, 190))
    draw = ImageDraw.Draw(photograph)
    draw.polygon([tuple(corner) for corner in corners], (228, 230, 222))
    assert_found_turned(photograph, corners, turn)


@pytest.mark.parametrize("degrees", [12, -18])
def test_a_sheet_turned_on_a_cloth_with_spots_is_found(degrees):
    """The spots are as dark as writing, and as dense."""
    angle, random = np.deg2rad(degrees), np.random.default_rng(0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-400, -290], [400, -290], [400, 290], [-400, 290]]) @ turn + (700, 520)
    photograph = Image.new("RGB", (1400, 1040), (172, 160, 128))
    draw = ImageDraw.Draw(photograph)
    for x, y, radius in zip(*(random.integers(*ends, 260) for ends in ((0, 1400), (0, 1040), (5, 15))), strict=True):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], ((140, 40, 50), (60, 70, 140))[x % 2])
    draw.polygon([tuple(corner) for corner in corners], (232, 230, 224))
    assert_found_turned(photograph, corners, turn)


@pytest.mark.parametrize("size", [(280, 190), (380, 260), (480, 330)])
def test_a_turned_label_on_a_written_page_is_no_sheet(size):
    angle, boxes = np.deg2rad(13), 0
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size @ turn + (800, 600)
    page = Image.new("RGB", (1600, 1200), (170, 170, 170))
    draw = ImageDraw.Draw(page)
    for turned in (False, True):
        for x in range(-700, 701, 90):
            for y in range(-500, 501, 90):
                left, top = np.array([x, y]) @ (turn if turned else np.eye(2)) + (800, 600)
                on_label = (
                    np.abs(np.array([left - 800, top - 600]) @ turn.T) < np.add(size, 60 * (1 - 2 * turned))
                ).all()
                if on_label == turned and 0 < left < 1560 and 0 < top < 1150:
                    draw.line([left, top, left, top + 40, left + 30, top + 40], (40, 45, 60), 6)
                    boxes += 1
        if not turned:
            draw.polygon([tuple(corner) for corner in corners], (250, 250, 250))
    picture = np.asarray(page.filter(ImageFilter.GaussianBlur(0.8)))
    assert sheet_corners(picture) is None
    assert len(find_characters(picture)) >= 0.95 * boxes


def grained(shape, level, seed=0):
    """A table of wood: grain along it, in the colours of a brightness."""
    grain = np.random.default_rng(seed).normal(0, 1, (shape[0], 1)).cumsum(axis=0) % 6 - 3
    return np.clip(np.array([1.0, 0.7, 0.45]) * (level + grain[..., None]) + np.zeros((*shape, 1)), 0, 255)


@pytest.mark.parametrize("degrees", [0, 8, -13])
@pytest.mark.parametrize("level", [30, 110])
@pytest.mark.parametrize("size", [(380, 300), (760, 620)])
def test_a_small_or_turned_sheet_is_found_on_what_is_darker(degrees, level, size):
    """Of a ninth of the picture, up to two fifths: most of it may be dark, and be taken for a board."""
    height, width = size
    angle = np.deg2rad(degrees)
    away = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    corners = away @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]] + [560, 520]
    photograph = Image.fromarray(grained((1100, 1100), level).astype(np.uint8))
    draw = ImageDraw.Draw(photograph)
    draw.polygon([tuple(corner) for corner in corners], (226, 224, 216))
    boxes = []
    for x in np.linspace(-0.35, 0.35, 5):
        for y in np.linspace(-0.35, 0.35, 5):
            left, top = np.array([x * width, y * height]) @ [
                [np.cos(angle), np.sin(angle)],
                [-np.sin(angle), np.cos(angle)],
            ] + [550, 510]
            draw.line([left, top, left + 4, top + 20, left + 22, top + 20], (40, 45, 110), 4)
            boxes.append((left, top, left + 22, top + 22))
    picture = np.asarray(photograph.filter(ImageFilter.GaussianBlur(0.8)))
    assert len(find_characters(picture)) == 25
    found = sheet_corners(picture)
    assert found is not None
    np.testing.assert_allclose(found, corners, atol=20)
    np.testing.assert_allclose(sheet_corners(255 - picture, turned=True), corners, atol=20)


def test_lines_of_chalk_that_run_together_are_no_sheet():
    board = Image.new("RGB", (1100, 900), (40, 60, 50))
    draw = ImageDraw.Draw(board)
    for row in range(9):
        for column in range(14):
            left, top = 250 + 42 * column, 250 + 44 * row
            draw.ellipse([left, top, left + 30, top + 34], outline=(225, 225, 220), width=6)
    assert sheet_corners(np.asarray(board), turned=False) is None
    assert len(find_characters(np.asarray(board))) == 126


@pytest.mark.parametrize("tint", [(170, 170, 170), (255, 245, 150), (170, 205, 250)])
def test_a_white_box_on_a_tinted_page_is_no_sheet(tint):
    page = Image.new("RGB", (1000, 1300), tint)
    draw = ImageDraw.Draw(page)
    draw.rectangle([150, 500, 850, 800], (252, 252, 252))
    for row in range(11):
        for column in range(8):
            left, top = 190 + 80 * column, 90 + 105 * row
            draw.line([left, top, left, top + 40, left + 26, top + 40], (40, 45, 60), 5)
    picture = np.asarray(page.filter(ImageFilter.GaussianBlur(0.8)))
    assert sheet_corners(picture) is None
    assert len(find_characters(picture)) == 88


def test_a_bold_light_letter_is_no_sheet():
    board = Image.new("RGB", (400, 400), (25, 30, 28))
    ImageDraw.Draw(board).polygon([(170, 60), (235, 60), (225, 340), (160, 340)], (230, 230, 225))
    assert sheet_corners(255 - np.asarray(board), turned=True) is None


@pytest.mark.parametrize(("deep", "broad"), [(18, 5), (18, 12), (26, 20)])
def test_a_sheet_that_the_pictures_edge_cuts_is_found_on_wood(deep, broad):
    """The grain is a pattern where the light is good, and none where it is not."""
    y, x = np.mgrid[:1150, :1000]
    grain = deep * np.sin(x / broad + 2 * np.sin(y / 160)) + 10 * np.sin(x / 1.7)
    wood = np.array([110, 80, 55]) + grain[..., None] * [1, 0.8, 0.6]
    photograph = Image.fromarray(np.clip(wood, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(photograph)
    draw.polygon([(110, -20), (870, -20), (905, 1070), (82, 1085)], (236, 234, 226))
    for row in range(8):
        for column in range(9):
            left, top = 170 + 75 * column, 60 + 120 * row
            draw.line([left, top, left, top + 40, left + 30, top + 40], (40, 50, 60), 6)
    lit = np.asarray(photograph.filter(ImageFilter.GaussianBlur(1))) * (1 - 0.35 * (1150 - y[..., None]) / 1150)
    picture = np.clip(np.rint(lit), 0, 255).astype(np.uint8)
    corners = sheet_corners(picture)
    assert corners is not None
    np.testing.assert_allclose(corners[[2, 3]], [(905, 1070), (82, 1085)], atol=20)
    assert len(find_characters(picture)) == 72


@pytest.mark.parametrize("letters", [False, True])
def test_a_sheet_on_a_keyboard_is_found(letters):
    """There are dark keys, lighter gaps, and light letters on the keys; or the sheet's corner is cut off."""
    photograph = Image.new("RGB", (1200, 900), (62, 62, 64))
    draw = ImageDraw.Draw(photograph)
    for row in range(10):
        for column in range(13):
            left, top = -40 + 100 * column, -30 + 96 * row
            draw.rounded_rectangle([left, top, left + 86, top + 82], 8, (22, 22, 24))
            if letters:
                draw.text((left + 22, top + 14), "QWERTY"[(row + column) % 6], (205, 205, 205), font_size=30)
    draw.polygon([(350, 48), (878, 88), (882, 906 - 60 * letters), (296, 812)], (226, 224, 214))
    places = [(400 + 78 * column, 130 + 90 * row) for row in range(7) for column in range(6)]
    for left, top in places:
        draw.line([left, top, left, top + 36, left + 26, top + 36], (40, 60, 140), 6)
    found = find_characters(np.asarray(photograph.filter(ImageFilter.GaussianBlur(0.8))))
    boxes = np.array([one.box for one in found])
    assert len(boxes) <= 46  # slivers of keys lie beside the edges
    assert (np.abs(boxes[:, np.newaxis, :2] - places).max(axis=2).min(axis=0) <= 8).all()


def test_one_table_beyond_two_edges_that_meet_is_no_shadow():
    """Though one of them lies far inside, and the others are cut off."""
    photograph = Image.new("RGB", (1000, 1150), (92, 66, 48))
    draw = ImageDraw.Draw(photograph)
    draw.polygon([(-20, -20), (705, -20), (735, 1040), (-20, 1060)], (232, 230, 222))
    for row in range(8):
        for column in range(7):
            left, top = 60 + 85 * column, 60 + 120 * row
            draw.line([left, top, left, top + 40, left + 30, top + 40], (40, 50, 110), 6)
    corners = sheet_corners(np.asarray(photograph.filter(ImageFilter.GaussianBlur(1))))
    assert corners is not None
    np.testing.assert_allclose(corners[2], (735, 1040), atol=15)


def test_white_boxes_in_a_coloured_ground_are_within_its_edges():
    """The strip above the first row is narrower than what is closed: the row's lower edge seems to be the ground's."""
    page = Image.new("RGB", (1000, 1300), (247, 247, 244))
    draw = ImageDraw.Draw(page)
    draw.rectangle([50, 44, 930, 1240], (205, 238, 212))
    for row in range(9):
        for column in range((12, 8, 5)[row % 3]):
            left, top = 80 + 66 * column, 92 + 124 * row
            draw.rectangle([left, top, left + 56, top + 62], (255, 255, 255))
            draw.line([left + 18, top + 12, left + 18, top + 48, left + 38, top + 48], (50, 60, 150), 5)
    picture = np.asarray(page.filter(ImageFilter.GaussianBlur(0.8)))
    assert len(find_characters(picture)) == 75
