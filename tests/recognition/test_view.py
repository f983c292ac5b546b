import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.recognition.view import seen, slope, source_boxes, turning


def lines_of_ink(degrees):
    image = Image.new("L", (900, 700))
    for top in range(100, 600, 50):
        for left in range(100, 800, 40):
            image.paste(255, (left, top, left + 18, top + 14))
    return np.asarray(image.rotate(-degrees, Image.Resampling.BICUBIC)) > 127  # Pillow turns against the clock


@pytest.mark.parametrize("degrees", [-7.3, -2.0, 0.0, 1.5, 5.0])
def test_the_slope_of_lines(degrees):
    assert slope(lines_of_ink(degrees)) == pytest.approx(degrees, abs=0.15)


@pytest.mark.parametrize("full", [np.uint8(255), np.float32(1)])
def test_turning_and_boxes_go_there_and_back(full):
    source = np.zeros((700, 900), full.dtype)
    source[300:340, 500:580] = full
    to_source, size = turning(6.0, source.shape)
    view = seen(source, to_source, size)
    assert view.dtype == full.dtype
    rows, columns = np.nonzero(view > full / 2)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    found = source_boxes(to_source, (view > full / 2).astype(np.int32), box, source.shape)
    np.testing.assert_allclose(found, [[500, 300, 580, 340]], atol=2)


@pytest.mark.parametrize(
    "places",
    [
        [(898, 413), (582, 506), (766, 184), (1163, 405), (301, 100)],
        [(257, 626), (1148, 320), (421, 675), (780, 528), (1116, 170)],
    ],
)
def test_few_characters_that_seem_to_lie_in_a_slanting_line_are_not_turned(places):
    """Drawn at random, they are in line along some steep angle."""
    image = Image.new("L", (1400, 1000))
    for left, top in places:
        image.paste(255, (left, top, left + 40, top + 70))
    assert slope(np.asarray(image) > 127) == 0.0
