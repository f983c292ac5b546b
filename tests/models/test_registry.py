import random

import keras
import numpy as np
import pytest

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.models.registry import (
    ModelSpec,
    _registry,
    build_from_spec,
    build_model,
    list_models,
    model_spec,
    register_model,
)
from handwriting_cnn.models.weights import weight_array

pytestmark = pytest.mark.core

# Counted by hand from the papers' and the reference's tables, and glyphnet's own, at 32x32x1 and 28 classes.
PARAMETERS = {"cnn14": 351_484, "glyphnet": 698_940, "lenet5": 63_236, "vgg_mini": 273_532}
BUILT_IN = ["cnn14", "cnn14_bn", "cnn3", "glyphnet", "lenet5", "vgg16", "vgg_mini"]


@pytest.fixture
def clean_registry():
    before = dict(_registry)
    yield
    _registry.clear()
    _registry.update(before)


def weights(model):
    return [weight_array(weight) for weight in model.weights]


def test_built_in_models_are_listed_with_a_summary():
    infos = list_models()
    assert {info.name for info in infos} >= set(BUILT_IN)
    assert all(info.summary.endswith(".") for info in infos if info.name in BUILT_IN)


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameters_are_the_published_number(name, count):
    assert build_model(name, input_shape=(32, 32, 1), num_classes=28).count_params() == count


@pytest.mark.parametrize("name", [*BUILT_IN, "transfer"])
@pytest.mark.parametrize("shape", [(16, 16, 1), (33, 47, 3)])
def test_every_model_maps_pixels_to_float32_probabilities(name, shape):
    model = build_model(name, input_shape=shape, num_classes=7, seed=1)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    from_bytes = keras.ops.convert_to_numpy(model(pixels))
    from_floats = keras.ops.convert_to_numpy(model(pixels.astype(np.float32)))
    assert from_bytes.dtype == np.float32
    assert from_bytes.shape == (3, 7)
    np.testing.assert_allclose(from_bytes.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(from_bytes, from_floats)


@pytest.mark.parametrize("name", BUILT_IN)
def test_sizes_that_cannot_work_are_refused_with_the_smallest_that_can(name):
    smallest = {info.name: info.smallest for info in list_models()}[name]
    assert build_model(name, input_shape=(smallest, smallest, 1), num_classes=2).output_shape == (None, 2)
    with pytest.raises(ConfigError, match=f"{smallest}x{smallest} to"):
        build_model(name, input_shape=(smallest - 1, 32, 1), num_classes=28)


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((32, 32), 10, r"\(height, width, channels\)"),
        ((32, 32, 2), 10, "1 or 3 channels"),
        ((32, 32.0, 1), 10, r"\(height, width, channels\)"),
        ((32, 5000, 1), 10, "4096x4096"),
        ((32, 32, 1), 1, "num_classes"),
        ((32, 32, 1), True, "num_classes"),
    ],
)
def test_nonsense_is_refused(shape, classes, message):
    with pytest.raises(ConfigError, match=message):
        build_model("cnn14", input_shape=shape, num_classes=classes)


@pytest.mark.parametrize(
    ("name", "options"),
    [("cnn14", {"width": 0}), ("cnn14", {"width": 10**9}), ("cnn14_bn", {"dropout": 1.0}), ("cnn14", {"width": "8"})],
)
def test_options_outside_their_range_are_refused(name, options):
    with pytest.raises(ConfigError, match=r"must be an? (int|number)"):
        build_model(name, input_shape=(32, 32, 1), num_classes=10, **options)


def test_unknown_names_name_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'cnn14'"):
        build_model("cnn41", input_shape=(32, 32, 1), num_classes=10)
    with pytest.raises(UnknownNameError, match="did you mean 'width'"):
        build_model("cnn14", input_shape=(32, 32, 1), num_classes=10, widht=8)


def test_a_seed_repeats_the_weights_and_touches_no_global_state():
    state = random.getstate()
    first, second = (build_model("cnn14", input_shape=(16, 16, 1), num_classes=5, seed=3) for _ in range(2))
    other = build_model("cnn14", input_shape=(16, 16, 1), num_classes=5, seed=4)
    assert random.getstate() == state
    for a, b in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(weights(first), weights(other), strict=True))


def test_the_spec_builds_the_model_again():
    model = build_model("cnn14", input_shape=(16, 24, 3), num_classes=5, width=4)
    spec = model_spec(model)
    assert spec == ModelSpec("cnn14", {"input_shape": [16, 24, 3], "num_classes": 5, "width": 4, "dropout": 0.25})
    again = build_from_spec(spec)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    assert model_spec(keras.Sequential([keras.layers.Dense(2)])) is None


def test_a_model_of_ones_own(clean_registry):
    @register_model("tiny", smallest=4)
    def tiny(input_shape, num_classes, *, units: int = 3):
        """A tiny net."""
        inputs = keras.Input(input_shape)
        x = keras.layers.Dense(units)(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))

    model = build_model("tiny", input_shape=(4, 4, 1), num_classes=2, units=5)
    assert model_spec(model).options["units"] == 5
    assert model_spec(tiny((4, 4, 1), 2)).options["units"] == 3
    with pytest.raises(ConfigError, match="already registered"):

        @register_model("tiny")
        def other(input_shape, num_classes): ...


def test_factories_that_cannot_be_called_are_refused_at_once(clean_registry):
    with pytest.raises(ConfigError, match="must take"):

        @register_model("wrong")
        def wrong(shape, classes): ...

    with pytest.raises(ConfigError, match="must take"):

        @register_model("wrong")
        def needs_more(input_shape, num_classes, *, width): ...

    with pytest.raises(ConfigError, match=r'is told the name that it registers: @register_model\("my_net"\)'):

        @register_model
        def bare(input_shape, num_classes): ...

    @register_model("no_model")
    def no_model(input_shape, num_classes):
        return 3

    with pytest.raises(ConfigError, match=r"must return a keras\.Model"):
        build_model("no_model", input_shape=(4, 4, 1), num_classes=2)


def test_options_that_no_file_could_hold_are_refused():
    with pytest.raises(ConfigError, match="JSON"):
        ModelSpec("x", {"callback": print})
