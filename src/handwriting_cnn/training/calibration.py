"""What a reader of pictures learns from the data of a training run."""

from dataclasses import replace
from typing import Final

import keras
import numpy as np

from handwriting_cnn.artifact.reading import ReadingRules, fitted_rules, typical_rules
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.models.answers import network_answers
from handwriting_cnn.training.batches import Batches
from handwriting_cnn.training.jitter import settling_layers

_BATCH: Final = 256
_SHOWN: Final = 2_000  # pictures that show how large characters are
_LEAST_EXTENT: Final = 0.6  # of the square's side, for networks that settle size themselves


def reading_rules(model: keras.Model, train: Dataset, validation: Dataset | None) -> ReadingRules:
    """Return how characters on paper are scaled for a model, and its confidences judged.

    Args:
        model: A trained network.
        train: What it learned from: 2,000 of its pictures show the size of characters, strokes and gaps. A network that
            brings characters to one size itself is given them larger, if these are small: the more pixels they have,
            the better are small marks kept apart from strokes.
        validation: Pictures that it did not learn from, on which its confidences are calibrated; ``None`` leaves them.
    """
    shown = np.linspace(0, len(train) - 1, min(len(train), _SHOWN)).astype(np.int64)
    typical = typical_rules(train.take(shown), train.labels[shown])
    if settling_layers(model):
        typical = replace(typical, extent=max(typical.extent, _LEAST_EXTENT))
    if validation is None:
        return typical
    held_out = Batches(validation, batch_size=_BATCH)
    answers = [network_answers(model, held_out[batch][0]) for batch in range(len(held_out))]
    return fitted_rules(typical, np.concatenate(answers), validation.labels)
