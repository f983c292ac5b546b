"""The moving average of the weights, made ready for use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras

from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training.precision import leaf_layers

_BATCHES: Final = 16


@contextmanager
def averaged_weights(model: keras.Model, batches: Any) -> Iterator[None]:
    """Give a compiled model the moving average of its weights inside the block, and its own weights after it.

    The raw weights' batch-norm statistics do not describe the averaged network: they are estimated again, as the mean
    over up to 16 training batches (Izmailov and others, 2018, arXiv:1803.05407, section 3.2).

    Args:
        model: A model compiled with an optimizer that has ``use_ema=True``.
        batches: Training batches; item ``i`` is ``(pictures, ...)``.
    """
    raw = [weight_array(weight) for weight in model.weights]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for weight in model.trainable_variables:  # under JAX they now share the averages' memory, which a step gives away
        weight.assign(weight_array(weight))
    try:
        _estimate_statistics(model, batches)
        yield
    finally:
        for weight, value in zip(model.weights, raw, strict=True):
            weight.assign(value)


def _estimate_statistics(model: keras.Model, batches: Any) -> None:
    layers = [layer for layer in leaf_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    try:
        for seen in range(min(_BATCHES, len(batches))):
            for layer in layers:
                layer.momentum = seen / (seen + 1)  # makes the moving average a plain mean of the batches
            model(batches[seen][0], training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
