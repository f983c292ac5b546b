"""The precision of a training run's arithmetic, which leaves the model as it found it."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


class ComputePrecision:
    """Switches layers to bfloat16 arithmetic and back; the weights stay float32.

    A backend's function computes in the precision of the moment when it was traced: switching around training and
    validation gives each its own. Layers that already have a policy of their own keep it, and so do the layers that
    make the model's output: probabilities need float32.

    Args:
        model: The network.
        precision: ``"bfloat16"``, or ``"float32"`` to change nothing.
    """

    def __init__(self, model: keras.Model, precision: str) -> None:
        self._model = model
        outputs = {id(layer) for layer in _output_layers(model)}
        self._layers = [
            layer
            for layer in leaf_layers(model)
            if precision == "bfloat16" and id(layer) not in outputs and layer.dtype_policy.name == "float32"
        ]

    @contextmanager
    def training(self) -> Iterator[None]:
        """Compute in the training precision inside the block, in float32 after it."""
        self.lower()
        try:
            yield
        finally:
            self.restore()

    def lower(self) -> None:
        """Switch to the training precision."""
        self._set("mixed_bfloat16")

    def restore(self) -> None:
        """Switch to float32."""
        self._set("float32")

    def _set(self, policy: str) -> None:
        for layer in self._layers:
            layer.dtype_policy = keras.DTypePolicy(policy)
        if self._layers:
            self._model.predict_function = None  # one that was traced in the other precision would be kept


def leaf_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model and of the models inside it, without these models themselves."""
    found = []
    for layer in model.layers:
        found += leaf_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _output_layers(model: keras.Model) -> list[keras.layers.Layer]:
    try:
        outputs = model.outputs
    except AttributeError:  # a subclassed model has no graph: its last layer is the best guess
        return leaf_layers(model)[-1:]
    makers = [output._keras_history.operation for output in outputs]  # noqa: SLF001  (Keras has no public name for it)
    return [
        layer for maker in makers for layer in (_output_layers(maker) if isinstance(maker, keras.Model) else [maker])
    ]
