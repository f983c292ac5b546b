import keras
import numpy as np
import pytest
from scipy import ndimage

from handwriting_cnn.models.normalization import MomentNormalization

pytestmark = pytest.mark.core


def normalised(images, side=32, **options):
    layer = MomentNormalization(side, **options)
    return keras.ops.convert_to_numpy(layer(np.asarray(images, np.float32)[..., np.newaxis]))[..., 0]


def letter(size=64, scale=1.0, centre=(32, 32)):
    """An ellipse's ring with a dot, smooth, so that bilinear resampling is nearly exact."""
    y, x = (np.mgrid[:size, :size] - np.reshape(centre, (2, 1, 1))) / scale
    ring = np.exp(-((np.hypot(x / 8, y / 12) - 1) ** 2) * 20)
    return ring + np.exp(-((x - 9) ** 2 + (y + 13) ** 2) / 8)


def moments(picture):
    mass = np.maximum(picture - picture.mean(), 0)
    centre = ndimage.center_of_mass(mass)
    places = np.mgrid[: picture.shape[0], : picture.shape[1]]
    deviations = [np.sqrt((mass * (p - c) ** 2).sum() / mass.sum()) for p, c in zip(places, centre, strict=True)]
    return np.array(centre), max(deviations)


def test_ink_gets_one_place_and_one_size():
    shown = [letter(), letter(scale=0.6, centre=(20, 45)), letter(scale=1.3, centre=(35, 30))]
    results = normalised(shown, reach=2.5)
    for result in results:
        centre, deviation = moments(result)
        np.testing.assert_allclose(centre, [15.5, 15.5], atol=0.6)
        assert deviation == pytest.approx(32 / 2 / 2.5, rel=0.08)
    assert abs(results[1] - results[0]).max() < 0.25
    assert abs(results[2] - results[0]).max() < 0.25


def test_resampling_is_bilinear_where_it_magnifies():
    picture = letter(scale=0.5, centre=(22, 40))
    centre, deviation = moments(picture)
    steps = (np.arange(32) - 15.5) * (2.5 * deviation * 2 / 32)
    rows, columns = np.meshgrid(centre[0] + steps, centre[1] + steps, indexing="ij")
    expected = ndimage.map_coordinates(picture, [rows, columns], order=1, mode="constant")
    np.testing.assert_allclose(normalised([picture], reach=2.5)[0], expected, atol=0.02)


def test_a_level_background_changes_nothing_of_place_and_size():
    plain, lighter = normalised([letter(), letter() * 0.5 + 0.2])
    inner = np.s_[6:26, 6:26]
    np.testing.assert_allclose((lighter[inner] - 0.2) * 2, plain[inner], atol=0.05)


def test_blank_pictures_and_specks_stay_what_they_are():
    speck = np.zeros((32, 32))
    speck[5, 7] = 1
    blank, dot = normalised([np.zeros((32, 32)), speck], zoom=4.0)
    assert not blank.any()
    assert 12 < dot.sum() < 20  # magnified four times, not to a letter


def test_jitter_moves_and_scales_within_its_range_while_training_alone():
    layer = MomentNormalization(32)
    pictures = np.repeat(letter()[np.newaxis, ..., np.newaxis], 200, axis=0).astype(np.float32)
    plain = keras.ops.convert_to_numpy(layer(pictures, training=True))
    layer.jitter = (0.2, 0.3)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(pictures, training=False)), plain)
    found = [moments(result) for result in keras.ops.convert_to_numpy(layer(pictures, training=True))[..., 0]]
    distances = np.array([centre for centre, _ in found]) - 15.5
    assert 0.8 * 0.2 * 16 < abs(distances).max() < 0.2 * 16 + 0.5  # half the square's side is 16 pixels of the result
    assert abs(distances.mean(axis=0)).max() < 0.5
    scales = np.log([deviation / (32 / 2 / 2.5) for _, deviation in found])
    assert 0.8 * 0.3 < scales.max() < 1.2 * 0.3
    assert 0.8 * 0.3 < -scales.min() < 1.2 * 0.3


@pytest.mark.parametrize("shape", [(8, 8), (28, 20), (128, 128)])
def test_any_size_becomes_the_side(shape):
    layer = MomentNormalization(24)
    pictures = np.random.default_rng(0).random((2, *shape, 3)).astype(np.float32)
    assert layer(pictures).shape == (2, 24, 24, 3)
    assert layer.compute_output_shape((None, *shape, 3)) == (None, 24, 24, 3)
    assert MomentNormalization(**{**layer.get_config(), "name": "other"}).side == 24
