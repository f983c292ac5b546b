import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.augment.warp import Augment, inverse_affine
from handwriting_cnn.errors import ConfigError, UnknownNameError

pytestmark = pytest.mark.core

NOTHING = {"rotation": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0}


def warp(config, images, seed=0, **options):
    return keras.ops.convert_to_numpy(Augment(config, seed=seed)(images, training=True, **options))


def draws(**columns):
    names = ("angle", "scale_x", "scale_y", "shear", "shift_x", "shift_y", "mirror")
    return np.float32([[columns.get(name, 0.0) if name != "mirror" else columns.get(name, 1.0) for name in names]])


def square(size=33):
    picture = np.zeros((size, size), np.float32)
    picture[10:20, 14:19] = 255
    return picture


def matrix(row):
    a0, a1, a2, b0, b1, b2 = np.asarray(keras.ops.convert_to_numpy(row), np.float64)[0]
    return np.array([[a0, a1, a2], [b0, b1, b2], [0, 0, 1]])


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (6, 20, 28, 1), dtype=np.uint8)


def test_the_map_is_the_inverse_of_its_documented_steps():
    config = AugmentConfig(rotation=30, scale=0.3, shear=0.4, shift=(0.2, 0.1), mirror=True)
    values = {"angle": 0.7, "scale_x": -0.4, "scale_y": 0.9, "shear": -0.6, "shift_x": 0.5, "shift_y": -0.8}
    height, width = 20, 28
    angle, sx, sy = np.deg2rad(0.7 * 30), np.exp(-0.4 * 0.3), np.exp(0.9 * 0.3)
    rotate = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    slant = np.array([[1, -0.6 * 0.4, 0], [0, 1, 0], [0, 0, 1]])
    for mirror in (1.0, -0.5):
        stretch = np.diag([sx * np.sign(mirror), sy, 1])
        centre = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
        move = np.array([[1, 0, 0.5 * 0.2 * width], [0, 1, -0.8 * 0.1 * height], [0, 0, 1]])
        forward = move @ centre @ rotate @ slant @ stretch @ np.linalg.inv(centre)
        row = inverse_affine(draws(**values, mirror=mirror), config, height=height, width=width)
        np.testing.assert_allclose(matrix(row), np.linalg.inv(forward), atol=1e-4)


@pytest.mark.parametrize("elastic", [0.0, 1e-12])
def test_both_samplers_agree_with_scipy(elastic):
    config = AugmentConfig(rotation=40, elastic=elastic)
    layer = Augment(config, seed=5)
    rows = inverse_affine(keras.random.uniform((1, 7), minval=-1, maxval=1, seed=5), config, height=33, width=33)
    layer._draw = lambda count: keras.random.uniform((1, 7), minval=-1, maxval=1, seed=5)
    picture = ndimage.gaussian_filter(square(), 1.0)
    ours = keras.ops.convert_to_numpy(layer(picture[None, ..., None], training=True))[0, ..., 0]
    map_ = matrix(rows)
    yx = map_[[1, 0]][:, [1, 0]]  # SciPy's axes are (row, column)
    truth = ndimage.affine_transform(picture, yx, offset=map_[[1, 0], 2], order=1, mode="constant")
    assert np.abs(ours - truth).max() < 0.05


def test_without_ranges_nothing_moves(pictures):
    np.testing.assert_allclose(warp(AugmentConfig(**NOTHING), pictures), pictures, atol=1e-3)


def test_outside_training_nothing_moves(pictures):
    result = Augment(AugmentConfig(elastic=0.1))(pictures, training=False)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(result), pictures.astype(np.float32))


@pytest.mark.parametrize(("points", "share"), [(2, 0.94), (4, 0.87), (16, 0.83)])
def test_an_elastic_displacement_is_as_large_as_is_said(points, share):
    # On a ramp of one grey level a pixel, a change is the distance sampled at; at the edge, left out, it is larger.
    ramp = np.tile(np.arange(64, dtype=np.float32)[:, np.newaxis], (400, 64, 1, 1))
    moved = warp(AugmentConfig(**NOTHING, elastic=0.01, elastic_grid=points), ramp) - ramp
    assert moved[:, 3:-3, 3:-3].std() == pytest.approx(share * 0.01 * 64, rel=0.07)


@pytest.mark.parametrize("elastic", [0.0, 0.05])
def test_draws_differ_by_picture_and_call_and_repeat_with_the_seed(elastic):
    config = AugmentConfig(elastic=elastic)
    same = np.repeat(square()[None, ..., None], 4, axis=0)
    layer = Augment(config, seed=1)
    first, second = (keras.ops.convert_to_numpy(layer(same, training=True)) for _ in range(2))
    assert np.abs(first[0] - first[1]).max() > 20
    assert np.abs(first[0] - second[0]).max() > 20
    np.testing.assert_array_equal(first, warp(config, same, seed=1))


@pytest.mark.parametrize("elastic", [0.0, 0.05])
def test_what_comes_from_outside_is_paper_and_no_ink_is_made(elastic):
    white = np.full((32, 24, 24, 1), 255, np.uint8)
    result = warp(AugmentConfig(shift=0.4, elastic=elastic), white)
    assert result.min() == 0
    assert result.max() <= 255.001


def test_shifts_are_fractions_of_each_side():
    picture = square()[None, ..., None]
    moved = [
        warp(AugmentConfig(**{**NOTHING, "shift": (0.3, 0.0)}), picture, seed=seed)[0, ..., 0] for seed in range(12)
    ]
    centres = np.array([ndimage.center_of_mass(result) for result in moved]) - ndimage.center_of_mass(square())
    np.testing.assert_allclose(centres[:, 0], 0, atol=0.01)
    assert np.abs(centres[:, 1]).max() > 0.2 * 33
    assert np.abs(centres[:, 1]).max() <= 0.3 * 33 + 0.01


def test_never_mirrored_unless_asked():
    picture = np.zeros((1, 21, 21, 1), np.float32)
    picture[0, 5:16, 3:6] = 255  # ink on the left side only
    many = np.repeat(picture, 64, axis=0)
    upright = {**NOTHING, "rotation": 5.0}
    sides = {
        mirror: (warp(AugmentConfig(**upright, mirror=mirror), many)[:, :, 11:].sum(axis=(1, 2, 3)) > 0).mean()
        for mirror in (False, True)
    }
    assert sides[False] == 0
    assert 0.2 < sides[True] < 0.8


def test_dynamic_batches_inside_fit(pictures):
    inputs = keras.Input((20, 28, 1), dtype="uint8")
    x = keras.layers.Flatten()(Augment(AugmentConfig(elastic=0.02))(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    model.compile("sgd", "mse")
    model.fit(pictures, np.zeros((6, 2)), batch_size=4, verbose=0)  # a short last batch


@pytest.mark.parametrize(
    "settings",
    [
        {"rotation": -1},
        {"rotation": 181},
        {"scale": 1.5},
        {"shear": "0.1"},
        {"shift": 0.6},
        {"shift": (0.1, 0.1, 0.1)},
        {"shift": (0.1, -0.1)},
        {"elastic": True},
        {"elastic_grid": 1},
        {"jitter": 0.1},
        {"jitter": (0.6, 0.1)},
        {"jitter": (0.1, True)},
    ],
)
def test_settings_outside_their_range_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        AugmentConfig(**settings)


def test_json_round_trip():
    config = AugmentConfig(shift=(0.1, 0.2), elastic=0.01, jitter=(0.0, 0.2))
    assert AugmentConfig.from_json(config.to_json()) == config
    with pytest.raises(UnknownNameError, match="did you mean 'rotation'"):
        AugmentConfig.from_json({"rotatoin": 3})


CONFIGS = st.builds(
    AugmentConfig,
    rotation=st.floats(0, 180),
    scale=st.floats(0, 1),
    shear=st.floats(0, 1),
    shift=st.floats(0, 0.5) | st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    elastic=st.just(0.0) | st.floats(0, 0.2),
    elastic_grid=st.integers(2, 16),
    stroke=st.floats(0, 1),
    mirror=st.booleans(),
)


@settings(max_examples=30)
@given(config=CONFIGS, shape=hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=9), seed=st.integers(0, 99))
def test_any_distortion_keeps_form_and_range_and_follows_its_seed(config, shape, seed):
    images = np.random.default_rng(seed).integers(0, 256, (*shape, 1), dtype=np.uint8)
    warped = warp(config, images, seed=seed)
    assert warped.shape == images.shape
    assert warped.dtype == np.float32
    assert warped.min() >= -1e-2
    assert warped.max() <= 255 + 1e-2
    np.testing.assert_array_equal(warped, warp(config, images, seed=seed))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(Augment(config)(images)), images)
    assert AugmentConfig.from_json(config.to_json()) == config
