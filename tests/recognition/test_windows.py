import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handwriting_cnn.recognition.ink import boxes_of, components
from handwriting_cnn.recognition.straight_lines import lines_across
from handwriting_cnn.recognition.windows import around, broadened, grown, in_blocks, narrowed, places_of

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(mask=MASKS, length=st.integers(1, 60), axis=st.integers(0, 1), beyond=st.booleans())
def test_windows_are_scipys(mask, length, axis, beyond):
    settings = {"size": length, "axis": axis, "mode": "constant", "cval": int(beyond)}
    grey = mask.astype(np.uint8)
    np.testing.assert_array_equal(
        broadened(mask, length, axis, beyond=beyond), scipy.ndimage.maximum_filter1d(grey, **settings)
    )
    np.testing.assert_array_equal(
        narrowed(mask, length, axis, beyond=beyond), scipy.ndimage.minimum_filter1d(grey, **settings)
    )


@given(mask=MASKS, length=st.integers(2, 60), axis=st.integers(0, 1))
def test_a_window_is_moved_as_scipys(mask, length, axis):
    moved = scipy.ndimage.maximum_filter1d(mask.astype(np.uint8), length, axis=axis, mode="constant", origin=-1)
    np.testing.assert_array_equal(broadened(mask, length, axis, origin=-1), moved)


@given(mask=MASKS)
def test_a_pixel_is_added_on_each_side(mask):
    np.testing.assert_array_equal(around(mask), scipy.ndimage.binary_dilation(mask, np.ones((3, 3))))


@given(mask=MASKS, steps=st.integers(1, 3))
def test_steps_are_scipys(mask, steps):
    np.testing.assert_array_equal(grown(mask, steps), scipy.ndimage.binary_dilation(mask, iterations=steps))


@pytest.mark.parametrize("step", [1, 2, 5])
def test_blocks_are_numpys(step):
    values = np.random.default_rng(0).random((step * 3, step * 4))
    blocks = values.reshape(3, step, 4, step)
    np.testing.assert_array_equal(in_blocks(values, step, np.maximum), blocks.max(axis=(1, 3)))
    np.testing.assert_allclose(in_blocks(values, step, np.add), blocks.sum(axis=(1, 3)))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 10), (10, 11)])
def test_the_last_blocks_may_be_smaller(height, width):
    values = np.random.default_rng(0).random((height, width))
    whole = np.pad(values, [(0, -height % 5), (0, -width % 5)], mode="edge")
    np.testing.assert_array_equal(in_blocks(values, 5, np.minimum), in_blocks(whole, 5, np.minimum))


@given(mask=MASKS)
def test_places_are_numpys(mask):
    np.testing.assert_array_equal(places_of(mask), np.nonzero(mask))


@given(mask=MASKS)
def test_pieces_are_scipys(mask):
    labels, boxes, areas = components(mask)
    np.testing.assert_array_equal(labels, scipy.ndimage.label(mask, np.ones((3, 3)))[0])
    np.testing.assert_array_equal(boxes, boxes_of(labels))
    np.testing.assert_array_equal(areas, np.bincount(labels.ravel())[1:])
    for number, (left, top, right, bottom) in enumerate(boxes.tolist(), start=1):
        y, x = np.nonzero(labels == number)
        assert (left, top, right, bottom) == (x.min(), y.min(), x.max() + 1, y.max() + 1)


@pytest.mark.parametrize("axis", [0, 1])
@given(
    height=st.integers(30, 90),
    width=st.integers(40, 90),
    middle=st.floats(0.25, 0.75),
    rise=st.integers(-3, 3),
    thickness=st.integers(1, 3),
)
def test_a_line_is_found_where_it_was_drawn(axis, height, width, middle, rise, thickness):
    y, x = np.mgrid[:height, :width]
    centre = round(middle * height) + rise * (x / (width - 1) - 0.5)
    ink = np.abs(y - centre) <= thickness / 2
    (line,) = lines_across(ink if axis else ink.T, axis)
    assert line.axis == axis
    assert line.inked >= 0.95
    assert line.centres(width)[[0, -1]] == pytest.approx(centre[0, [0, -1]], abs=1.01)
    assert line.thickness == pytest.approx(thickness, abs=1.5)
    assert not lines_across(ink if axis else ink.T, 1 - axis)
