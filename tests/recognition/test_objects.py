"""Pages with more on or around them than writing: dark borders, a pen, a cloth, coloured ground, thick frames."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.ink import find_ink
from handwriting_cnn.recognition.objects import without_objects

sys.path.insert(0, str(Path(__file__).parent))
from pages import FONT, draw_page, overlaps


@pytest.fixture(scope="module")
def page(digits):
    return draw_page(digits.test.images[:60], digits.test.labels[:60], columns=10, seed=3, size=30)


def found_on(image):
    return np.array([one.box for one in find_characters(image)]).reshape(-1, 4)


def assert_all_are_found(image, truth, *, others=0):
    boxes = found_on(image)
    match = overlaps(truth, boxes)
    assert (match.max(axis=1) >= 0.5).mean() >= 0.98
    assert (match.max(axis=0) < 0.5).sum() <= others


@pytest.mark.parametrize("thick", [18, 25])
def test_a_scanners_dark_border_along_two_sides_is_no_writing(page, thick):
    image = Image.fromarray(page.image)
    height, width = page.image.shape[:2]
    draw = ImageDraw.Draw(image)  # the sheet lay askew
    draw.polygon([(width - thick // 2, 0), (width, 0), (width, height), (width - thick, height)], (12, 12, 12))
    draw.polygon([(0, height - thick), (width, height - thick // 2), (width, height), (0, height)], (12, 12, 12))
    assert_all_are_found(np.asarray(image), page.boxes)


@pytest.mark.parametrize("thick", [40, 60])
def test_a_pen_on_the_sheet_is_no_character_with_all_others_as_its_marks(page, thick):
    image = Image.fromarray(page.image)
    ImageDraw.Draw(image).line([(260, 900), (980, 1680)], (20, 30, 90), thick)
    assert_all_are_found(np.asarray(image), page.boxes)


@pytest.mark.parametrize("ground", [(205, 222, 238), (222, 222, 222)], ids=["blue", "grey"])
def test_white_boxes_on_a_coloured_ground_hold_characters(digits, ground):
    pictures, truth = digits.test.images[:60], []
    image = np.full((1100, 1240, 3), 248, np.uint8)
    image[80:955, 70:1170] = ground
    for number, picture in enumerate(pictures):
        row, column = divmod(number, 10)
        left, top = 95 + column * 107, 110 + row * 145
        ink = np.asarray(Image.fromarray(picture[..., 0]).resize((62, 62), Image.Resampling.BICUBIC)) > 110
        image[top : top + 86, left : left + 86] = 248
        image[top + 12 : top + 74, left + 12 : left + 74][ink] = 40
        y, x = np.nonzero(ink)
        truth.append((left + 12 + x.min(), top + 12 + y.min(), left + 13 + x.max(), top + 13 + y.max()))
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    assert_all_are_found(np.clip(image + noise, 0, 255).astype(np.uint8), np.array(truth), others=3)


@pytest.mark.parametrize("cloth", [(60, 90, 160), (150, 40, 40)])
def test_a_chequered_cloth_as_bright_as_the_paper_is_no_writing(page, cloth):
    height, width = page.image.shape[0] + 240, page.image.shape[1] + 240
    y, x = np.mgrid[:height, :width] // 60 % 2
    weave = np.where((y + x)[..., None] == 0, 235, np.where((y * x)[..., None] == 1, cloth, np.add(cloth, 235) // 2))
    image = weave.astype(np.uint8)
    image[120:-120, 120:-120] = page.image
    boxes = found_on(image)
    match = overlaps(page.boxes + 120, boxes)
    assert (match.max(axis=1) >= 0.5).mean() >= 0.95


@pytest.mark.parametrize("thick", [2, 9, 14, 20, 30])
def test_a_table_with_a_thick_frame_is_a_grid(digits, thick):
    image = Image.new("L", (1240, 1000), 240)
    draw, truth = ImageDraw.Draw(image), []
    for column in range(11):
        draw.line([(80 + column * 100, 100), (80 + column * 100, 700)], 60, 2)
    for row in range(7):
        draw.line([(80, 100 + row * 100), (1080, 100 + row * 100)], 60, 2)
    draw.rectangle([80 - thick, 100 - thick, 1080 + thick, 700 + thick], outline=40, width=thick)
    pixels = np.array(image)
    for number, picture in enumerate(digits.test.images[:60]):
        row, column = divmod(number, 10)
        left, top = 80 + column * 100 + 20, 100 + row * 100 + 20
        ink = np.asarray(Image.fromarray(picture[..., 0]).resize((60, 60), Image.Resampling.BICUBIC)) > 110
        pixels[top : top + 60, left : left + 60][ink] = 40
        y, x = np.nonzero(ink)
        truth.append((left + x.min(), top + y.min(), left + 1 + x.max(), top + 1 + y.max()))
    assert_all_are_found(pixels, np.array(truth))


def test_few_characters_do_not_show_what_is_large():
    image = Image.new("L", (600, 400), 235)
    draw = ImageDraw.Draw(image)
    draw.line([(60, 200), (540, 220)], 40, 40)
    for column in range(5):
        draw.ellipse([80 + column * 90, 60, 110 + column * 90, 100], outline=40, width=6)
    ink = find_ink(np.asarray(image))
    assert without_objects(ink) is ink


def test_of_a_large_piece_only_what_is_broad_is_left_out(page):
    image = Image.fromarray(page.image).convert("L")
    draw = ImageDraw.Draw(image)
    draw.rectangle([60, 1000, 1180, 1500], outline=60, width=3)
    draw.rectangle([60, 1000, 1180, 1060], fill=60)
    ink = find_ink(np.asarray(image))
    left = without_objects(ink)
    frame = np.zeros(ink.mask.shape, np.bool_)
    frame[1100:1502, 58:64] = frame[1100:1502, 1176:1183] = frame[1497:1502, 60:1180] = True
    assert (left.mask & frame).sum() >= 0.95 * (ink.mask & frame).sum()
    assert left.mask[1000:1061, 60:1180].mean() < 0.05
    assert left.levels[1010:1050, 100:1100].max() == 0
    assert left.stroke < ink.stroke


@pytest.mark.parametrize("layout", ["auto", "page"])
def test_a_large_letter_among_dots_or_above_a_caption_is_no_object(layout):
    dotted, captioned = Image.new("L", (600, 600), 232), Image.new("L", (600, 600), 232)
    draw = ImageDraw.Draw(dotted)
    for y in range(20, 600, 50):
        for x in range(20, 600, 50):
            draw.ellipse([x, y, x + 4, y + 4], fill=120)
    draw.text((150, 60), "R", 40, ImageFont.truetype(str(FONT), 350))
    draw = ImageDraw.Draw(captioned)
    draw.text((150, 60), "Ж", 40, ImageFont.truetype(str(FONT), 300))
    draw.text((180, 520), "Letter Zh, No. 12", 40, ImageFont.truetype(str(FONT), 28))
    for image in (dotted, captioned):
        found = find_characters(np.asarray(image), layout=layout)
        assert max(one.box[3] - one.box[1] for one in found) > 200


@pytest.mark.parametrize("count", [2, 4, 24])
def test_punched_holes_are_no_characters(page, count):
    image = Image.fromarray(page.image)
    draw = ImageDraw.Draw(image)
    for y in np.linspace(200, 1500, count):
        draw.ellipse([24, y - 17, 58, y + 17], fill=(30, 26, 24))
    assert_all_are_found(np.asarray(image), page.boxes)


def test_a_column_of_full_stops_is_kept(page):
    image = Image.fromarray(page.image)
    draw = ImageDraw.Draw(image)
    dots = [(30, y - 4, 38, y + 4) for y in range(200, 1500, 60)]
    for dot in dots:
        draw.ellipse(dot, fill=(30, 26, 24))
    assert len(found_on(np.asarray(image))) >= len(page.boxes) + 0.9 * len(dots)


@pytest.mark.parametrize("softness", [5, 9])
def test_what_is_written_in_the_shadows_of_fingers_is_found(page, softness):
    shade = Image.new("L", page.image.shape[1::-1], 255)
    draw = ImageDraw.Draw(shade)
    for number in range(4):
        draw.line([300 + 190 * number, 380 + 60 * number, 420 + 150 * number, 900], fill=130, width=60)
    shadow = np.asarray(shade.filter(ImageFilter.GaussianBlur(softness)), np.float32)[..., np.newaxis] / 255
    assert_all_are_found((page.image * shadow).astype(np.uint8), page.boxes)


def test_what_a_pencil_wrote_in_the_shadows_of_fingers_as_dark_as_it_is_found(page):
    shade = Image.new("L", page.image.shape[1::-1], 255)
    draw = ImageDraw.Draw(shade)
    for number in range(4):
        draw.line([300 + 190 * number, 380 + 60 * number, 420 + 150 * number, 900], fill=130, width=60)
    shadow = np.asarray(shade.filter(ImageFilter.GaussianBlur(8)), np.float32)[..., np.newaxis] / 255
    pencil = 240 - 0.6 * (240 - page.image.astype(np.float32))
    assert_all_are_found((pencil * shadow).astype(np.uint8), page.boxes)


def test_broad_letters_with_sharp_edges_are_no_shadows(page):
    """A heading above small writing."""
    image = Image.new("RGB", (page.image.shape[1], page.image.shape[0] + 260), (240, 240, 240))
    image.paste(Image.fromarray(page.image), (0, 260))
    font = ImageFont.truetype(str(FONT).replace("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), 170)
    ImageDraw.Draw(image).text((120, 60), "HITL", (30, 30, 40), font)
    found = found_on(np.asarray(image))
    heading = found[found[:, 3] < 270]
    assert len(heading) == 4
    assert (heading[:, 3] - heading[:, 1] > 100).all()


@pytest.mark.parametrize("blur", [4, 6])
def test_a_soft_heading_is_no_shadow(page, blur):
    image = Image.new("L", (page.image.shape[1], page.image.shape[0] + 260), 240)
    font = ImageFont.truetype(str(FONT).replace("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), 120)
    ImageDraw.Draw(image).text((120, 80), "HITL", 110, font)
    image = image.filter(ImageFilter.GaussianBlur(blur))
    image.paste(Image.fromarray(page.image).convert("L"), (0, 260))
    found = found_on(np.asarray(image))
    assert (found[:, 3] < 270).sum() == 4
