import keras
import numpy as np
import pytest

from handwriting_cnn.models.blocks import FusedBatchNormalization
from handwriting_cnn.models.weights import weight_array

pytestmark = pytest.mark.core


def run(layer_class, images, momentum=0.9, **options):
    """Train a layer on a few batches; return outputs, gradients' effect and statistics."""
    layer = layer_class(momentum=momentum, **options)
    outputs = [keras.ops.convert_to_numpy(layer(batch, training=True)) for batch in images]
    inference = keras.ops.convert_to_numpy(layer(images[0], training=False))
    return outputs, inference, [weight_array(weight) for weight in layer.weights]


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_same_outputs_and_statistics_as_keras(options):
    images = np.random.default_rng(0).normal(3, 2, (4, 8, 5, 6, 3)).astype(np.float32)
    ours, theirs = (run(cls, images, **options) for cls in (FusedBatchNormalization, keras.layers.BatchNormalization))
    np.testing.assert_allclose(ours[0], theirs[0], atol=2e-5)
    np.testing.assert_allclose(ours[1], theirs[1], atol=2e-5)
    for a, b in zip(ours[2], theirs[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 3), (16, 7, 3)])
def test_other_ranks_take_the_path_of_keras(shape):
    images = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    ours, theirs = (run(cls, images) for cls in (FusedBatchNormalization, keras.layers.BatchNormalization))
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_training_gives_the_weights_that_keras_gives():
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(64, 6, 6, 1)).astype(np.float32), rng.integers(0, 3, 64)

    def trained(layer):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input((6, 6, 1)), keras.layers.Conv2D(4, 3), layer, keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss)
        model.fit(images, labels, batch_size=16, epochs=2, shuffle=False, verbose=0)
        return [weight_array(weight) for weight in model.weights]

    ours, theirs = trained(FusedBatchNormalization()), trained(keras.layers.BatchNormalization())
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_frozen_it_uses_its_statistics():
    layer = FusedBatchNormalization()
    layer.build((None, 4, 4, 2))
    layer.trainable = False
    images = np.random.default_rng(0).normal(5, 1, (4, 4, 4, 2)).astype(np.float32)
    outputs = keras.ops.convert_to_numpy(layer(images, training=True))
    np.testing.assert_allclose(outputs, images / np.sqrt(1 + layer.epsilon), rtol=1e-5)
