import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.recognition.sheet import sheet_corners
from handwriting_cnn.recognition.view import rectifying, seen, slope, source_boxes, turning


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
