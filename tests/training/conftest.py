"""Small data and networks, so that a training takes a second."""

import keras
import numpy as np
import pytest

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.models.registry import build_model


@pytest.fixture(scope="session")
def strokes():
    """Bars at two places: 96 pictures of 16x16 that any network can tell apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 2
    images = rng.integers(0, 40, (96, 16, 16, 1), dtype=np.uint8)
    images[labels == 0, 3:6] = 220
    images[labels == 1, 10:13] = 220
    return Dataset.from_arrays(images, labels, alphabet="ab", name="strokes")


@pytest.fixture
def net():
    """Makes a network with batch normalisation and dropout."""

    def make(seed=0, width=2):
        return build_model("cnn14_bn", input_shape=(16, 16, 1), num_classes=2, seed=seed, width=width)

    return make


@pytest.fixture
def plain_net():
    """Makes an unregistered network that trains in a moment."""

    def make(seed=0):
        keras.utils.set_random_seed(seed)
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
        return keras.Sequential([keras.Input((16, 16, 1)), *layers])

    return make


@pytest.fixture
def small_net():
    """Makes an unregistered network with batch normalisation and dropout."""

    def make(seed=0):
        keras.utils.set_random_seed(seed)
        layers = [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(3, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(2, activation="softmax"),
        ]
        return keras.Sequential([keras.Input((16, 16, 1)), *layers])

    return make
