import dataclasses
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.ink import components, find_ink
from handwriting_cnn.recognition.recognizer import Recognizer
from handwriting_cnn.recognition.sheet import sheet_corners

sys.path.insert(0, str(Path(__file__).parent))
from pages import CONDITIONS, alike, draw_page, overlaps


def page_of(dataset, condition, *, seed=0, rtl=False):
    rows = np.random.default_rng(seed).permutation(len(dataset))[:140]
    return draw_page(dataset.take(rows), dataset.labels[rows], condition=condition, seed=seed, rtl=rtl)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_letters_are_found_with_their_dots_in_reading_order(condition, mirror, monkeypatch):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
    page = page_of(load_dataset("ahcd").test, condition, seed=1, rtl=True)
    found = find_characters(page.image, rtl=True)
    match = overlaps(page.boxes, np.array([one.box for one in found]))
    hit = match.max(axis=1) >= 0.5
    assert hit.mean() >= 0.98
    assert (match.max(axis=0) >= 0.5).mean() >= 0.9
    assert (np.diff(match.argmax(axis=1)[hit]) > 0).all()


def test_digits_are_found_on_a_clean_page(digits):
    page = page_of(digits.test, "clean")
    found = find_characters(page.image)
    assert (overlaps(page.boxes, np.array([one.box for one in found])).max(axis=1) >= 0.5).mean() >= 0.98
    lines = [one.line for one in found]
    assert lines == sorted(lines)
    assert max(lines) == 13


@pytest.mark.parametrize("seed", [0, 5])
def test_a_shadow_is_no_ink(digits, seed):
    page = draw_page(digits.test.images[:40], digits.test.labels[:40], condition="shadow", seed=seed, size=40)
    found = find_characters(page.image)
    assert (overlaps(page.boxes, np.array([one.box for one in found])).max(axis=1) >= 0.5).mean() >= 0.95
    assert len(found) <= 42


def test_white_on_black_is_found_as_black_on_white(digits):
    page = page_of(digits.test, "clean", seed=2)
    boxes, inverted = (
        np.array([one.box for one in find_characters(image)]) for image in (page.image, 255 - page.image)
    )
    assert len(boxes) == len(inverted)
    assert (overlaps(boxes, inverted).max(axis=1) > 0.7).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.full((400, 300), 255, np.uint8),
        np.zeros((400, 300), np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.full((1, 5000), 200, np.uint8),
        np.random.default_rng(0).normal(230, 3, (400, 400)).astype(np.uint8),
    ],
    ids=["white", "black", "pixel", "line", "paper"],
)
@pytest.mark.parametrize("layout", ["auto", "single", "line", "page", "grid"])
def test_there_is_nothing_where_nothing_is(picture, layout):
    assert find_characters(picture, layout=layout) == []


@pytest.mark.parametrize("layout", ["auto", "page"])
def test_a_texture_is_no_page(layout):
    dots = np.random.default_rng(0).random((900, 900)) < 0.02
    assert find_characters(np.where(dots, 0, 255).astype(np.uint8), layout=layout) == []


def test_a_screen_of_more_dots_than_a_page_has_pieces_has_none():
    mask = np.zeros((800, 800), np.bool_)
    mask[::3, ::3] = True
    labels, boxes, areas = components(mask)
    assert len(boxes) == len(areas) == labels.max() == 0
    assert find_characters(np.where(np.kron(mask, np.ones((2, 2))), 0, 255).astype(np.uint8)) == []


def test_a_cell_whose_wall_is_partly_lost_is_a_cell():
    picture = np.full((460, 460), 240, np.uint8)
    for place in range(30, 431, 100):
        picture[30:432, place : place + 2] = 40
        picture[place : place + 2, 30:432] = 40
    picture[130:132, 240:306] = 240  # two thirds of a wall between two cells
    for row in range(4):
        for column in range(4):
            top, left = 60 + 100 * row, 65 + 100 * column
            picture[top : top + 45, left : left + 6] = 20
            picture[top + 39 : top + 45, left : left + 30] = 20
    found = find_characters(picture)
    assert [one.line for one in found] == [row for row in range(4) for _ in range(4)]
    assert all(abs(one.box[2] - one.box[0] - 30) <= 3 and abs(one.box[3] - one.box[1] - 45) <= 3 for one in found)


def drawn_strokes(shape, strokes, width):
    """Draw straight strokes ``(x0, y0, x1, y1)`` with a pen of a width on paper; return the picture."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    ink = np.zeros(shape)
    for x0, y0, x1, y1 in strokes:
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        far = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        ink = np.maximum(ink, np.clip(width / 2 + 0.5 - far, 0, 1))
    paper = 235 + np.random.default_rng(0).normal(0, 3, shape)
    return np.clip(paper * (1 - 0.8 * ink), 0, 255).astype(np.uint8)


def boxes_of(found):
    return np.array([one.box for one in found]).reshape(-1, 4)


@pytest.mark.parametrize("margin", [15, 50, 100])
@pytest.mark.parametrize(
    "stroke", [(0, 0, 0, 100), (12, 0, 0, 100), (0, 0, 100, 0)], ids=["upright", "leaning", "flat"]
)
def test_a_straight_letter_alone_is_no_printed_line(stroke, margin):
    place = np.add(stroke, margin)
    shape = (place[3] + margin, place[2] + margin) if stroke[2] else (place[3] + margin, place[0] + margin)
    picture = drawn_strokes((max(shape), max(shape)), [place], 3)
    found = boxes_of(find_characters(picture))
    truth = [[min(place[0], place[2]) - 2, place[1] - 2, max(place[0], place[2]) + 3, place[3] + 3]]
    assert found.shape == (1, 4)
    np.testing.assert_allclose(found, truth, atol=3)


@pytest.mark.parametrize("inside", [True, False])
def test_a_printed_frame_is_no_letter_and_a_letter_like_a_frame_is_one(inside):
    frame = [(45, 45, 200, 45), (45, 200, 200, 200), (45, 45, 45, 200), (200, 45, 200, 200)]
    letter = [(100, 90, 100, 155), (100, 155, 140, 155)]
    found = boxes_of(find_characters(drawn_strokes((247, 247), frame + letter * inside, 3)))
    assert len(found) == 1
    np.testing.assert_allclose(found[0], (99, 89, 142, 157) if inside else (43, 43, 202, 202), atol=3)


def test_an_empty_ruled_sheet_holds_nothing():
    picture = np.full((700, 500), 235, np.uint8)
    for y in range(60, 660, 40):
        picture[y : y + 2, 20:480] = 120
    picture[30:670, 60:62] = 120
    assert find_characters(picture, layout="page") == []


@pytest.mark.parametrize("height", [20, 40, 80, 160])
@pytest.mark.parametrize("ruled", [False, True])
def test_the_straight_letters_of_one_line_are_found_in_a_picture_as_high_as_they_are(height, ruled):
    lefts = np.arange(6) * height * 1.2 + 0.4 * height
    top, bottom = 0.3 * height, 1.3 * height
    strokes = [(x, top, x, bottom) for x in lefts]
    strokes += [(x, bottom, x + 0.5 * height, bottom) for x in lefts[::2]]  # L and I by turns
    shape = (int(1.9 * height), int(7.5 * height))
    picture = drawn_strokes(shape, strokes, max(0.07 * height, 2))
    if ruled:
        y = int(1.65 * height)
        picture[y : y + 2, 3:-3] = 140
    found = boxes_of(find_characters(picture, layout="line"))
    truth = np.array([[x, top, x + 0.5 * height * (number % 2 == 0), bottom] for number, x in enumerate(lefts)])
    assert len(found) == 6
    np.testing.assert_allclose(found, truth, atol=0.05 * height + 3)


@pytest.mark.parametrize("height", [20, 40, 80])
def test_the_upper_bars_of_a_row_of_letters_are_no_line(height):
    lefts = np.arange(6) * height + 0.4 * height  # each letter a T whose bar nearly reaches the next one's
    strokes = [(x, 0.4 * height, x + 0.7 * height, 0.4 * height) for x in lefts]
    strokes += [(x + 0.35 * height, 0.4 * height, x + 0.35 * height, 1.4 * height) for x in lefts]
    found = boxes_of(
        find_characters(drawn_strokes((int(1.9 * height), int(6.6 * height)), strokes, 2.5), layout="line")
    )
    assert len(found) == 6
    np.testing.assert_allclose(found[:, 2] - found[:, 0], 0.7 * height, atol=5)
    np.testing.assert_allclose(found[:, 3] - found[:, 1], height, atol=5)


def test_broad_strokes_near_the_pictures_edge_are_no_sheets_edge():
    strokes = [(40 + 110 * number, 20, 25 + 110 * number, 125) for number in range(5)]
    found = boxes_of(find_characters(drawn_strokes((145, 510), strokes, 13), layout="line"))
    np.testing.assert_allclose(found[:, 0], [18 + 110 * number for number in range(5)], atol=4)


@pytest.mark.parametrize("side", [42, 84, 170])
def test_the_cells_of_a_small_grid_hold_straight_letters(side):
    picture = np.full((2 * side + 40, 5 * side + 40), 235, np.uint8)
    width = max(side // 50, 1)
    for place in range(20, 2 * side + 21, side):
        picture[place : place + width, 20 : 5 * side + 20 + width] = 80
    for place in range(20, 5 * side + 21, side):
        picture[20 : 2 * side + 20 + width, place : place + width] = 80
    lefts, tops = np.meshgrid(20 + side * np.arange(5) + side // 2, 20 + side * np.arange(2) + side // 6)
    for left, top in zip(lefts.ravel(), tops.ravel(), strict=True):
        picture[top : top + 2 * side // 3, left : left + max(side // 20, 2)] = 40
    found = find_characters(picture)
    assert [one.line for one in found] == [0] * 5 + [1] * 5
    boxes = boxes_of(found)
    np.testing.assert_allclose(boxes[:, 0], lefts.ravel(), atol=2)
    np.testing.assert_allclose(boxes[:, 3] - boxes[:, 1], 2 * side // 3, atol=3)


def parted(count, *, spacing, size=60):
    """Draw characters of two strokes that stand beside each other, in rows of ten; return picture and boxes."""
    strokes, boxes = [], []
    for number in range(count):
        x, y = 60 + (number % 10) * (size + spacing), 60 + (number // 10) * 2 * size
        wide = size * (1 - 0.1 * (number % 3))
        strokes += [(x, y, x + 0.1 * wide, y + size), (x + wide, y, x + 0.6 * wide, y + size)]
        boxes.append((x, y, x + wide, y + size))
    shape = (int(max(box[3] for box in boxes) + 60), int(max(box[2] for box in boxes) + 60))
    return drawn_strokes(shape, strokes, 6), np.array(boxes)


@pytest.mark.parametrize(("count", "spacing"), [(2, 90), (5, 90), (30, 60), (30, 120)])
def test_parts_that_stand_beside_each_other_are_one_character_where_characters_have_such_parts(count, spacing):
    picture, boxes = parted(count, spacing=spacing)
    found = boxes_of(find_characters(picture, layout="page", gap=0.4))
    assert len(found) == count
    assert (overlaps(boxes, found).max(axis=1) >= 0.7).all()
    assert len(find_characters(picture, layout="page")) > count  # nothing said so


def test_a_reader_joins_the_parts_that_its_training_pictures_have(reader):
    picture, boxes = parted(30, spacing=90)
    assert len(reader.recognize(picture, layout="page")) == 60  # no digit has any
    saved = dataclasses.replace(reader.saved, reading=dataclasses.replace(reader.saved.reading, gap=0.4))
    read = Recognizer(saved).recognize(picture, layout="page")
    assert len(read) == 30
    assert (overlaps(boxes, boxes_of(read)).max(axis=1) >= 0.7).all()


def test_a_gap_of_characters_parts_joins_no_characters(digits):
    page = page_of(digits.test, "clean")
    alone, parts = (boxes_of(find_characters(page.image, gap=gap)) for gap in (0.0, 0.3))
    np.testing.assert_array_equal(alone, parts)


def test_a_small_letter_beside_a_large_one_is_a_letter():
    large = [(60 + 120 * number, 60, 60 + 120 * number, 120) for number in range(8)]
    small = [(90 + 120 * number, 62, 88 + 120 * number, 82) for number in range(8)]
    assert len(find_characters(drawn_strokes((190, 1020), large + small, 6), layout="page")) == 16
    dots = [(66 + 120 * number, 36, 70 + 120 * number, 36) for number in range(8)]  # above: their letters' marks
    assert len(find_characters(drawn_strokes((190, 1020), large + dots, 6), layout="page")) == 8


@pytest.mark.parametrize("pitch", [27, 30, 40])
def test_lines_that_nearly_touch_are_lines(digits, pitch):
    sheet, boxes = np.zeros((10 * pitch, 20 * pitch), np.uint8), []
    for number, digit in enumerate(digits.test.take(np.arange(200))[..., 0]):
        ink = np.asarray(Image.fromarray(digit).resize((24, 24), Image.Resampling.BICUBIC))
        y, x = 2 + number // 20 * pitch, 2 + number % 20 * pitch
        sheet[y : y + 24, x : x + 24] = ink
        rows, columns = (np.flatnonzero((ink > 80).any(axis=axis)) for axis in (1, 0))
        boxes.append((x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1))
    found = find_characters(sheet, layout="page")
    assert (overlaps(np.array(boxes), boxes_of(found)).max(axis=1) >= 0.5).mean() >= 0.98
    assert max(one.line for one in found) == 9


def test_between_thin_strokes_there_is_paper():
    lefts = np.arange(20, 400, 20)
    strokes = [(left + side, 20, left + side, 32) for left in lefts for side in (0, 5)]
    bars = [(left, 20, left + 5, 20) for left in lefts]
    found = find_characters(drawn_strokes((50, 420), strokes + bars, 2), layout="page")
    assert len(found) == len(lefts)
    for one in found:
        lower = one.ink[-8:-3].mean(axis=0)
        assert lower[lower.size // 2 - 1 : lower.size // 2 + 1].min() < 0.12 * lower.max()


def test_single_dark_pixels_are_dirt(digits):
    page = draw_page(digits.test.images[:60], digits.test.labels[:60], size=30).image
    dirty = page.copy()
    dirty[np.random.default_rng(0).random(page.shape[:2]) < 0.0003] = 0
    clean, found = (boxes_of(find_characters(picture)) for picture in (page, dirty))
    assert (overlaps(clean, found).max(axis=1) >= 0.5).mean() >= 0.98
    assert abs(len(found) - len(clean)) <= 2


def cropped(picture):
    """Return a picture without what is white around its ink."""
    rows, columns = (np.flatnonzero((picture < 128).any(axis=axis)) for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("margin", [0, 1, 5])
@pytest.mark.parametrize("dark", [True, False])
def test_characters_may_touch_the_pictures_edge(digits, margin, dark):
    shown = [np.asarray(Image.fromarray(digit[..., 0]).resize((40, 60))) for digit in digits.test.images[:18]]
    sheet = np.vstack([np.hstack([np.pad(digit, 15) for digit in shown[row : row + 6]]) for row in (0, 6, 12)])
    picture = np.pad(cropped(255 - sheet), margin, constant_values=255)
    assert len(find_characters(picture if dark else 255 - picture)) == 18


@pytest.mark.parametrize("margin", [0, 1, 5])
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("inner", [5, 12, 18])
def test_a_character_that_fills_half_of_its_picture_is_no_paper(margin, dark, inner):
    y, x = np.mgrid[-30:30, -20:20] + 0.5
    far = np.hypot(y * 2 / 3, x)
    picture = np.pad(np.where((far < 20) & (far > inner), 40, 235).astype(np.uint8), margin, constant_values=235)
    (only,) = find_characters(picture if dark else 255 - picture)
    np.testing.assert_allclose(only.box, (margin, margin, 40 + margin, 60 + margin), atol=2)
    assert only.ink[only.ink.shape[0] // 2, only.ink.shape[1] // 2] < 64  # the hole


@pytest.mark.parametrize("margin", [0, 5, 20])
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("broad", [20, 28])
@pytest.mark.parametrize("uneven", [0, 0.2])
@pytest.mark.parametrize("layout", ["single", "auto"])
def test_all_strokes_of_a_large_character_cut_closely_are_found(margin, dark, broad, uneven, layout):
    y, x = (np.mgrid[0 : 240 + 2 * margin, 0 : 180 + 2 * margin] - margin + 0.5) / np.reshape([240, 180], (2, 1, 1))
    far, middle = 180 * np.hypot(y - 0.5, x - 0.5), 180 * abs(x + y - 1) / 2
    letter = (far < 90) & ((far >= 90 - broad) | (middle < broad / 3))  # a struck out O
    light = 190 * (1 + uneven * (x - y))
    picture = np.where(letter, 0.2 * light, light).astype(np.uint8)
    (only,) = find_characters(picture if dark else 255 - picture, layout=layout)
    np.testing.assert_allclose(only.box, (margin, margin, 180 + margin, 240 + margin), atol=5)
    assert alike(only, letter) >= 0.75


def test_strips_and_letters_that_the_pictures_edge_cuts_short_are_none():
    letters = [(60 + 60 * number, 60, 60 + 60 * number, 100) for number in range(8)]
    page = drawn_strokes((200, 560), [*letters, (300, 180, 300, 230)], 6)  # of the last 20 pixels are left
    page[80:150, :4] = 40  # a strip of what lies beside the page
    assert [one.line for one in find_characters(page, layout="page")] == [0] * 8


def test_all_ink_of_a_single_picture_is_one_character():
    picture = np.full((300, 300), 240, np.uint8)
    picture[100:200, 140:150] = 20
    picture[60:72, 140:152] = 20  # a dot
    (only,) = find_characters(picture, layout="single")
    np.testing.assert_allclose(only.box, (140, 60, 152, 200), atol=2)
    assert len(find_characters(picture, layout="page")) == 1


@pytest.mark.parametrize(("layout", "share"), [("single", 0.75), ("page", 0.9)])  # a single one's copy is coarser
@pytest.mark.parametrize("width", [6, 25, 60, 110])
def test_a_stroke_is_whole_however_wide_it_is(width, layout, share):
    y, x = np.mgrid[0:500, 0:400]
    distance = np.hypot(y - 250, x - 200)
    ring = (distance < 140) & (distance >= 140 - width)
    light = 230 - 0.2 * x
    (found,) = find_characters(np.where(ring, 0.2 * light, light).astype(np.uint8), layout=layout)
    assert alike(found, ring) >= share


def test_a_dark_corner_is_no_ink_and_a_pale_dot_is_its_letters():
    y, x = np.mgrid[-1:1:500j, -1:1:500j]
    share = np.zeros((500, 500))
    share[240:300, 230:242] = 0.7
    share[205:215, 231:241] = 0.32
    paper = 150 * (1 + 0.3 * x + 0.3 * y) * (1 - share) + np.random.default_rng(0).normal(0, 3, share.shape)
    (only,) = find_characters(np.clip(paper, 0, 255).astype(np.uint8), layout="single")
    np.testing.assert_allclose(only.box, (230, 205, 242, 300), atol=2)


@pytest.mark.parametrize("dark", [0, 60, 120])
def test_a_page_lit_in_its_middle_beside_a_dark_strip_keeps_its_ink(dark):
    """As by a phone's flash; the strip is the table's, and far broader than strokes."""
    strokes = np.zeros((2000, 1640), np.bool_)
    for top in range(100, 1001, 120):
        for left in range(80, 740, 120):
            strokes[top : top + 40, left : left + 6] = strokes[top + 36 : top + 40, left : left + 30] = True
    y, x = np.mgrid[-1:1:2000j, -1:1:1640j]
    page = np.where(strokes, 40, 240) * (0.2 + 0.9 * np.exp(-(x**2 + y**2) / 0.5))
    page[:, 1640 - dark :] = 10
    ink = find_ink(np.clip(page + np.random.default_rng(0).normal(0, 2, page.shape), 0, 255).astype(np.uint8))
    assert ink.mask[strokes].mean() > 0.9
    assert ink.mask[:1100, :800].mean() < 1.8 * strokes[:1100, :800].mean()


def test_what_is_pale_and_far_beside_a_lone_character_is_none_of_it():
    """As what is left of a thumb's outline, or of squared paper."""
    share = np.zeros((500, 500))
    share[240:300, 230:242] = 0.7
    share[200:250, 80:88] = 0.32
    paper = 200 * (1 - share) + np.random.default_rng(0).normal(0, 3, share.shape)
    (only,) = find_characters(np.clip(paper, 0, 255).astype(np.uint8), layout="single")
    np.testing.assert_allclose(only.box, (230, 240, 242, 300), atol=2)


def test_a_layout_that_is_none_is_refused():
    with pytest.raises(UnknownNameError, match="layout 'gird'; did you mean 'grid'"):
        find_characters(np.zeros((9, 9), np.uint8), layout="gird")


def written(size, texts, *, paper=225, ink=40):
    """Paper with texts on it: each with the left upper corner of its first letter, the letters' size and pitch."""
    image = Image.new("L", size, paper)
    pen = ImageDraw.Draw(image)
    for text, left, top, height, pitch in texts:
        font = ImageFont.load_default(height)
        for number, letter in enumerate(text):
            pen.text((left + number * pitch, top), letter, font=font, fill=ink)
    return image


@pytest.mark.parametrize("text", ["A", "235"])
@pytest.mark.parametrize("strip", [54, 126])
@pytest.mark.parametrize("side", range(4))
def test_a_table_that_is_seen_beside_one_edge_of_the_sheet_is_no_ink(text, strip, side):
    plain = written((900, 900), [(text, 250, 350, 100, 130)])
    table = plain.rotate(90 * side)
    ImageDraw.Draw(table).polygon([(0, 0), (strip, 0), (strip + 36, 900), (0, 900)], fill=60)
    light = np.asarray(table) * (1 - 0.3 * np.arange(900) / 900)
    photograph = Image.fromarray(light.astype(np.uint8)).rotate(-90 * side)
    expected = [one.box for one in find_characters(np.asarray(plain), layout="page")]
    found = [one.box for one in find_characters(np.asarray(photograph))]
    assert len(expected) == len(text)
    np.testing.assert_allclose(found, expected, atol=8)


def test_a_long_strip_takes_little_memory():
    strip = np.full((300, 12_000), 230, np.uint8)
    strip[:25] = strip[-25:] = 60
    tracemalloc.start()
    sheet_corners(strip)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * 2**20


@pytest.mark.parametrize("height", [72, 96])
def test_squared_paper_on_which_letters_are_larger_than_squares_is_no_grid(height):
    lines = [("2357948A", 83, 83 + 170 * number, height, 122) for number in range(4)]
    image = written((1240, 900), lines, paper=240)
    expected = len(find_characters(np.asarray(image)))
    pen = ImageDraw.Draw(image)
    for place in range(15, 1240, 40):
        pen.line((place, 0, place, 900), fill=200, width=2)
        pen.line((0, place, 1240, place), fill=200, width=2)
    assert expected == 32
    assert len(find_characters(np.asarray(image))) >= 28


def test_a_heading_joins_no_lines_below_it():
    lines = [(text, 60, 300 + 76 * number, 48, 62) for number, text in enumerate(["2357948", "3579482", "5794823"])]
    found = find_characters(np.asarray(written((1000, 900), [("EXAMPLE", 60, 40, 120, 124), *lines])))
    assert [sum(one.line == line for one in found) for line in range(4)] == [7, 7, 7, 7]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_as_few_boxes_as_one_are_a_grid_where_one_is_asked_for(count):
    image = written((800, 600), [("235"[:count], 118, 206, 60, 80)], paper=245)
    pen = ImageDraw.Draw(image)
    for number in range(count):
        pen.rectangle((100 + 80 * number, 200, 180 + 80 * number, 280), outline=110, width=2)
    found = find_characters(np.asarray(image), layout="grid")
    assert len(found) == count
    assert all(right - left < 60 for left, _, right, _ in (one.box for one in found))


def test_a_curved_line_is_a_line_where_it_is_said_to_be_one():
    places = [(str(digit), 60 + 80 * digit, round(250 + 80 * np.sin(digit)), 60, 0) for digit in range(10)]
    picture = np.asarray(written((900, 600), places))
    found = find_characters(picture, layout="line")
    assert len(found) == 10
    assert {one.line for one in found} == {0}
    lefts = [one.box[0] for one in found]
    assert lefts == sorted(lefts)
    assert len({one.line for one in find_characters(picture, layout="page")}) > 1


def test_the_box_of_a_slanted_letter_is_its_own():
    image = Image.new("L", (400, 400), 235)
    ImageDraw.Draw(image).line((170, 120, 235, 280), fill=30, width=12)
    (found,) = find_characters(np.asarray(image), layout="page")
    np.testing.assert_allclose(found.box, (164, 118, 241, 282), atol=6)


def test_a_shadow_with_clear_edges_on_a_sparse_page_does_not_turn_it_over():
    page = Image.new("L", (800, 1100), 225)
    for column in range(6):
        left = 100 + 90 * column
        ImageDraw.Draw(page).line([left, 150, left, 190, left + 26, 190], fill=60, width=5)
    picture = np.asarray(page, np.float32)
    y, x = np.mgrid[:1100, :800]
    shade = 1 / (1 + np.exp(-np.clip((np.minimum(x - 330, 640 - y)) / 6, -50, 50)))
    assert len(find_characters((picture * (1 - 0.45 * shade)).astype(np.uint8))) == 6
