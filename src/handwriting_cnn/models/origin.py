"""Where a network's first weights come from: a seed, and what another network has learned."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import keras

from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.storage.canonical import canonical_json

_ATTRIBUTE: Final = "_handwriting_cnn_origin"


def model_origin(model: keras.Model) -> dict[str, Any]:
    """Return JSON values: the ``seed`` of a network's first weights, and the sha256 of the ``learned`` ones.

    Either is ``None`` where there is none, and both for a network that was not built by this library. Neither changes
    while the network is trained.
    """
    return {"seed": None, "learned": None, **getattr(model, _ATTRIBUTE, {})}


def note_origin(model: keras.Model, **facts: Any) -> None:
    """Pin ``seed`` or ``learned`` on a network."""
    object.__setattr__(model, _ATTRIBUTE, {**model_origin(model), **facts})  # Keras would track the dict


def weights_sha256(weights: Iterable[Any]) -> str:
    """Return the sha256 over the types, shapes and values of weights, in order."""
    digest = hashlib.sha256()
    for weight in weights:
        array = weight_array(weight)
        digest.update(canonical_json([str(array.dtype), list(array.shape)]))
        digest.update(array.tobytes())
    return digest.hexdigest()
