"""Place and size that vary inside a network while it trains."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.training.precision import leaf_layers


def settling_layers(model: keras.Model) -> list[MomentNormalization]:
    """Return the layers of a network that bring characters to one place and size."""
    return [layer for layer in leaf_layers(model) if isinstance(layer, MomentNormalization)]


@contextmanager
def jittering(model: keras.Model, augment: AugmentConfig | None) -> Iterator[None]:
    """Let layers that bring characters to one place and size miss them inside the block; ``None`` lets none.

    A backend's training function is traced inside the block and keeps what it finds there.
    """
    layers = settling_layers(model)
    before = [layer.jitter for layer in layers]
    for layer in layers:
        layer.jitter = (0.0, 0.0) if augment is None else augment.jitter
    try:
        yield
    finally:
        for layer, jitter in zip(layers, before, strict=True):
            layer.jitter = jitter
