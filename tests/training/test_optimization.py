import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.optimization import class_weights, learning_rate_schedule, make_optimizer

pytestmark = pytest.mark.core


def rates(schedule, steps=100):
    made = learning_rate_schedule(TrainConfig(schedule=schedule, learning_rate=0.1), steps=steps)
    if isinstance(made, float):
        return np.full(steps + 1, made)
    return np.array([float(keras.ops.convert_to_numpy(made(step))) for step in range(steps + 1)])


def test_constant_and_cosine_follow_their_formulas():
    np.testing.assert_allclose(rates("constant"), 0.1)
    np.testing.assert_allclose(rates("cosine"), 0.05 * (1 + np.cos(np.pi * np.arange(101) / 100)), atol=1e-6)


def test_one_cycle_rises_to_the_peak_and_falls_to_nothing():
    rate = rates("one-cycle")
    np.testing.assert_allclose(rate[:31], np.linspace(0.1 / 25, 0.1, 31), atol=1e-6)
    np.testing.assert_allclose(rate[30:], 0.05 * (1 + np.cos(np.pi * np.arange(71) / 70)), atol=1e-6)


def test_a_run_of_two_updates_has_a_schedule():
    assert rates("one-cycle", steps=2)[0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", keras.optimizers.AdamW), ("adam", keras.optimizers.Adam), ("sgd", keras.optimizers.SGD)],
)
def test_optimizers_are_those_of_keras(name, kind):
    optimizer = make_optimizer(TrainConfig(optimizer=name, learning_rate=0.1, clip_norm=1.0, ema=0.9), steps=10)
    assert isinstance(optimizer, kind)
    assert (optimizer.global_clipnorm, optimizer.use_ema, optimizer.ema_momentum) == (1.0, True, 0.9)


def test_decay_leaves_biases_and_normalisation_out():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    layer.bias.assign([5.0, 5.0])
    before = weight_array(layer.kernel)
    optimizer = make_optimizer(
        TrainConfig(optimizer="adamw", weight_decay=0.5, learning_rate=0.1, schedule="constant"), steps=10
    )
    optimizer.apply([keras.ops.zeros((3, 2)), keras.ops.zeros((2,))], [layer.kernel, layer.bias])
    np.testing.assert_allclose(weight_array(layer.kernel), before * (1 - 0.1 * 0.5), rtol=1e-5)
    np.testing.assert_array_equal(weight_array(layer.bias), 5)


def test_class_weights():
    labels = np.array([0] * 6 + [1] * 3 + [2])
    dataset = Dataset.from_arrays(np.zeros((10, 4, 4), np.uint8), labels, alphabet="abc")
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    balanced = class_weights(TrainConfig(class_weights="balanced"), dataset)
    np.testing.assert_allclose(balanced, expected)
    assert class_weights(TrainConfig(), dataset) is None
    assert class_weights(TrainConfig(class_weights=(1, 2, 3)), dataset).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ConfigError, match="3 classes, but has 2"):
        class_weights(TrainConfig(class_weights=(1, 2)), dataset)
