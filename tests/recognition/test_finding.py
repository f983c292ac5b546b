import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.recognition.finding import find_characters

sys.path.insert(0, str(Path(__file__).parent))
from pages import CONDITIONS, draw_page, overlaps


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


def test_all_ink_of_a_single_picture_is_one_character():
    picture = np.full((300, 300), 240, np.uint8)
    picture[100:200, 140:150] = 20
    picture[60:72, 140:152] = 20  # a dot
    (only,) = find_characters(picture, layout="single")
    np.testing.assert_allclose(only.box, (140, 60, 152, 200), atol=2)
    assert len(find_characters(picture, layout="page")) == 1


@pytest.mark.parametrize(("layout", "alike"), [("single", 0.75), ("page", 0.9)])  # a single one's copy is coarser
@pytest.mark.parametrize("width", [6, 25, 60, 110])
def test_a_stroke_is_whole_however_wide_it_is(width, layout, alike):
    y, x = np.mgrid[0:500, 0:400]
    distance = np.hypot(y - 250, x - 200)
    ring = (distance < 140) & (distance >= 140 - width)
    light = 230 - 0.2 * x
    (found,) = find_characters(np.where(ring, 0.2 * light, light).astype(np.uint8), layout=layout)
    left, top, right, bottom = found.box
    step = round((bottom - top) / found.ink.shape[0])
    ink = Image.fromarray(found.ink)
    copy = np.asarray(ink.resize((ink.width * step, ink.height * step), Image.Resampling.BICUBIC)) > 127
    height, across = (size - expected for size, expected in zip(copy.shape, (bottom - top, right - left), strict=True))
    ink = copy[height // 2 :, across // 2 :][: bottom - top, : right - left]
    truth = ring[top:bottom, left:right]
    assert (ink & truth).sum() >= alike * (ink | truth).sum()


def test_a_dark_corner_is_no_ink_and_a_pale_dot_is_its_letters():
    y, x = np.mgrid[-1:1:500j, -1:1:500j]
    share = np.zeros((500, 500))
    share[240:300, 230:242] = 0.7
    share[205:215, 231:241] = 0.32
    paper = 150 * (1 + 0.3 * x + 0.3 * y) * (1 - share) + np.random.default_rng(0).normal(0, 3, share.shape)
    (only,) = find_characters(np.clip(paper, 0, 255).astype(np.uint8), layout="single")
    np.testing.assert_allclose(only.box, (230, 205, 242, 300), atol=2)


def test_a_layout_that_is_none_is_refused():
    with pytest.raises(UnknownNameError, match="layout 'gird'; did you mean 'grid'"):
        find_characters(np.zeros((9, 9), np.uint8), layout="gird")
