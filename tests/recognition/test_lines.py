"""In which line characters stand."""

import tracemalloc

import numpy as np
import pytest

from handwriting_cnn.recognition.lines import clustered, line_numbers


def boxes_in_lines(bend, *, seed=0, lines=12, places=14, size=40, pitch=66):
    """Return boxes of letters of several sizes in lines that sag by so many pixels, and each one's line."""
    random = np.random.default_rng(seed)
    line, place = np.divmod(np.arange(lines * places), places)
    x = 80 + 75 * place + random.uniform(-12, 12, len(place))
    u = (x - x.mean()) / max(np.ptp(x), 1) * 2
    y = 100 + pitch * line + bend * (1 - u**2) * (0.7 + 0.3 * line / lines) + random.uniform(-5, 5, len(place))
    half = size * random.uniform(0.6, 1.0, (len(place), 2)) / 2
    return np.rint(np.stack([x - half[:, 0], y - half[:, 1], x + half[:, 0], y + half[:, 1]], axis=1)), line


@pytest.mark.parametrize("bend", [-120, -60, 60, 120])
@pytest.mark.parametrize("seed", range(3))
def test_lines_of_a_curled_page_are_followed(bend, seed):
    boxes, line = boxes_in_lines(bend, seed=seed)
    np.testing.assert_array_equal(line_numbers(boxes, 40), line)


@pytest.mark.parametrize("seed", range(5))
def test_straight_lines_are_not_bent(seed):
    boxes, line = boxes_in_lines(0, seed=seed)
    np.testing.assert_array_equal(line_numbers(boxes, 40), line)
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    np.testing.assert_array_equal(line_numbers(boxes, 40), clustered(middles, 22))


@pytest.mark.parametrize("count", [1, 5])
def test_few_characters_stand_in_lines(count):
    boxes, line = boxes_in_lines(0, lines=count, places=1)
    np.testing.assert_array_equal(line_numbers(boxes[:count], 40), line[:count])


@pytest.mark.parametrize(("lines", "places"), [(20, 2), (12, 3), (1, 25), (2, 14), (3, 10), (8, 12)])
@pytest.mark.parametrize("seed", range(5))
def test_what_few_or_short_lines_show_of_their_bend_is_chance(lines, places, seed):
    boxes, line = boxes_in_lines(0, seed=seed, lines=lines, places=places)
    np.testing.assert_array_equal(line_numbers(boxes, 40), line)


def test_thousands_of_characters_are_numbered_without_a_table_of_all_pairs():
    boxes, line = boxes_in_lines(60, lines=70, places=140)
    tracemalloc.start()
    numbers = line_numbers(boxes, 40)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(numbers, line)
    assert most < 50e6
