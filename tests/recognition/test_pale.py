"""Pale strokes, and coloured pens on printed lines."""

import numpy as np
import pytest

from handwriting_cnn.recognition.finding import find_characters

SIDE = 300
Y, X = np.mgrid[:SIDE, :SIDE]
STEM = (abs(X - 150) < 6) & (abs(Y - 150) < 60)
RADIUS = np.hypot(X - 180, Y - 120)
LOOP = (abs(RADIUS - 30) < 4) & ~STEM


def on_paper(*layers: tuple[np.ndarray, float]) -> np.ndarray:
    """Return black or pale ink, by its grey, on noisy paper."""
    picture = np.full((SIDE, SIDE), 230.0)
    for mask, grey in layers:
        picture[mask] = grey
    return np.clip(picture + np.random.default_rng(0).normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("layout", ["single", "page"])
def test_a_pale_loop_belongs_to_its_stem(layout):
    (one,) = find_characters(on_paper((LOOP, 192), (STEM, 40)), layout=layout)
    both = STEM | LOOP
    truth = (X[both].min(), Y[both].min(), X[both].max() + 1, Y[both].max() + 1)
    assert np.abs(np.subtract(one.box, truth)).max() <= 6


@pytest.mark.parametrize("layout", ["single", "page"])
def test_a_pale_line_that_runs_on_does_not(layout):
    line = abs(Y - 180) < 3
    (one,) = find_characters(on_paper((line, 192), (STEM, 40)), layout=layout)
    truth = (X[STEM].min(), Y[STEM].min(), X[STEM].max() + 1, Y[STEM].max() + 1)
    assert np.abs(np.subtract(one.box, truth)).max() <= 6


def test_pale_ink_between_two_characters_belongs_to_neither():
    other = (abs(X - 210) < 6) & (abs(Y - 150) < 60)
    between = (abs(Y - 150) < 4) & (X > 150) & (X < 210)
    found = find_characters(on_paper((between, 192), (STEM | other, 40)), layout="page")
    assert [one.box[2] - one.box[0] < 24 for one in found] == [True, True]


def test_pale_pieces_of_a_broken_stroke_belong_to_a_lone_character():
    turn = np.arctan2(Y - 120, X - 180) * RADIUS
    loop = LOOP & (turn % 24 < 16) & (X > 164)
    (one,) = find_characters(on_paper((loop, 192), (STEM, 40)), layout="single")
    both = STEM | loop
    truth = (X[both].min(), Y[both].min(), X[both].max() + 1, Y[both].max() + 1)
    assert np.abs(np.subtract(one.box, truth)).max() <= 6
    shrunk = (one.box[2] - one.box[0]) / one.ink.shape[1]  # the ink is that of a smaller copy
    beside = one.ink[:, round(16 / shrunk) :]
    assert np.count_nonzero(beside > 20) * shrunk**2 == pytest.approx(np.count_nonzero(loop), rel=0.25)


SPECKS = (X % 30 < 9) & (Y % 30 < 9) & (abs(X - 150) > 14)
STRIP = (X > 93) & (X < 100) & (abs(Y - 150) < 40)


@pytest.mark.parametrize(
    ("others", "place"),
    [
        ([(SPECKS, 192)], np.s_[:, :]),
        ([(LOOP & (X > 164), 192)], np.s_[80:220, 130:240]),
        ([((abs(X - 185) < 3) & (abs(Y - 150) < 3), 40)], np.s_[:, :]),
        ([(STRIP, 40)], np.s_[:, 90:]),
    ],
    ids=["specks all over the paper", "a picture that the letter fills", "dirt", "a neighbour that the edge cuts"],
)
def test_what_is_no_stroke_of_a_lone_character_stays_away(others, place):
    (one,) = find_characters(on_paper(*others, (STEM, 40))[place], layout="single")
    x, y = X[place] - X[place].min(), Y[place] - Y[place].min()
    truth = (x[STEM[place]].min(), y[STEM[place]].min(), x[STEM[place]].max() + 1, y[STEM[place]].max() + 1)
    assert np.abs(np.subtract(one.box, truth)).max() <= 6


@pytest.mark.parametrize("side", [48, SIDE])
@pytest.mark.parametrize("pen", [(225, 150, 60), (230, 120, 190), (120, 190, 120)])
def test_a_coloured_pen_on_blue_squares(side, pen):
    y, x = np.mgrid[:side, :side] * (SIDE / side)
    letter = (abs(np.hypot(x - 150, y - 150) - 70) < 14) & ~((x > 150) & (abs(y - 150) < 40))
    picture = np.full((side, side, 3), 235.0)
    picture[((x + 20) % 50 < 7) | ((y + 20) % 50 < 7)] = (150, 170, 215)
    picture[letter] = picture[letter] * (np.array(pen) / 235)
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    (one,) = find_characters(np.clip(picture, 0, 255).astype(np.uint8), layout="single")
    places = np.argwhere(letter)
    truth = (*places.min(axis=0)[::-1], *(places.max(axis=0)[::-1] + 1))
    assert np.abs(np.subtract(one.box, truth)).max() <= max(0.03 * side, 2)


@pytest.mark.parametrize("side", [60, 90, SIDE])
@pytest.mark.parametrize("pen", [(70, 90, 220), (40, 160, 90), (230, 120, 60)])
def test_a_small_letter_of_a_coloured_pen_where_tinted_light_falls_off(side, pen):
    y, x = np.mgrid[:side, :side] * (SIDE / side)
    letter = (abs(np.hypot(x - 130, y - 170) - 22) < 6) & ~((x > 130) & (abs(y - 170) < 10))
    letter |= np.hypot(x - 130, y - 128) < 7  # its dot; all of it covers a fiftieth of the picture, or less
    away = np.hypot(x - 150, y - 150) / 150
    picture = np.array([235, 225, 205]) * (1 - np.array([0.02, 0.05, 0.09]) * away[..., np.newaxis] ** 4)
    picture[letter] *= np.array(pen) / 255
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    (one,) = find_characters(np.clip(picture, 0, 255).astype(np.uint8), layout="single")
    places = np.argwhere(letter)
    truth = (*places.min(axis=0)[::-1], *(places.max(axis=0)[::-1] + 1))
    assert np.abs(np.subtract(one.box, truth)).max() <= max(0.015 * side, 2)


def test_a_shadow_on_a_coloured_picture_is_no_ink():
    picture = np.repeat(on_paper((STEM, 60))[..., np.newaxis], 3, axis=2) * np.array([1, 0.93, 0.8])
    picture[:, 210:] *= 0.6
    (one,) = find_characters(picture.astype(np.uint8), layout="single")
    assert one.box[2] <= 170
    assert one.box[0] >= 130
