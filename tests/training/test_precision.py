import keras
import numpy as np
import pytest

from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training.averages import averaged_weights
from handwriting_cnn.training.batches import Batches
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.optimization import make_optimizer
from handwriting_cnn.training.precision import ComputePrecision, leaf_layers

pytestmark = pytest.mark.core


def policies(model):
    return {layer.name: layer.compute_dtype for layer in leaf_layers(model)}


def test_layers_are_lowered_inside_and_restored_after_an_error(net):
    model = net()
    inside = {}

    def fail_inside():
        with ComputePrecision(model, "bfloat16").training():
            inside.update(policies(model))
            assert keras.config.dtype_policy().name == "float32"
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert inside.pop("probabilities") == "float32"
    assert set(inside.values()) == {"bfloat16"}
    assert set(policies(model).values()) == {"float32"}
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}


def test_layers_with_a_policy_of_their_own_keep_it():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, dtype="float16", name="own")(inputs)
    inner = keras.Model(inputs, keras.layers.Dense(3, name="inner_output")(x))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="first"), inner])
    with ComputePrecision(model, "bfloat16").training():
        assert policies(model) | {"own": ""} == {
            "first": "bfloat16",
            "own": "",
            **{name: dtype for name, dtype in policies(model).items() if name not in {"first", "own"}},
        }
        assert policies(model)["own"] == "float16"
        assert policies(model)["inner_output"] == "float32"


def test_averages_are_the_formula_and_statistics_are_theirs(net, strokes):
    model = net()
    batches = Batches(strokes, batch_size=32, seed=0)
    config = TrainConfig(optimizer="sgd", schedule="constant", learning_rate=0.05, weight_decay=0, ema=0.8)
    model.compile(make_optimizer(config, steps=9), "categorical_crossentropy", run_eagerly=False)
    averages: list[np.ndarray] = []
    for index in range(3):
        model.train_on_batch(*batches[index])
        now = [weight_array(weight) for weight in model.trainable_variables]
        averages = now if not averages else [0.8 * a + 0.2 * w for a, w in zip(averages, now, strict=True)]
    raw = [weight_array(weight) for weight in model.weights]
    with averaged_weights(model, batches):
        for weight, expected in zip(model.trainable_variables, averages, strict=True):
            np.testing.assert_allclose(weight_array(weight), expected, atol=1e-6)
        # The first normalisation sees the first convolution of each picture: its mean needs no network before it.
        rescaled = np.concatenate([batches[index][0] for index in range(3)]).astype(np.float32) / 255
        convolved = keras.ops.convert_to_numpy(model.get_layer("stage1_conv1")(rescaled))
        statistics = model.get_layer("stage1_conv1_bn")
        np.testing.assert_allclose(
            weight_array(statistics.moving_mean), convolved.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-4
        )
    for weight, before in zip(model.weights, raw, strict=True):
        np.testing.assert_array_equal(weight_array(weight), before)
    assert statistics.momentum == 0.9
