"""Pictures of one character with printed lines: boxes' walls, lines to write on; and uneven light."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.polarity import is_light_on_dark
from handwriting_cnn.recognition.single_lines import without_lines

sys.path.insert(0, str(Path(__file__).parent))
from pages import alike

PAPER, INK, LINE, NOISE = 225, 50, 90, 2.0
WIDTH, HEIGHT = 100, 130


def drawn(strokes, lines=(), *, size=(WIDTH, HEIGHT), width=9, thin=3, seed=0):
    """Return strokes and printed lines on noisy paper: uint8, each a path of points."""
    image = Image.new("L", size, PAPER)
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line(line, LINE, thin)
    for stroke in strokes:
        pen.line(stroke, INK, width, "curve")
    noise = np.random.default_rng(seed).normal(0, NOISE, (size[1], size[0]))
    return np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)


def box(left, top, right, bottom):
    return [
        [(left, top), (right, top)],
        [(left, bottom), (right, bottom)],
        [(left, top), (left, bottom)],
        [(right, top), (right, bottom)],
    ]


def extent_of(ink):
    """Return the box around ink: left, top, right, bottom."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


TWO = [[(28, 40), (40, 28), (62, 30), (68, 48), (30, 98), (72, 98)]]
DOTTED = [[(25, 40), (25, 62), (50, 74), (75, 62), (75, 40)], [(50, 95), (52, 97)]]
LEFT, RIGHT, TOP, BOTTOM = 1, WIDTH - 2, 1, HEIGHT - 2
LINES = {
    "a wall": box(LEFT, TOP, RIGHT, BOTTOM)[:1],
    "two walls": [box(LEFT, TOP, RIGHT, BOTTOM)[1], box(LEFT, TOP, RIGHT, BOTTOM)[2]],
    "four walls": box(LEFT, TOP, RIGHT, BOTTOM),
    "a box": box(8, 9, 91, 119),
    "a leaning box": [[(8, 11), (91, 8)], [(9, 121), (92, 118)], [(8, 11), (9, 121)], [(91, 8), (92, 118)]],
    "boxes beside each other": [[(x, 0), (x, HEIGHT)] for x in (7, 92)] + [[(0, y), (WIDTH, y)] for y in (8, 120)],
    "a line below": [[(0, 118), (WIDTH, 114)]],
    "a line through the feet": [[(0, 98), (WIDTH, 98)]],
}


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("layout", ["single", "auto"])
@pytest.mark.parametrize("strokes", [TWO, DOTTED], ids=["two", "dotted"])
@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_a_character_is_found_as_if_no_lines_were_printed_around_it(lines, strokes, layout, inverted):
    picture, free = drawn(strokes, lines), drawn(strokes)
    (only,) = find_characters(255 - picture if inverted else picture, layout=layout)
    ink = free < (PAPER + INK) // 2
    np.testing.assert_allclose(only.box, extent_of(ink), atol=5)
    assert alike(only, ink) >= 0.85


LABEL = [[(20, 8), (24, 18)], [(24, 8), (20, 18)], [(30, 8), (36, 8), (32, 18)]]
FRAMES = {
    "as thick as the pen": (box(6, 6, 93, 123), 9, 0, ()),
    "tilted to the left": (box(8, 9, 91, 119), 3, 3, ()),
    "tilted to the right": (box(8, 9, 91, 119), 3, -3, ()),
    "crossed": (box(8, 20, 91, 92), 3, 0, ()),
    "labelled": (box(8, 23, 91, 119), 3, 0, LABEL),
    "pale": (box(3, 3, 96, 126), 1, 0, ()),
}


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_character_is_found_in_a_box_that_stands_alone(frame, scale, inverted):
    lines, thin, degrees, label = frame
    paper = {"resample": Image.Resampling.BICUBIC, "fillcolor": PAPER}
    image, free = (Image.fromarray(drawn(TWO, shown, thin=thin)) for shown in (lines, ()))
    pen = ImageDraw.Draw(image)
    for stroke in label:
        pen.line(stroke, LINE, 2)
    size = (WIDTH * scale, HEIGHT * scale)
    picture, free = (np.asarray(one.rotate(degrees, **paper).resize(size)) for one in (image, free))
    (only,) = find_characters(255 - picture if inverted else picture, layout="single")
    ink = free < (PAPER + INK) // 2
    np.testing.assert_allclose(only.box, extent_of(ink), atol=5 * scale)
    assert alike(only, ink) >= 0.8


@pytest.mark.parametrize("side", [28, 32, 48])
@pytest.mark.parametrize("gap", [0, 6])
def test_a_box_is_seen_in_a_small_picture(side, gap):
    picture, free = (
        np.asarray(Image.fromarray(drawn(TWO, lines)).resize((side, side), Image.Resampling.BOX))
        for lines in (box(1 + gap, 1 + gap, WIDTH - 2 - gap, HEIGHT - 2 - gap), ())
    )
    (only,) = find_characters(picture)
    ink = free < (PAPER + INK) // 2
    np.testing.assert_allclose(only.box, extent_of(ink), atol=2)


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_paper_is_painted_over_lines(lines):
    painted, free = without_lines(drawn(TWO, lines)), drawn(TWO)
    different = np.abs(painted.astype(int) - free) > (PAPER - LINE) // 2
    assert different.mean() < 0.006


CLOSELY_CUT = {
    "E": [[(3, 0), (3, 79)], [(0, 3), (59, 3)], [(0, 40), (59, 40)], [(0, 76), (59, 76)]],
    "F": [[(3, 0), (3, 79)], [(0, 3), (59, 3)], [(0, 40), (40, 40)]],
    "T": [[(0, 3), (59, 3)], [(30, 0), (30, 79)]],
    "L": [[(3, 0), (3, 79)], [(0, 76), (59, 76)]],
    "K": [[(3, 0), (3, 79)], [(56, 0), (3, 40), (56, 79)]],
    "Z": [[(0, 3), (59, 3)], [(56, 3), (3, 76)], [(0, 76), (59, 76)]],
    "П": [[(0, 3), (59, 3)], [(3, 0), (3, 79)], [(56, 0), (56, 79)]],
    "Б": [[(3, 0), (3, 79)], [(0, 3), (50, 3)], [(3, 40), (50, 40), (56, 60), (50, 76), (3, 76)]],
    "口": box(3, 3, 56, 76),
    "l": [[(30, 0), (30, 79)]],
    "+": [[(30, 0), (30, 79)], [(0, 40), (59, 40)]],
    "ㅗ": [[(30, 0), (30, 76)], [(0, 76), (59, 76)]],
    "三": [[(4, 3), (55, 3)], [(8, 40), (50, 40)], [(0, 76), (59, 76)]],
    "이": [[(10, 30), (24, 16), (38, 30), (24, 62), (10, 30)], [(54, 0), (54, 79)]],
    "으": [[(10, 20), (30, 3), (50, 20), (30, 44), (10, 20)], [(0, 76), (59, 76)]],
    "二": [[(10, 3), (50, 3)], [(0, 76), (59, 76)]],
    "旦": [*box(12, 3, 48, 50), [(12, 26), (48, 26)], [(0, 76), (59, 76)]],
    "回": [*box(3, 3, 56, 76), *box(20, 24, 40, 54)],
    "四": [*box(3, 3, 56, 76), [(22, 3), (16, 50)], [(38, 3), (40, 50)]],
    "÷": [[(0, 40), (59, 40)], [(28, 3), (32, 3)], [(28, 76), (32, 76)]],
    "ط": [[(12, 0), (12, 79)], [(12, 70), (30, 48), (56, 56), (54, 74), (12, 76)]],
}


@pytest.mark.parametrize("margin", [0, 1, 6])
@pytest.mark.parametrize("strokes", CLOSELY_CUT.values(), ids=CLOSELY_CUT)
def test_straight_strokes_of_a_character_whose_picture_is_closely_cut_are_no_lines(strokes, margin):
    moved = [[(x + margin, y + margin) for x, y in stroke] for stroke in strokes]
    picture = drawn(moved, size=(60 + 2 * margin, 80 + 2 * margin), width=7)
    assert without_lines(picture) is picture


BY_HAND = [[(3, 0), (6, 79)], [(2, 4), (57, 2), (54, 78)], [(6, 74), (55, 77)]]  # straight, but not parallel
FREEHAND = {
    "国": [*BY_HAND, [(16, 20), (42, 18)], [(18, 38), (41, 39)], [(14, 60), (46, 58)], [(30, 19), (31, 59)]],
    "四": [*BY_HAND, [(22, 4), (16, 50)], [(38, 4), (40, 50)]],
    "困": [*BY_HAND, [(15, 30), (45, 28)], [(30, 14), (31, 66)], [(30, 32), (18, 58)], [(31, 32), (44, 57)]],
}


def drawn_by_hand(strokes, margin):
    """Return strokes in fine lines with soft edges, of a size of 60 by 80 pixels and a margin."""
    moved = [[(4 * (x + margin), 4 * (y + margin)) for x, y in stroke] for stroke in strokes]
    size = (60 + 2 * margin, 80 + 2 * margin)
    fine = Image.fromarray(drawn(moved, size=(4 * size[0], 4 * size[1]), width=20))
    return np.asarray(fine.resize(size, Image.Resampling.BOX))


@pytest.mark.parametrize("margin", [0, 1, 6])
@pytest.mark.parametrize("strokes", FREEHAND.values(), ids=FREEHAND)
def test_a_box_drawn_by_hand_is_a_characters(strokes, margin):
    picture = drawn_by_hand(strokes, margin)
    assert without_lines(picture) is picture


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("margin", [1, 6, 12, 18])
@pytest.mark.parametrize("strokes", FREEHAND.values(), ids=FREEHAND)
def test_the_margin_around_a_box_drawn_by_hand_is_its_paper(strokes, margin, inverted):
    picture = drawn_by_hand(strokes, margin)
    assert is_light_on_dark(255 - picture if inverted else picture, alone=True) == inverted


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("fall", [0.0, 0.3])
@pytest.mark.parametrize("thin", [3, 6, 10])
@pytest.mark.parametrize("scale", [0.3, 0.4, 1])
def test_walls_along_the_pictures_edges_are_not_its_paper(scale, thin, fall, inverted):
    picture = drawn(TWO, box(0, 0, WIDTH - 1, HEIGHT - 1), thin=thin)[:, 10:90]
    picture[:, : thin // 2] = picture[:, -thin // 2 :] = LINE
    picture = (picture * (1 - fall * np.linspace(0, 1, HEIGHT))[:, np.newaxis]).astype(np.uint8)
    size = (round(picture.shape[1] * scale), round(HEIGHT * scale))
    picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
    assert is_light_on_dark(255 - picture if inverted else picture, alone=True) == inverted


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("margin", [4, 6, 9])
@pytest.mark.parametrize("width", [7, 12])
@pytest.mark.parametrize("strokes", [CLOSELY_CUT[name] for name in "E口旦"], ids=list("E口旦"))
def test_the_polarity_of_a_closely_cut_character_is_that_of_its_strokes(strokes, width, margin, inverted):
    moved = [[(x + margin, y + margin) for x, y in stroke] for stroke in strokes]
    picture = drawn(moved, size=(60 + 2 * margin, 80 + 2 * margin), width=width)
    assert is_light_on_dark(255 - picture if inverted else picture, alone=True) == inverted


@pytest.mark.parametrize("side", [28, 39])
def test_a_small_picture_stays_as_it_is(side):
    picture = np.full((side, side), PAPER, np.uint8)
    picture[:2] = LINE
    picture[10:20, 12:15] = INK
    assert without_lines(picture) is picture


@pytest.mark.parametrize("shape", [(40, 40), (40, 200), (40, 5000), (5000, 40), (41, 199), (1000, 201), (130, 100)])
@pytest.mark.parametrize("kind", ["white", "black", "noise", "stripes"])
def test_a_picture_without_a_character_has_no_lines(shape, kind):
    picture = {
        "white": np.full(shape, 255),
        "black": np.zeros(shape),
        "noise": np.random.default_rng(0).integers(0, 256, shape),
        "stripes": np.where(np.indices(shape).sum(axis=0) % 20 < 3, LINE, PAPER),
    }[kind].astype(np.uint8)
    assert without_lines(picture) is picture


@pytest.mark.parametrize("fall", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("scale", [0.4, 0.7, 1.5])
def test_uneven_light_takes_nothing_from_a_small_picture_of_a_character(scale, fall):
    size = (round(WIDTH * scale), round(HEIGHT * scale))
    free = np.asarray(Image.fromarray(drawn(TWO)).resize(size, Image.Resampling.BOX))
    light = 1 - fall * np.linspace(0, 1, size[1])[:, np.newaxis]
    (only,) = find_characters(np.rint(free * light).astype(np.uint8), layout="single")
    ink = free < (PAPER + INK) // 2
    np.testing.assert_allclose(only.box, extent_of(ink), atol=5)
    assert alike(only, ink) >= 0.85


def test_lines_are_painted_over_in_colours():
    walls = [[(x, 0), (x + 4, 260)] for x in (9, 245)] + [[(0, y), (260, y + 4)] for y in (8, 246)]
    stroke = [[(70, 80), (100, 56), (160, 60), (170, 100), (80, 200), (190, 200)]]
    grey = drawn(stroke, walls, size=(260, 260), width=16, thin=7)
    ink = np.clip((PAPER - grey.astype(np.float32)) / (PAPER - INK), 0, 1)[..., np.newaxis]
    paper, pen = np.array([228, 220, 205]), np.array([30, 30, 75])
    picture = np.rint((1 - ink) * paper + ink * pen).astype(np.uint8)
    free = without_lines(grey, picture)
    inside = np.zeros(grey.shape, np.bool_)
    inside[40:220, 50:210] = True
    np.testing.assert_allclose(free[inside], picture[inside], atol=8)  # noise may have been painted over, too
    assert np.abs(free[~inside].astype(np.int64) - paper).max() < 25
