"""Asking a network for its answers, as fast as its backend allows."""

from typing import Any, Final

import keras
import numpy as np

from handwriting_cnn.types import ImageArray, ProbabilityArray

BATCH: Final = 256


def network_answers(model: keras.Model, images: ImageArray, *, batch_size: int = BATCH) -> ProbabilityArray:
    """Return a network's probabilities, float32 ``(n, num_classes)``.

    Keras's ``predict`` sets a data pipeline up each time, which for a few pictures takes far longer than the network;
    ``predict_on_batch`` calls the traced network at once. It is traced anew for each size of batch on some backends:
    a short batch is padded to the next power of two there.

    Args:
        model: The network.
        images: uint8 pictures ``(n, height, width, channels)``.
        batch_size: The most pictures at once.
    """
    if not len(images):
        return np.empty((0, model.output_shape[-1]), np.float32)
    parts = [_answers(model, images[start : start + batch_size]) for start in range(0, len(images), batch_size)]
    return np.concatenate(parts)


def _answers(model: keras.Model, images: ImageArray) -> Any:
    count = len(images)
    if keras.backend.backend() != "tensorflow":  # which traces once for all sizes
        images = np.pad(images, [(0, (1 << (count - 1).bit_length()) - count), *[(0, 0)] * 3])
    return np.asarray(model.predict_on_batch(images), np.float32)[:count]
