"""Weights as arrays."""

from typing import Any

import keras
import numpy as np


def weight_array(variable: Any) -> Any:
    """Return a copy of a variable's value as a NumPy array.

    A copy matters: a backend may hand out the variable's own memory, which the next update overwrites.
    """
    return np.asarray(variable.value).copy()


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return a model's variables by names that depend on nothing but its architecture.

    Keras counts automatic layer names up in each process, so that only a weight's place is the architecture's own.
    """
    return {f"{index:04d}.{weight.name}": weight for index, weight in enumerate(model.weights)}
