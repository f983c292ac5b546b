import keras
import numpy as np
import pytest

from handwriting_cnn.artifact.model_file import SavedModel, load_model
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import ConfigError, ModelFileError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.registry import ModelSpec, build_from_spec, build_model, model_spec
from handwriting_cnn.models.transfer_learning import cut_trunk, transfer
from handwriting_cnn.models.weights import weight_array

pytestmark = pytest.mark.core

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 1), np.uint8)


def answers(model, pixels=PIXELS):
    return keras.ops.convert_to_numpy(model(pixels, training=False))


@pytest.fixture(scope="module")
def base():
    return build_model("lenet5", input_shape=(32, 32, 1), num_classes=5, seed=3)


# What each network's maps are, counted by hand from its table.
MAPS = {
    "cnn14": (2, 2, 64),
    "cnn14_bn": (2, 2, 64),
    "cnn3": (12, 12, 128),
    "lenet5": (5, 5, 16),
    "vgg_mini": (5, 5, 64),
}


@pytest.mark.parametrize("name", MAPS)
def test_the_trunk_is_everything_up_to_the_last_maps(name):
    network = build_model(name, input_shape=(32, 32, 1), num_classes=5, seed=3)
    trunk = cut_trunk(network)
    assert tuple(trunk.output_shape[1:]) == MAPS[name]
    flat = keras.ops.convert_to_numpy(trunk(PIXELS)).reshape(3, -1)
    rest = keras.Model(network.get_layer("flatten").output, network.output)
    np.testing.assert_allclose(answers(rest, flat), answers(network), atol=1e-5)


def test_the_trunk_keeps_what_it_learned_and_the_base_stays_as_it_is(base):
    before = [weight_array(weight) for weight in base.weights]
    model = transfer(base, num_classes=7, freeze="none", seed=0)
    learned = cut_trunk(base).weights
    for mine, its in zip(model.get_layer("trunk").weights, learned, strict=True):
        np.testing.assert_array_equal(weight_array(mine), weight_array(its))
        mine.assign(weight_array(mine) + 1)
    for weight, value in zip(base.weights, before, strict=True):
        np.testing.assert_array_equal(weight_array(weight), value)
    assert answers(model).shape == (3, 7)


def test_freezing_leaves_adapter_and_head(base):
    names = {weight.path.split("/")[-2] for weight in transfer(base, num_classes=7, adapter="conv").trainable_variables}
    assert names == {"adapter_channels", "head_dense", "probabilities"}
    assert len(transfer(base, num_classes=7, freeze="none").trainable_variables) == 8


@pytest.mark.parametrize("head", ["dense", "linear", "conv"])
def test_heads(base, head):
    model = transfer(base, num_classes=7, head=head, seed=0)
    layers = [type(layer).__name__ for layer in model.layers[2:]]
    assert (
        layers
        == {
            "linear": ["GlobalAveragePooling2D", "Dense"],
            "dense": ["Flatten", "Dense", "Dropout", "Dense"],
            "conv": ["Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense", "Dropout", "Dense"],
        }[head]
    )


def test_grey_pictures_pass_through_the_adapter_to_a_colour_base():
    colour = build_model("lenet5", input_shape=(32, 32, 3), num_classes=5, seed=1)
    model = transfer(colour, num_classes=2, input_shape=(32, 32, 1), seed=0)
    adapted = keras.Model(model.input, model.get_layer("adapter_channels").output)
    passed = keras.ops.convert_to_numpy(adapted(PIXELS))
    np.testing.assert_allclose(passed, np.repeat(PIXELS, 3, axis=-1), rtol=1e-5)


def test_colour_pictures_become_luma_for_a_grey_base(base):
    colours = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    model = transfer(base, num_classes=2, input_shape=(32, 32, 3), seed=0)
    adapted = keras.Model(model.input, model.get_layer("adapter_channels").output)
    luma = colours @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(adapted(colours))[..., 0], luma, rtol=1e-5)


def test_another_size_is_scaled_with_its_aspect_kept(base):
    model = transfer(base, num_classes=2, input_shape=(64, 32, 1), seed=0)
    resize = next(operation for operation in model.operations if "resize" in operation.name)
    adapted = keras.Model(model.input, resize.output)
    bright = np.full((1, 64, 32, 1), 200, np.uint8)
    scaled = keras.ops.convert_to_numpy(adapted(bright))[0, ..., 0]
    assert scaled.shape == (32, 32)
    assert (scaled[:, 8:24] > 150).all()
    assert (scaled[:, :7] == 0).all()
    assert (scaled[:, 25:] == 0).all()


@pytest.mark.core
def test_a_plain_call_drops_nothing_out():
    base = build_model("cnn3", input_shape=(32, 32, 1), num_classes=5, seed=0)
    model = transfer(base, num_classes=2, input_shape=(64, 32, 1), seed=0)
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 32, 1)).astype(np.float32)
    once, again = (keras.ops.convert_to_numpy(model(images)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_equal_forms_need_no_adapter(base):
    assert [layer.name for layer in transfer(base, num_classes=2).layers[:2]] == ["pixels", "trunk"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"freeze": "head"}, UnknownNameError, "way to freeze 'head'"),
        ({"adapter": "convolution"}, UnknownNameError, "adapter 'convolution'; did you mean 'conv'"),
        ({"head": "deep"}, UnknownNameError, "head 'deep'"),
        ({"adapter": "none", "input_shape": (28, 28, 1)}, ConfigError, "an adapter is needed"),
        ({"num_classes": 1}, ConfigError, "num_classes"),
        ({"input_shape": (32, 32, 2)}, ConfigError, "1 or 3 channels"),
    ],
)
def test_settings_that_cannot_work(base, settings, error, message):
    with pytest.raises(error, match=message):
        transfer(base, **{"num_classes": 4, **settings})


def test_what_has_a_network_is_none(small_model):
    with pytest.raises(ConfigError, match=r"base must be a keras.Model, but is a SavedModel: give its \.model"):
        transfer(small_model, num_classes=4)


def test_a_convolution_needs_maps_that_are_large_enough():
    small = build_model("cnn14", input_shape=(32, 32, 1), num_classes=5)
    with pytest.raises(ConfigError, match="at least 4x4, but the trunk makes 2x2"):
        transfer(small, num_classes=3, head="conv")


def dense_only():
    inputs = keras.Input((32, 32, 1))
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)), name="mine")


def around():
    inputs = keras.Input((32, 32, 1))
    maps = keras.layers.Conv2D(2, 3)(inputs)
    both = keras.layers.Concatenate()([keras.layers.Flatten()(maps), keras.layers.Flatten(name="late")(inputs)])
    return keras.Model(inputs, keras.layers.Dense(3)(both), name="mine")


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("make", [dense_only, around, lambda: Subclassed(name="mine")])
def test_a_base_without_a_trunk(make):
    with pytest.raises(ConfigError, match="'mine' has no trunk that can be cut off"):
        transfer(make(), num_classes=4)


def residual():
    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    x = keras.layers.Add()([x, keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)])
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))


def sequential():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input((16, 16, 1)), *layers])


@pytest.mark.parametrize("make", [residual, sequential])
def test_a_base_of_ones_own_is_copied_but_cannot_be_saved(make, tmp_path):
    mine = make()
    model = transfer(mine, num_classes=4, seed=0, head="linear")
    trunk = cut_trunk(mine)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), np.uint8).astype(np.float32)
    expected = keras.ops.convert_to_numpy(trunk(pixels)).mean(axis=(1, 2))
    pooled = keras.Model(model.input, model.get_layer("mean").output)
    np.testing.assert_allclose(answers(pooled, pixels), expected, rtol=1e-4)
    assert not {id(weight) for weight in model.weights} & {id(weight) for weight in mine.weights}
    with pytest.raises(ConfigError, match="num_classes must be an int in"):
        transfer(mine, num_classes=1)
    with pytest.raises(ConfigError, match="1 or 3 channels, but has 2"):
        transfer(mine, num_classes=4, input_shape=(16, 16, 2))
    saved = SavedModel(model=model, alphabet=Alphabet.of("abcd"), preprocessing=PreprocessSpec(height=16, width=16))
    with pytest.raises(ModelFileError, match="register"):
        saved.save(tmp_path / "mine.safetensors")


def test_a_transferred_model_is_saved_with_its_base_nested(base, tmp_path):
    first = transfer(base, num_classes=7, head="conv", seed=0)
    model = transfer(first, num_classes=4, input_shape=(28, 28, 3), seed=1)
    saved = SavedModel(model=model, alphabet=Alphabet.of("abcd"), preprocessing=PreprocessSpec(height=28, width=28))
    saved.save(tmp_path / "new.safetensors")
    loaded = load_model(tmp_path / "new.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), np.uint8)
    np.testing.assert_array_equal(answers(loaded.model, pixels), answers(model, pixels))
    nested = model_spec(loaded.model).options["base"]
    assert nested["name"] == "transfer"
    assert nested["options"]["base"]["name"] == "lenet5"


@pytest.mark.parametrize(
    "inner", [{"name": "lenet5"}, {"name": "lenet5", "options": 3}, {"name": "lenet5", "options": {}, "more": 1}, 7]
)
def test_a_base_that_describes_nothing(inner):
    with pytest.raises(ConfigError, match=r"base must have a name and options|must have input_shape"):
        build_from_spec(ModelSpec("transfer", {"input_shape": [32, 32, 1], "num_classes": 3, "base": inner}))


def test_bases_are_not_nested_without_end():
    spec = {"name": "lenet5", "options": {"input_shape": [32, 32, 1], "num_classes": 3}}
    for _ in range(50):
        spec = {"name": "transfer", "options": {"input_shape": [32, 32, 1], "num_classes": 3, "base": spec}}
    with pytest.raises(ConfigError, match="nested"):
        build_from_spec(ModelSpec(spec["name"], spec["options"]))
