"""Cells as forms have them: dotted, dashed, shaded, of several sizes, hardly larger than what is written in them."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from handwriting_cnn.recognition.dotted import dotted_lines, is_screened
from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.ink import find_ink, ink_of

sys.path.insert(0, str(Path(__file__).parent))
from pages import FONT, overlaps

SHAPE = (1000, 1240)
PITCH = 100


def drawn():
    image = Image.new("L", SHAPE[::-1], 240)
    return image, ImageDraw.Draw(image)


def ruled(draw, start, stop, style, fill=60):
    """Draw a level or upright line of dots or dashes."""
    length = max(stop[0] - start[0], stop[1] - start[1])
    on, off = {"dotted": (3, 6), "dashed": (8, 5), "solid": (length, 1)}[style]
    along = np.array(stop) > np.array(start)
    for way in range(0, length, on + off):
        first = np.array(start) + along * way
        last = np.minimum(first + along * (on - 1) + ~along, stop + ~along)
        draw.rectangle([*first, *last], fill=fill)


def table(draw, columns, rows, style, fill=60):
    """Draw a table with walls at columns and rows, each cell's left upper corner and sides follow."""
    for x in columns:
        ruled(draw, (x, rows[0]), (x, rows[-1]), style, fill)
    for y in rows:
        ruled(draw, (columns[0], y), (columns[-1], y), style, fill)
    return [
        (left, top, right - left, bottom - top)
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    ]


def filled(image, cells, share=0.62, ink=0.85):
    """Write a digit, a little askew, into each cell; return the picture and the boxes of their ink."""
    random = np.random.default_rng(0)
    paper, boxes = np.array(image, np.float32), []
    for number, (left, top, width, height) in enumerate(cells):
        side = int(share * min(width, height))
        glyph = Image.new("L", (2 * side, 2 * side))
        font = ImageFont.truetype(str(FONT), side)
        ImageDraw.Draw(glyph).text((side, side), "023689"[number % 6], 255, font, anchor="mm")
        turned = glyph.rotate(random.uniform(-6, 6), Image.Resampling.BICUBIC)
        strokes = np.asarray(turned.crop((side // 2, side // 2, side // 2 + side, side // 2 + side))) / 255
        x, y = np.array([left + width // 2, top + height // 2]) - side // 2 + random.integers(-6, 7, 2)
        paper[y : y + side, x : x + side] *= 1 - ink * strokes
        rows, columns = np.nonzero(strokes > 0.5)
        boxes.append((x + columns.min(), y + rows.min(), x + columns.max() + 1, y + rows.max() + 1))
    return np.clip(paper + random.normal(0, 2, paper.shape), 0, 255).astype(np.uint8), np.array(boxes)


def assert_found(picture, boxes, *, others=0):
    found = np.array([one.box for one in find_characters(picture)]).reshape(-1, 4)
    match = overlaps(boxes, found)
    assert (match.max(axis=1) >= 0.5).mean() >= 0.98
    assert (match.max(axis=0) < 0.5).sum() <= others


@pytest.mark.parametrize("style", ["dotted", "dashed", "solid"])
@pytest.mark.parametrize("apart", [False, True], ids=["table", "boxes"])
def test_cells_with_dotted_and_dashed_walls_are_cells(style, apart):
    image, draw = drawn()
    if apart:
        corners = [(110 + 120 * (n % 9), 90 + 130 * (n // 9)) for n in range(54)]
        cells = [table(draw, [x, x + 90], [y, y + 90], style)[0] for x, y in corners]
    else:
        cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), style)
    assert_found(*filled(image, cells))


@pytest.mark.parametrize("walls", ["solid", None])
@pytest.mark.parametrize(("width", "height"), [(5, 24), (24, 5), (9, 9)], ids=["ones", "dashes", "dots"])
@pytest.mark.parametrize("jitter", [0, 1, 3])
def test_small_straight_characters_in_even_cells_are_no_dashed_lines(walls, width, height, jitter):
    image, draw = drawn()
    random = np.random.default_rng(0)
    columns, rows = range(100, 1121, 60), range(100, 881, 60)
    cells = table(draw, columns, rows, walls) if walls else table(ImageDraw.Draw(image.copy()), columns, rows, "solid")
    for left, top, *_ in cells:
        x, y = np.array([left + 30, top + 30]) + random.integers(-jitter, jitter + 1, 2)
        draw.rectangle([x - width // 2, y - height // 2, x + width // 2, y + height // 2], fill=40)
    assert len(find_characters(np.asarray(image))) == len(cells)


@pytest.mark.parametrize("jitter", [0, 1, 2])
def test_the_dots_of_a_row_of_i_are_no_dotted_line(jitter):
    mask = np.zeros((1400, 1100), np.bool_)
    random = np.random.default_rng(0)
    for left in range(60, 1040, 26):
        for top in range(60, 1300, 80):
            x, y = np.array([left, top]) + random.integers(-jitter, jitter + 1, 2)
            mask[y : y + 9, x : x + 9] = mask[y + 14 : y + 44, x + 2 : x + 8] = True
    dots, lines = dotted_lines(ink_of(mask.astype(np.float32)), 2)
    assert not dots.any()
    assert not lines.any()


def test_the_strokes_of_a_fine_pen_are_no_dots():
    image = Image.new("1", SHAPE[::-1], 1)
    draw = ImageDraw.Draw(image)
    for left in range(60, 1180, 26):
        for top in range(60, 940, 30):
            draw.line([left, top + 20, left + 9, top, left + 18, top + 20], fill=0)
    assert not is_screened(find_ink(np.asarray(image.convert("L"))))


def test_cells_of_several_sizes_are_cells():
    image, draw = drawn()
    cells = table(draw, [120, 220, 270, 370, 470, 520, 620], range(90, 491, PITCH), "solid")
    for number in range(8):  # a date's
        left = 120 + 62 * number + 20 * (number // 2)
        cells += table(draw, [left, left + 58], [600, 658], "solid")
    assert_found(*filled(image, cells, share=0.7))


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_straight_letters_that_nearly_fill_their_boxes_are_no_walls(angle):
    image, draw = drawn()
    boxes = []
    for number in range(54):
        left, top = 110 + 74 * (number % 14), 90 + 90 * (number // 14)
        draw.rectangle([left, top, left + 52, top + 52], outline=60, width=3)
        if number % 6 == 0:
            stroke = [left + 26, top + 6, left + 28, top + 46]
        elif number % 6 == 3:
            stroke = [left + 6, top + 26, left + 46, top + 27]
        else:
            stroke = [left + 12, top + 8, left + 12, top + 42, left + 42, top + 42]
        draw.line(stroke, fill=40, width=5)
        x, y = np.array(stroke[::2]), np.array(stroke[1::2])
        boxes.append((x.min() - 2, y.min() - 2, x.max() + 3, y.max() + 3))
    seen = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=240).filter(ImageFilter.GaussianBlur(1.2))
    found = np.array([one.box for one in find_characters(np.asarray(seen))])
    assert len(found) == 54
    assert (overlaps(np.array(boxes), found).max(axis=1) >= 0.3).all()  # a straight one is seen with some of its walls
    assert np.median((found[:, 2:] - found[:, :2]).max(axis=1)) <= 50


@pytest.mark.parametrize("level", [170, 210])
def test_letters_between_two_ruled_lines_stand_in_no_cells(level):
    """Their straight strokes with the lines above and below them enclose rectangles."""
    image, draw = drawn()
    count = 0
    for top in range(100, 901, 130):
        for y in (top - 2, top + 60):
            draw.line([60, y, 1180, y], fill=level, width=1)
        for left in range(100, 1100, 95):
            draw.line([left, top, left, top + 58], fill=40, width=6)
            draw.line([left, top + 2, left + 45, top + 2], fill=40, width=6)
            if count % 2:
                draw.line([left + 45, top, left + 45, top + 58], fill=40, width=6)
            count += 1
    found = np.array([one.box for one in find_characters(np.asarray(image.filter(ImageFilter.GaussianBlur(0.8))))])
    assert len(found) == count
    assert np.median(found[:, 3] - found[:, 1]) >= 52


def test_numbers_half_as_high_as_what_is_written_in_the_cells_are_print():
    image, draw = drawn()
    cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), "solid")
    for number, (left, top, _, _) in enumerate(cells, start=1):
        draw.text((left + 5, top + 5), str(number), 60, ImageFont.truetype(str(FONT), 20))
    lower = [(left + 20, top + 20, width - 20, height - 20) for left, top, width, height in cells]
    assert_found(*filled(image, lower, share=0.6))


@pytest.mark.parametrize("shade", [204, 212, 218, 222])
def test_a_shade_behind_rows_does_not_hide_their_walls(shade):
    image, draw = drawn()
    for top in (190, 390, 590):
        draw.rectangle([120, top, 1120, top + PITCH], fill=shade)
    cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), "solid")
    assert_found(*filled(image, cells))


def test_a_pencil_in_black_boxes_is_ink():
    image, draw = drawn()
    cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), "solid", fill=20)
    assert_found(*filled(image, cells, ink=0.3))


def test_a_character_that_crosses_a_wall_belongs_to_the_cell_with_most_of_it():
    image, draw = drawn()
    table(draw, range(120, 921, PITCH), range(90, 691, PITCH), "solid")
    for number in range(24):
        left, top = 120 + 2 * PITCH * (number % 4), 90 + PITCH * (number // 4)
        draw.line([left + 45, top + 25, left + 145, top + 55], fill=40, width=6)  # a tenth of it lies on the wall
        draw.line([left + 45, top + 25, left + 45, top + 70], fill=40, width=6)
    found = np.array([one.box for one in find_characters(np.asarray(image))])
    assert len(found) == 24
    assert (found[:, 2] - found[:, 0] >= 90).all()


def test_a_scan_of_two_levels_with_a_screened_shade_is_read():
    image, draw = drawn()
    cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), "solid")
    picture, boxes = filled(image, cells)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    screen = (x % 5 < 2) & (y % 5 < 2) & (y // 100 % 2 == 1) & (y > 90) & (y < 690) & (x > 120) & (x < 1120)
    scan = np.where((picture < 140) | screen, 0, 255).astype(np.uint8)
    assert is_screened(find_ink(scan))
    assert not is_screened(find_ink(picture))
    assert_found(scan, boxes, others=1)


def test_a_digit_that_touches_a_combs_line_leaves_it_a_comb():
    image, draw = drawn()
    cells = []
    for top in range(100, 701, 120):
        draw.line([120, top + 70, 1120, top + 70], fill=60, width=3)
        for x in range(120, 1121, PITCH):
            draw.line([x, top + 45, x, top + 70], fill=60, width=3)
        cells += [(left + 15, top, 70, 69) for left in range(120, 1120, PITCH)]
    assert_found(*filled(image, cells, share=0.98))


@pytest.mark.parametrize("square", [30, 52, 70])
@pytest.mark.parametrize("level", [140, 195])
def test_writing_on_squared_paper_stays_whole(square, level):
    """Letters smaller than its squares, as large, and larger, across the lines and along them."""
    image, draw = drawn()
    for way in range(0, SHAPE[1], square):
        draw.line([way, 0, way, SHAPE[0]], fill=level, width=2)
        draw.line([0, way, SHAPE[1], way], fill=level, width=2)
    cells = [(60 + 71 * column, 60 + 83 * row, 60, 60) for row in range(10) for column in range(15)]
    picture, boxes = filled(image.filter(ImageFilter.GaussianBlur(0.8)), cells, share=0.85)
    assert_found(picture, boxes)


def test_finer_lines_between_those_of_a_ruled_sheet_join_no_letters():
    image, draw = drawn()
    for way in range(0, SHAPE[0], 15):
        bold = way % 60 == 0
        draw.line([0, way, SHAPE[1], way], fill=170 if bold else 224, width=2 if bold else 1)
    for way in range(0, SHAPE[1], 60):
        draw.line([way, 0, way, SHAPE[0]], fill=190, width=2)
    cells = [(50 + 67 * column, 70 + 120 * row, 44, 44) for row in range(7) for column in range(16)]
    assert_found(*filled(image, cells, share=0.9), others=2)


def test_cells_that_the_pictures_edge_cuts_are_cells():
    image, draw = drawn()
    cells = table(draw, range(-40, 1300, PITCH), range(-50, 1100, PITCH), "solid")
    whole = [cell for cell in cells if cell[0] >= 0 and cell[1] >= 0 and cell[0] + 80 < SHAPE[1] and cell[1] < 900]
    right = [(1165, top, 70, PITCH) for _, top, _, _ in whole[::11]]
    assert_found(*filled(image, [*whole, *right], share=0.6))


def test_the_creases_of_a_folded_sheet_are_no_cells():
    image, draw = drawn()
    for part in (1, 2):
        draw.line([0, 333 * part, SHAPE[1], 333 * part], fill=170, width=3)
        draw.line([413 * part, 0, 413 * part, SHAPE[0]], fill=170, width=3)
    cells = [(60 + 90 * column, 60 + 90 * row, 60, 60) for row in range(10) for column in range(12)]
    picture, boxes = filled(image, cells)
    found = np.array([one.box for one in find_characters(picture)])
    assert (overlaps(boxes, found).max(axis=1) >= 0.5).mean() >= 0.95


def test_boxes_left_white_in_a_tint_are_cells():
    """The tint is broader beside a row than between its boxes."""
    image, draw = drawn()
    cells = []
    for top in range(90, 900, 110):
        draw.rectangle([80, top - 8, 1180, top + 72], fill=214)
        for left in range(110, 1100, 76):
            draw.rectangle([left, top, left + 66, top + 64], fill=244)
            cells.append((left, top, 66, 64))
    assert_found(*filled(image, cells))


def test_a_row_below_shaded_ones_is_on_the_sheet():
    image, draw = drawn()
    for row in range(0, 10, 2):
        draw.rectangle([60, 60 + 84 * row, 1180, 60 + 84 * row + 83], fill=205)
    cells = [(70 + 73 * column, 62 + 84 * row, 72, 80) for row in range(10) for column in range(15)]
    assert_found(*filled(image, cells))


def test_the_outer_teeth_of_a_comb_may_be_longer():
    image, draw = drawn()
    cells = []
    for top in range(120, 900, 120):
        bottom = top + 80
        draw.line([150, bottom, 150 + 12 * 78, bottom], fill=60, width=3)
        for tooth in range(13):
            height = 44 if tooth in (0, 12) else 28
            draw.line([150 + 78 * tooth, bottom - height, 150 + 78 * tooth, bottom], fill=60, width=3)
        cells += [(150 + 78 * column, top, 78, 70) for column in range(12)]
    assert_found(*filled(image, cells))


def test_a_dashed_line_under_the_writing_is_printed():
    """As school paper has between two lines; letters hide some of the dashes."""
    image, draw = drawn()
    cells = []
    for top in range(90, 900, 130):
        for y in (top, top + 80):
            draw.line([60, y, 1180, y], fill=120, width=3)
        for left in range(60, 1180, 44):
            draw.line([left, top + 40, left + 24, top + 40], fill=120, width=3)
        cells += [(100 + 152 * column, top + 8, 60, 64) for column in range(7)]
    assert_found(*filled(image, cells, share=0.8), others=4)


def test_the_words_at_the_heads_of_a_table_are_no_characters():
    image, draw = drawn()
    columns, rows = [60, 230, *range(330, 1140, 100)], range(60, 921, 78)
    cells = table(draw, columns, rows, "solid")
    font = ImageFont.truetype(str(FONT), 20)
    for number, (left, top, _, height) in enumerate(cells):
        row, column = divmod(number, len(columns) - 1)
        if not (row and column):
            word = ["Anna", "Omar", "Maria", "Paul"][row % 4] if row else ["Mon", "Tue", "Wed", "Thu"][column % 4]
            draw.text((left + 14, top + height // 2), word, 50, font, anchor="lm")
    inner = [cell for number, cell in enumerate(cells) if number >= len(columns) - 1 and number % (len(columns) - 1)]
    assert_found(*filled(image, inner, share=0.8))


def test_the_dots_of_letters_in_walls_thicker_than_the_pen_are_no_dirt():
    image, draw = drawn()
    cells = table(draw, range(120, 1121, PITCH), range(90, 691, PITCH), "solid")
    for wall in ([120 + PITCH * number - 7, 83, 120 + PITCH * number + 7, 697] for number in range(11)):
        draw.rectangle(wall, fill=60)
    for wall in ([113, 90 + PITCH * number - 7, 1127, 90 + PITCH * number + 7] for number in range(7)):
        draw.rectangle(wall, fill=60)
    tops = set()
    for left, top, _, _ in cells:
        draw.arc([left + 30, top + 35, left + 70, top + 75], 0, 180, fill=50, width=4)
        draw.rectangle([left + 48, top + 30, left + 51, top + 33], fill=50)  # as large as the pen is thick
        tops.add(top + 30)
    found = find_characters(np.asarray(image))
    assert len(found) == 60
    assert all(min(abs(one.box[1] - top) for top in tops) <= 3 for one in found)


def test_a_pencil_in_black_boxes_beside_black_print_is_whole():
    image, draw = drawn()
    draw.text((120, 20), "Please write in each box", 20, ImageFont.truetype(str(FONT), 40))
    cells = table(draw, range(120, 1121, PITCH), range(140, 741, PITCH), "solid", fill=20)
    picture = np.array(image, np.float32)
    for left, top, _, _ in cells:
        picture[top + 65 : top + 69, left + 30 : left + 70] *= 0.45
        picture[top + 30 : top + 34, left + 48 : left + 53] *= 0.6  # its dot
    found = find_characters(np.clip(picture, 0, 255).astype(np.uint8))
    assert len(found) == 60
    heights = np.array([one.box[3] - one.box[1] for one in found])
    assert (heights >= 36).all()


def test_a_form_of_which_few_cells_are_filled_is_read_without_its_print():
    image, draw = drawn()
    draw.text((200, 20), "Handwriting data form", 40, ImageFont.truetype(str(FONT), 44))
    for number in range(10):
        draw.text((150 + PITCH * number, 90), "ABCDEFGHIJ"[number], 40, ImageFont.truetype(str(FONT), 40))
    cells = table(draw, range(120, 1121, PITCH), range(150, 951, PITCH), "solid")
    assert_found(*filled(image, [cells[number] for number in (12, 25, 44, 61)]))
