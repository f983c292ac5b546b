"""The stages of a run: which layers are trained when."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage with its place in the run.

    Attributes:
        first: Epochs before it.
        end: Epochs when it is complete.
        config: The run's config with the stage's own rate.
        freeze: Names of the layers that stay as they are, or ``None`` to leave the model's own choice.
    """

    first: int
    end: int
    config: TrainConfig
    freeze: tuple[str, ...] | None


def plan_stages(model: keras.Model, config: TrainConfig) -> list[PlannedStage]:
    """Return a resolved config's stages, one where it names none.

    Raises:
        UnknownNameError: If a stage freezes a layer that the model does not have.
        ConfigError: If a stage, or the model itself, leaves nothing to train.
    """
    planned, first = [], 0
    for stage in config.stages:
        UnknownNameError.check(f"layer of {model.name}", stage.freeze, known=(layer.name for layer in model.layers))
        rate = config.learning_rate if stage.learning_rate is None else stage.learning_rate
        own = dataclasses.replace(config, learning_rate=rate)
        planned.append(PlannedStage(first=first, end=first + stage.epochs, config=own, freeze=stage.freeze))
        first += stage.epochs
    planned = planned or [PlannedStage(first=0, end=int(config.epochs), config=config, freeze=None)]
    for number, part in enumerate(planned, start=1):
        with frozen(model, part.freeze):
            if not model.trainable_variables:
                frozen_by = "the model" if part.freeze is None else f"stage {number}"
                raise ConfigError(f"{frozen_by} freezes every weight of {model.name!r}: there is nothing to train")
    return planned


@contextmanager
def frozen(model: keras.Model, names: tuple[str, ...] | None) -> Iterator[None]:
    """Train all layers but those named inside the block; ``None`` changes nothing. The flags are restored."""
    if names is None:
        yield
        return
    layers = _nested_layers(model)
    flags = [layer.trainable for layer in layers]
    try:
        for layer in layers:
            layer.trainable = True
        for name in names:
            for layer in _nested_layers(model.get_layer(name)):
                layer.trainable = False
        yield
    finally:
        for layer, flag in zip(layers, flags, strict=True):
            layer.trainable = flag


def _nested_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return a layer and all in it, each before what is inside it.

    Setting a flag sets those inside only where it changes: TensorFlow skips setting an attribute to what it is.
    """
    return [layer, *(part for inner in getattr(layer, "layers", ()) for part in _nested_layers(inner))]
