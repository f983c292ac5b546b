"""Forms: places to write in, and print beside the writing."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from handwriting_cnn.recognition.combs import combs, with_slots
from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.ink import find_ink
from handwriting_cnn.recognition.rules import find_rules

sys.path.insert(0, str(Path(__file__).parent))
from pages import FONT, enlarged, overlaps

PITCH, SIDE, LEFT, TOP, ROW = 100, 88, 110, 120, 160


def sheet():
    image = Image.new("L", (1240, 1000), 240)
    return image, ImageDraw.Draw(image)


def printed(draw, text, place, size):
    draw.text(place, text, font=ImageFont.truetype(str(FONT), size), fill=40)


def written(image, pictures, places, side, seed=0):
    """Write characters into squares at places (left, top); return the picture and the boxes of their ink."""
    random = np.random.default_rng(seed)
    paper, boxes = np.array(image, np.float32), []
    for picture, (left, top) in zip(pictures, places, strict=True):
        ink = enlarged(picture[..., 0], side, random)
        paper[top : top + side, left : left + side] *= 1 - 0.85 * ink
        y, x = np.nonzero(ink > 0.5)
        boxes.append((left + x.min(), top + y.min(), left + x.max() + 1, top + y.max() + 1))
    return np.clip(paper + random.normal(0, 2.5, paper.shape), 0, 255).astype(np.uint8), np.array(boxes)


def form(kind, pictures, *, labels=(), columns=10):
    """Draw a form, a character in each of its places, and labels above its rows."""
    image, draw = sheet()
    places = []
    for number in range(len(pictures)):
        row, column = divmod(number, columns)
        left, top = LEFT + column * PITCH, TOP + row * ROW
        right, bottom = left + PITCH, top + SIDE
        if kind == "comb":
            draw.line([left, bottom, right, bottom], fill=60, width=2)
            for x in (left, right):
                draw.line([x, bottom - 30, x, bottom], fill=60, width=2)
        elif kind == "open boxes":
            draw.line([left, top, left, bottom, right, bottom, right, top], fill=60, width=2)
        elif kind == "dashes":
            draw.line([left + 8, bottom, right - 8, bottom], fill=60, width=2)
        elif kind == "boxes":
            draw.rectangle([left, top, left + SIDE, bottom], outline=60, width=2)
        places.append((left + 18, top + 12))
    for row, label in enumerate(labels):
        printed(draw, label, (LEFT, TOP + row * ROW - 30), 18)
    return written(image, pictures, places, 64)


def assert_found(picture, boxes):
    found = np.array([one.box for one in find_characters(picture)]).reshape(-1, 4)
    assert len(found) == len(boxes)
    assert (overlaps(boxes, found).max(axis=1) >= 0.5).all()


@pytest.fixture
def some_digits(digits):
    """Forty digits in one piece each: a five in two is found as two where they stand apart."""
    return digits.test.images[np.isin(digits.test.labels, (0, 2, 3, 6, 8, 9))][:40]


@pytest.mark.parametrize("kind", ["comb", "open boxes", "dashes", "boxes"])
@pytest.mark.parametrize("count", [40, 13])
def test_the_places_to_write_in_are_no_characters(kind, count, some_digits):
    assert_found(*form(kind, some_digits[:count]))


@pytest.mark.parametrize("kind", ["comb", "open boxes", "dashes", "boxes"])
def test_places_that_lean_are_no_characters(kind, some_digits):
    picture, _ = form(kind, some_digits)
    leaning = Image.fromarray(picture).rotate(1.3, Image.Resampling.BICUBIC, fillcolor=240)
    assert len(find_characters(np.asarray(leaning))) == 40


@pytest.mark.parametrize("degrees", [0.3, 0.5, 1.3])
@pytest.mark.parametrize("blur", [1.0, 1.6, 2.2])
def test_boxes_seen_by_a_camera_are_cells(degrees, blur, some_digits):
    picture, _ = form("boxes", some_digits, labels=["Name", "Place of birth", "Street", "Date"])
    leaning = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=240)
    found = find_characters(np.asarray(leaning.filter(ImageFilter.GaussianBlur(blur))))
    assert [one.line for one in found] == [row for row in range(4) for _ in range(10)]


@pytest.mark.parametrize("kind", ["comb", "open boxes", "dashes", "boxes"])
def test_labels_are_neither_characters_nor_parts_of_one(kind, some_digits):
    assert_found(
        *form(kind, some_digits, labels=("Surname and initials", "Place of residence", "Profession", "Number"))
    )


def test_letters_of_three_teeth_are_no_combs():
    image, draw = sheet()
    for number in range(8):
        left, top = LEFT + 120 * number, TOP
        draw.line([left, top, left, top + 60, left + 60, top + 60, left + 60, top], fill=40, width=4)
        draw.line([left + 30, top, left + 30, top + 60], fill=40, width=4)
    found = np.array([one.box for one in find_characters(np.asarray(image))])
    assert len(found) == 8
    np.testing.assert_allclose(found[:, 2] - found[:, 0], 64, atol=4)


def test_small_letters_beside_large_ones_are_no_print():
    image, draw = sheet()
    for row in range(3):
        for number in range(16):  # a large letter in four, the others 0.5 times as high
            high = 60 if number % 4 == 0 else 30
            left, bottom = LEFT + 60 * number, TOP + 120 * row + 60
            draw.line([left, bottom - high, left, bottom, left + high // 2, bottom], fill=40, width=5)
    assert len(find_characters(np.asarray(image))) == 48


@pytest.mark.parametrize("counts", [(1, 2, 3, 4), (2,), (1, 2)])
def test_the_cells_of_a_table_may_hold_numbers(counts, some_digits):
    image, draw = sheet()
    places = []
    for number in range(40):
        row, column = divmod(number, 5)
        left, top = LEFT + 200 * column, 100 + 80 * row
        draw.rectangle([left, top, left + 200, top + 80], outline=60, width=2)
        places += [(left + 12 + 46 * digit, top + 15) for digit in range(counts[number % len(counts)])]
    picture, boxes = written(image, np.tile(some_digits, (3, 1, 1, 1))[: len(places)], places, 46)
    assert_found(picture, boxes)
    assert len(find_characters(picture, layout="grid")) == 40  # that is to say: one a cell


@pytest.mark.parametrize("aligned", ["left", "right"])
def test_numbers_printed_in_cells_are_no_parts_of_characters(aligned, some_digits):
    image, draw = sheet()
    places = []
    for number in range(40):
        row, column = divmod(number, 10)
        left, top = LEFT + PITCH * column, 100 + PITCH * row
        draw.rectangle([left, top, left + PITCH, top + PITCH], outline=60, width=2)
        where, anchor = (left + 6, "lt") if aligned == "left" else (left + PITCH - 6, "rt")
        font = ImageFont.truetype(str(FONT), 14)
        draw.text((where, top + 6), str(number + 1), font=font, fill=90, anchor=anchor)
        places.append((left + 18, top + 26))
    assert_found(*written(image, some_digits, places, 64))


def test_a_word_between_two_rows_of_boxes_is_in_no_cell():
    image, draw = sheet()
    for row in range(3):
        for column in range(6):
            left, top = LEFT + PITCH * column, TOP + 130 * row
            draw.rectangle([left, top, left + SIDE, top + SIDE], outline=60, width=2)
            draw.line([left + 30, top + 15, left + 30, top + 70, left + 60, top + 70], fill=40, width=5)
        if row:
            draw.line([LEFT + 10, top - 20, LEFT + 70, top - 28], fill=40, width=4)
    assert len(find_characters(np.asarray(image))) == 18


@pytest.mark.parametrize("size", [(460, 130), (560, 130), (500, 300)])
def test_a_letter_on_a_comb_is_no_picture_of_one_character(size):
    image = Image.new("L", size, 240)
    draw = ImageDraw.Draw(image)
    bottom, count = size[1] - 25, (size[0] - 60) // 100
    draw.line([30, bottom, 30 + 100 * count, bottom], fill=60, width=3)
    for tooth in range(count + 1):
        draw.line([30 + 100 * tooth, bottom - 50, 30 + 100 * tooth, bottom], fill=60, width=3)
    printed(draw, "B", (160, bottom - 70), 60)
    (found,) = find_characters(np.asarray(image))
    assert found.box[2] - found.box[0] < 60


@pytest.mark.parametrize("start", [-60, 20, 260])
def test_the_cells_of_a_grid_that_the_pictures_edge_cuts_are_cells(start):
    image = Image.new("L", (800, 800), 240)
    draw = ImageDraw.Draw(image)
    whole = 0
    for row in range(6):
        for column in range(6):
            left, top = 100 + 100 * column, start + 100 * row
            draw.rectangle([left, top, left + 100, top + 100], outline=60, width=3)
            draw.line([left + 30, top + 20, left + 30, top + 75, left + 60, top + 75], fill=40, width=5)
            whole += top >= 0 and top + 100 < 800
    found = find_characters(np.asarray(image))
    assert len({one.line for one in found}) >= whole // 6
    assert len(found) >= whole


def test_joined_writing_is_no_print():
    image, draw = sheet()
    for number in range(36):
        left, top = 90 + 170 * (number % 6), 100 + 120 * (number // 6)
        wave = [(left + x, top + 22 + 22 * np.sin(x / 12 + number)) for x in range(150)]
        draw.line(wave, fill=40, width=5)
    assert len(find_characters(np.asarray(image), layout="page")) >= 6


@pytest.mark.parametrize("jitter", [1, 2, 4])
def test_what_goes_with_the_character_of_each_cell_is_a_part_of_it(jitter):
    image, draw = sheet()
    random = np.random.default_rng(0)
    for number in range(36):
        left, top = 100 + PITCH * (number % 6), 100 + PITCH * (number // 6)
        draw.rectangle([left, top, left + PITCH, top + PITCH], outline=60, width=2)
        x, y = left + random.integers(-jitter, jitter + 1), top + random.integers(-jitter, jitter + 1)
        draw.arc([x + 25, y + 20, x + 75, y + 60], 0, 180, fill=40, width=6)
        draw.ellipse([x + 46, y + 72, x + 54, y + 80], fill=40)
    found = find_characters(np.asarray(image))
    assert len(found) == 36
    assert min(one.box[3] - one.box[1] for one in found) >= 38


def test_characters_of_two_strokes_in_cells_are_one_each():
    image, draw = sheet()
    for number in range(36):
        left, top = 100 + PITCH * (number % 6), 100 + PITCH * (number // 6)
        draw.rectangle([left, top, left + PITCH, top + PITCH], outline=60, width=2)
        draw.line([left + 25, top + 20, left + 25, top + 80], fill=40, width=5)
        draw.line([left + 70, top + 20, left + 40, top + 50, left + 70, top + 80], fill=40, width=5)
    assert len(find_characters(np.asarray(image))) == 36


@pytest.mark.parametrize("radius", [250, 370])
@pytest.mark.parametrize("penumbra", [6, 12])
def test_a_shadow_across_a_grid_is_no_ink(radius, penumbra, some_digits):
    image = Image.new("L", (1240, 1500), 240)
    draw = ImageDraw.Draw(image)
    places = []
    for number in range(40):
        row, column = divmod(number, 8)
        left, top = 150 + PITCH * column, 150 + PITCH * row
        draw.rectangle([left, top, left + PITCH, top + PITCH], outline=60, width=3)
        places.append((left + 25, top + 25))
    picture, _ = written(image, some_digits, places, 50)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    inside = (np.hypot(y - 525, x - 496) - radius) / penumbra
    shaded = picture * (1 - 0.45 / (1 + np.exp(np.clip(inside, -50, 50))))
    found = find_characters(np.asarray(Image.fromarray(shaded.astype(np.uint8)).reduce(2)))
    assert [one.line for one in found] == [row for row in range(5) for _ in range(8)]


def test_lines_hidden_by_the_letters_across_them_are_lines(digits):
    """On squared paper, with each line of writing along a printed one, that shows only between the letters."""
    image, draw = sheet()
    for x in range(20, 1240, 40):
        draw.line([(x, 0), (x, 1000)], 150, 2)
    for y in range(20, 1000, 40):
        draw.line([(0, y), (1240, y)], 150, 2)
    places = [(70 + column * 110, 109 + row * 160) for row in range(5) for column in range(10)]
    picture, truth = written(image, digits.test.images[:50], places, 62)
    away = np.ones(picture.shape, np.bool_)
    for left, top, right, bottom in truth:
        away[top - 12 : bottom + 12, left - 12 : right + 12] = False
    ink = find_ink(picture)
    free = find_rules(ink, least=0.4).free
    assert (free & away).sum() < 0.05 * (ink.mask & away).sum()


def test_a_forms_furniture_does_not_hide_its_boxes(digits):
    """Squares in the corners, a large title and a bar code have as much ink as what is written in the boxes."""
    picture, truth = form("boxes", digits.test.images[:40])
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for x in (15, 590, 1160):
        for y in (20, 930):
            draw.rectangle([x, y, x + 62, y + 62], fill=30)
    random = np.random.default_rng(0)
    for x in range(780, 1130, 7):
        draw.rectangle([x, 12, x + int(random.integers(1, 5)), 84], fill=30)
    for y, text in ((15, "Examination"), (780, "Thank you for your handwriting"), (870, "University of Letters")):
        draw.text((100, y), text, 30, ImageFont.truetype(str(FONT), 64))
    found = np.array([one.box for one in find_characters(np.asarray(image))])
    match = overlaps(truth, found)
    assert (match.max(axis=1) >= 0.5).all()
    assert (match.max(axis=0) < 0.5).sum() <= 1


def circles(*, radius, pitch, hollow=True):
    """Draw rows of printed circles with a digit in each, and a heading; return the picture and the digits' boxes."""
    image, draw = sheet()
    printed(draw, "Write one digit in each circle", (LEFT, 30), 36)
    font, boxes = ImageFont.truetype(str(FONT), 50), []
    for number in range(54):
        row, column = divmod(number, 9)
        x, y = LEFT + radius + column * pitch, TOP + radius + row * pitch
        if hollow:
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=70, width=2)
        else:
            draw.rounded_rectangle([x - radius, y - radius, x + radius, y + radius], 12, outline=70, width=2)
        draw.text((x, y), "23689"[number % 5], 40, font, anchor="mm")
        boxes.append(draw.textbbox((x, y), "23689"[number % 5], font, anchor="mm"))
    return np.asarray(image), np.array(boxes)


@pytest.mark.parametrize("pitch", [94, 110])  # of which the smaller lets circles nearly touch
@pytest.mark.parametrize("hollow", [True, False])
@pytest.mark.parametrize("degrees", [0, 2])
def test_printed_circles_and_round_boxes_are_cells(pitch, hollow, degrees):
    picture, boxes = circles(radius=44, pitch=pitch, hollow=hollow)
    leaning = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=240)
    if degrees:
        assert len(find_characters(np.asarray(leaning))) == 54
    else:
        assert_found(picture, boxes)


def test_written_circles_are_no_cells():
    """Zeros, some with a dot inside, as some write them, and others of a size with something larger inside."""
    random = np.random.default_rng(0)
    image, draw = sheet()
    for number in range(60):
        row, column = divmod(number, 10)
        x, y = LEFT + 50 + column * PITCH, TOP + 50 + row * 120
        width, height = random.uniform(18, 26), random.uniform(26, 36)
        draw.ellipse([x - width, y - height, x + width, y + height], outline=40, width=5)
        if number % 3 == 0:
            draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=40)
    assert len(find_characters(np.asarray(image))) == 60


def test_lines_to_write_on_below_each_other_are_no_characters():
    image, draw = sheet()
    font, boxes = ImageFont.truetype(str(FONT), 44), []
    for number in range(18):
        row, column = divmod(number, 3)
        left, y = 160 + column * 380, 130 + row * 140
        draw.line([left, y + 8, left + 130, y + 8], fill=60, width=2)
        draw.text((left + 50, y), "ABCD"[number % 4], 40, font, anchor="ls")
        boxes.append(draw.textbbox((left + 50, y), "ABCD"[number % 4], font, anchor="ls"))
    assert_found(np.asarray(image), np.array(boxes))


def test_the_bars_of_letters_below_each_other_are_no_lines():
    image, draw = sheet()
    for number in range(54):
        left, top = LEFT + number // 6 * PITCH, TOP + number % 6 * 120
        draw.line([left, top, left + 50, top], fill=40, width=6)
        draw.line([left + 25, top, left + 25, top + 60], fill=40, width=6)
    found = find_characters(np.asarray(image))
    assert len(found) == 54
    assert all(one.box[3] - one.box[1] > 55 for one in found)


@pytest.mark.parametrize("boxed", [True, False])
def test_circled_digits_are_characters(boxed):
    """In the cells of a grid, or alone; as unlike each other as a hand makes them."""
    random = np.random.default_rng(1)
    image, draw = sheet()
    font = ImageFont.truetype(str(FONT), 30)
    for number in range(40):
        left, top = LEFT + number % 8 * PITCH, TOP + number // 8 * PITCH
        if boxed:
            draw.rectangle([left, top, left + PITCH, top + PITCH], outline=70, width=2)
        x, y = left + 50 + random.integers(-5, 6), top + 50 + random.integers(-5, 6)
        width, height = random.uniform(24, 32), random.uniform(24, 32)
        draw.ellipse([x - width, y - height, x + width, y + height], outline=40, width=4)
        draw.text((x, y), "12345"[number % 5], 40, font, anchor="mm")
    found = find_characters(np.asarray(image))
    assert len(found) == 40
    assert all(one.box[3] - one.box[1] > 45 for one in found)


@pytest.mark.parametrize("radii", [(44, 44), (46, 30)])
def test_circles_of_two_sizes_are_cells(radii):
    image, draw = sheet()
    font, boxes = ImageFont.truetype(str(FONT), 34), []
    for number in range(32):
        x, y, radius = LEFT + 50 + number % 8 * PITCH, TOP + 50 + number // 8 * 110, radii[number // 16]
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=70, width=2)
        draw.text((x, y), "23689"[number % 5], 40, font, anchor="mm")
        boxes.append(draw.textbbox((x, y), "23689"[number % 5], font, anchor="mm"))
    assert_found(np.asarray(image), np.array(boxes))


def test_places_of_combs_beside_boxes_are_cells(some_digits):
    image, draw = sheet()
    places = []
    for number in range(30):
        row, column = divmod(number, 10)
        left, top = LEFT + column * PITCH, TOP + row * ROW
        if row == 1:
            draw.line([left, top + SIDE, left + PITCH, top + SIDE], fill=60, width=2)
            for x in (left, left + PITCH):
                draw.line([x, top + SIDE - 30, x, top + SIDE], fill=60, width=2)
        else:
            draw.rectangle([left, top, left + SIDE, top + SIDE], outline=60, width=2)
        places.append((left + 14, top + 12))
    assert_found(*written(image, some_digits[:30], places, 60))


def dates(boxes):
    """Draw dates in combs of two, two and four places, their outer teeth longer; the first rows have boxes instead."""
    image, draw = sheet()
    font, random, found = ImageFont.truetype(str(FONT), 52), np.random.default_rng(0), []
    for row in range(5):
        left, bottom = LEFT, TOP + row * ROW + SIDE
        for count in (2, 2, 4):
            right = left + count * PITCH
            if row < boxes:
                for x in range(left, right, PITCH):
                    draw.rectangle([x, bottom - SIDE, x + PITCH, bottom], outline=60, width=2)
            else:
                draw.line([left, bottom, right, bottom], fill=60, width=2)
                for x in range(left, right + 1, PITCH):
                    draw.line([x, bottom - (SIDE if x in (left, right) else 40), x, bottom], fill=60, width=2)
            for x in range(left, right, PITCH):
                place, digit = (x + 50, bottom - int(random.integers(18))), str(random.integers(10))
                draw.text(place, digit, 40, font, anchor="mb")  # of some of which the line is touched
                found.append(draw.textbbox(place, digit, font, anchor="mb"))
            left = right + 40
            if count == 2:
                draw.line([left - 32, bottom + 4, left - 10, bottom - SIDE], fill=60, width=2)
    return image, np.array(found)


@pytest.mark.parametrize("boxes", [0, 2])
@pytest.mark.parametrize("degrees", [0, 0.6])
def test_short_combs_beside_long_ones_have_places(boxes, degrees):
    image, places = dates(boxes)
    if degrees:
        found = find_characters(np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=240)))
        assert [one.line for one in found] == [row for row in range(5) for _ in range(8)]
    else:
        assert_found(np.asarray(image), places)


def comb(draw, left, bottom, count, pitch, tooth):
    draw.line([left, bottom, left + count * pitch, bottom], fill=60, width=2)
    for x in range(left, left + count * pitch + 1, pitch):
        draw.line([x, bottom - tooth, x, bottom], fill=60, width=2)


def digits_in(draw, left, bottom, count, pitch, random):
    """Write digits closely above a comb's line and return their boxes."""
    font, boxes = ImageFont.truetype(str(FONT), 40), []
    for x in range(left, left + count * pitch, pitch):
        place, digit = (
            (x + pitch // 2 + int(random.integers(-7, 8)), bottom - 4 - int(random.integers(12))),
            random.integers(10),
        )
        draw.text(place, str(digit), 40, font, anchor="mb")
        boxes.append(draw.textbbox(place, str(digit), font, anchor="mb"))
    return boxes


@pytest.mark.parametrize("tooth", [14, 24])
@pytest.mark.parametrize("count", [8, 20])
@pytest.mark.parametrize("tint", [240, 225])
def test_framed_places_with_short_teeth_are_those_of_a_comb(count, tooth, tint):
    """As on the slip of a bank, with a title above."""
    image, draw = sheet()
    random, boxes, pitch = np.random.default_rng(0), [], 52
    draw.rectangle([40, 40, 1200, 960], fill=tint)
    printed(draw, "Credit transfer in Europe", (60, 50), 36)
    for bottom in range(220, 941, 120):
        draw.rectangle([70, bottom - 64, 70 + count * pitch, bottom], fill=245, outline=60, width=2)
        comb(draw, 70, bottom, count, pitch, tooth)
        boxes += digits_in(draw, 70, bottom, count, pitch, random)
    assert_found(np.asarray(image), np.array(boxes))


def test_a_comb_in_a_tables_cell_has_places():
    image, draw = sheet()
    random, boxes = np.random.default_rng(0), []
    for row in range(5):
        top = 100 + 130 * row
        for left, right in ((80, 640), (640, 1160)):
            draw.rectangle([left, top, right, top + 130], outline=60, width=3)
        for left, count in ((120, 8), (700, 5)):
            comb(draw, left, top + 95, count, 54, 22)
            boxes += digits_in(draw, left, top + 95, count, 54, random)
    assert_found(np.asarray(image), np.array(boxes))


def test_places_of_a_comb_are_cells_and_the_rest_of_their_cell_is_none():
    cells, slots = np.zeros((2, 60, 120), np.int32)
    cells[:, :50], cells[:, 60:] = 1, 2
    for number in range(3):
        slots[20:40, 5 + 12 * number : 15 + 12 * number] = number + 1
    together = with_slots(cells, slots)
    assert sorted(np.unique(together)) == [0, 1, 2, 3, 4]
    assert (np.diff(np.unique(np.stack([slots, together]).reshape(2, -1)[:, slots.ravel() > 0], axis=1)) == 1).all()
    np.testing.assert_array_equal(together > 0, (slots > 0) | (cells == 2))
    np.testing.assert_array_equal(with_slots(cells, np.zeros_like(slots)), cells)


def test_what_is_written_beside_few_combs_is_found():
    image, draw = sheet()
    random, font, boxes = np.random.default_rng(0), ImageFont.truetype(str(FONT), 48), []
    for bottom in (140, 240):
        comb(draw, 100, bottom, 10, 60, 20)
        boxes += digits_in(draw, 100, bottom, 10, 60, random)
    for number in range(48):
        place, letter = (120 + number % 12 * 84, 400 + number // 12 * 130), "EKMHRADZ"[number % 8]
        draw.text(place, letter, 40, font, anchor="mm")
        boxes.append(draw.textbbox(place, letter, font, anchor="mm"))
    assert_found(np.asarray(image), np.array(boxes))


@pytest.mark.parametrize("size", [22, 28])
def test_numbers_names_and_letters_printed_in_a_table_are_no_characters(size):
    image, draw = sheet()
    random, small, boxes = np.random.default_rng(0), ImageFont.truetype(str(FONT), size), []
    names = ["Adams", "Brown", "Clark", "Evans", "Frank", "Hill", "Irwin", "Moore"]
    for row in range(9):
        for column, left in enumerate((60, 150, 400, 550, 700, 850, 1000)):
            right, top = (150, 400, 550, 700, 850, 1000, 1150)[column], 40 + 95 * row
            draw.rectangle([left, top, right, top + 95], outline=60, width=2)
            middle = ((left + right) // 2, top + 48)
            if row == 0 or column < 2:
                heading, named = ("No", "Name", *"ABCDE")[column], (str(row), names[row - 1])[min(column, 1)]
                draw.text(middle, named if row else heading, 60, small, anchor="mm")
            else:
                font, digit = ImageFont.truetype(str(FONT), int(random.integers(48, 66))), str(random.integers(10))
                place = np.add(middle, random.integers(-12, 13, 2)).tolist()
                draw.text(place, digit, 40, font, anchor="mm")
                boxes.append(draw.textbbox(place, digit, font, anchor="mm"))
    assert_found(np.asarray(image), np.array(boxes))


@pytest.mark.parametrize("gap", [0, 7])
def test_stems_of_letters_that_stand_apart_make_no_comb(gap):
    """As those of a printed title, whose feet stand in a line."""
    across, down = np.zeros((2, 300, 900), np.bool_)
    for x in range(50, 850, 20):
        across[150:153, x : x + 21 - gap] = across[150:153, 840:851] = True
    for x in range(50, 851, 40):
        down[130:150, x : x + 3] = True
    places = combs((across, down), across | down, 10)[2]
    assert places.max() == (0 if gap else 20)


@pytest.mark.parametrize("walls", [False, True])
def test_strokes_beside_the_walls_that_cross_a_line_make_no_comb(walls):
    """As the first strokes of printed numbers in a calendar's days do."""
    across, down = np.zeros((2, 300, 900), np.bool_)
    across[150:153, 50:851] = True
    for x in range(50, 851, 160):
        down[155:175, x + 10 : x + 12] = down[155:175, x + 20 : x + 22] = 50 < x < 850
        if walls or x in (50, 850):
            down[155:250, x - 1 : x + 2] = True
        if walls:
            down[50:148, x - 1 : x + 2] = True
    places = combs((across, down), across | down, 10)[2]
    assert places.max() == (0 if walls else 5)


def test_a_label_at_one_place_of_each_cell_is_printed_be_it_another_in_each():
    image, draw = sheet()
    font, small = (ImageFont.truetype(str(FONT), size) for size in (44, 15))
    random, boxes = np.random.default_rng(0), []
    for number in range(48):
        left, top = LEFT + number % 8 * PITCH, TOP + number // 8 * PITCH
        draw.rectangle([left, top, left + PITCH, top + PITCH], outline=60, width=2)
        letter = "ABDEFHKLMNPRSTUVXYZ"[number % 19]
        draw.text((left + 6, top + 5), letter, 60, small)
        x, y = left + 52 + random.integers(-6, 7), top + 56 + random.integers(-5, 6)
        draw.text((x, y), letter, 40, font, anchor="mm")
        boxes.append(draw.textbbox((x, y), letter, font, anchor="mm"))
    assert_found(np.asarray(image), np.array(boxes))


@pytest.mark.parametrize("shift", [0, 26])
def test_boxes_beside_a_larger_frame_are_cells(shift, some_digits):
    """As those of a postal code beside the frame for the stamp, which is seven times as large."""
    image, draw = sheet()
    draw.rectangle([940, 90, 1140, 310], outline=70, width=3)
    printed(draw, "stamp", (990, 180), 30)
    for top in (430, 530, 630):
        draw.line([600, top, 1160, top], fill=80, width=3)
    places = [(120 + 76 * number, 760) for number in range(6)]
    for left, top in places:
        draw.rectangle([left, top, left + 66, top + 98], outline=70, width=3)
    spots = [(left + 4, top + 18) for left, top in places]
    spots[-1] = (spots[-1][0] + shift, spots[-1][1])  # across its wall
    assert_found(*written(image, some_digits[:6], spots, 58))


def test_each_of_the_boxes_in_a_tint_is_a_cell_whatever_its_walls_are(some_digits):
    """The gaps between them are about as broad as a line may be at most, and the rows are of several lengths."""
    image = Image.new("RGB", (1600, 1000), (246, 247, 244))
    draw = ImageDraw.Draw(image)
    draw.rectangle([80, 60, 1500, 940], (205, 238, 212))
    places = []
    for row, count in enumerate((12, 8, 5, 11)):
        for column in range(count):
            left, top = 130 + 84 * column, 130 + 174 * row
            draw.rectangle([left, top, left + 72, top + 82], (255, 255, 255), (160, 205, 170), 2)
            places.append((left + (column * 5 + row) % 15, top + 12 + column % 5))
    leaning = image.rotate(-0.7, Image.Resampling.BICUBIC, fillcolor=(246, 247, 244))
    grey = leaning.filter(ImageFilter.GaussianBlur(0.8)).convert("L")
    turned = np.deg2rad(0.7)
    spots = [
        (
            round(800 + (x - 800) * np.cos(turned) - (y - 500) * np.sin(turned)),
            round(500 + (x - 800) * np.sin(turned) + (y - 500) * np.cos(turned)),
        )
        for x, y in places
    ]
    assert_found(*written(grey, np.resize(some_digits, (36, *some_digits.shape[1:])), spots, 58))


@pytest.mark.parametrize("mark", [")", "."])
@pytest.mark.parametrize("dashes", [False, True])
def test_the_printed_numbers_of_a_list_are_no_characters(mark, dashes, some_digits):
    image, draw = sheet()
    places = []
    for number in range(24):
        left, top = 130 + 380 * (number // 8), 80 + 105 * (number % 8)
        printed(draw, f"{number + 1}{mark}", (left, top + 26), 38)
        if dashes:
            draw.line([left + 70, top + 82, left + 230, top + 82], fill=80, width=3)
        places.append((left + 90 + number * 7 % 40, top))
    assert_found(*written(image, some_digits[:24], places, 70))


def test_a_column_of_small_characters_is_no_list_of_numbers():
    """They are as even as print, but one sign, or not as far from each other, or other ink is among them."""
    image, draw = sheet()
    for row in range(9):
        for column in range(8):
            left, top = 120 + 130 * column, 80 + 95 * row
            high = 60 if (row + column) % 3 == 0 else 34
            if column == 0:
                top, high = top + row * row * 3 // 2, 34
            draw.line([left, top, left, top + high, left + 20 + row * 2, top + high], fill=40, width=5)
    assert len(find_characters(np.asarray(image))) == 72


@pytest.mark.parametrize("shown", [24, 12])
def test_a_paragraph_beside_fewer_letters_is_print(shown, some_digits):
    """It has more ink than what is written, and rows of its strokes are no lines."""
    image, draw = sheet()
    text = "Please write one digit in each of these places with a dark pen and touch no line of this sheet at all "
    font = ImageFont.truetype(str(FONT.with_name("DejaVuSerif.ttf")), 24)
    for row in range(7):
        draw.text((90, 50 + 36 * row), (2 * text)[13 * row : 13 * row + 74], 40, font)
    columns = shown // 3
    places = [(130 + 130 * (number % columns), 350 + 150 * (number // columns)) for number in range(shown)]
    assert_found(*written(image, some_digits[:shown], places, 66))


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize(("size", "strays", "are_models"), [(40, 9, True), (40, 1, False), (76, 9, False)])
def test_printed_models_of_what_is_written_beside_them_are_no_characters(size, strays, are_models, across, some_digits):
    """They are told by their size, and by the middle of their cells, if what is written strays from it."""
    image = Image.new("L", (1200, 1200), 240)
    draw = ImageDraw.Draw(image)
    random, font = np.random.default_rng(0), ImageFont.truetype(str(FONT), size)
    for line in range(13):
        draw.line([(60, 60 + 86 * line), (60 + 86 * 12, 60 + 86 * line)], 70, 2)
        draw.line([(60 + 86 * line, 60), (60 + 86 * line, 60 + 86 * 12)], 70, 2)
    places = []
    for number in range(144):
        row, column = divmod(number, 12)
        left_edge, top = 60 + 86 * column, 60 + 86 * row
        if (row if across else column) == 0:
            draw.text((left_edge + 43, top + 43), "ABDEFHKLMNRS"[column if across else row], 40, font, anchor="mm")
        else:
            places.append(np.array([left_edge + 15, top + 12]) + random.integers(-strays, strays + 1, 2))
    picture, boxes = written(image, np.resize(some_digits, (132, *some_digits.shape[1:])), places, 58)
    found = np.array([one.box for one in find_characters(picture)])
    assert (overlaps(boxes, found).max(axis=1) >= 0.5).all()
    assert len(found) == 132 if are_models else len(found) >= 141
