"""The values that ``"auto"`` stands for."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any, Final, Literal

import keras

from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.precision import leaf_layers

_UPDATES: Final = 600
_FEWEST_EPOCHS: Final = 30
_MOST_EPOCHS: Final = 120
_SMALL_SET: Final = 5_000
_FEW_PENS: Final = 0.6
_RATE: Final = 8e-3
_PLAIN_RATE: Final = 4e-3
_LONGEST_EXECUTION_S: Final = 0.5
_TRAINING_PER_FORWARD: Final = 3.0  # forward, and a backward pass of about twice its operations
_MOST_STEPS: Final = 32


def auto_batch_size(num_images: int) -> int:
    """Return 128, or 64 for sets of fewer than 5,000 pictures: they need the updates more than the speed.

    Args:
        num_images: Pictures of the training set.
    """
    return 64 if num_images < _SMALL_SET else 128


def auto_epochs(num_images: int, batch_size: int) -> int:
    """Return 30 epochs, and up to 120 for sets so small that 30 would make fewer than 600 updates.

    Args:
        num_images: Pictures of the training set.
        batch_size: Pictures an update.
    """
    needed = math.ceil(_UPDATES / math.ceil(num_images / batch_size))
    return min(max(needed, _FEWEST_EPOCHS), _MOST_EPOCHS)


def auto_stroke(num_images: int) -> float:
    """Return 0.6 for sets of fewer than 5,000 pictures, which show few pens, else 0.

    Args:
        num_images: Pictures of the training set.
    """
    return _FEW_PENS if num_images < _SMALL_SET else 0.0


def auto_learning_rate(model: keras.Model) -> float:
    """Return the highest rate: 0.008 where batch normalisation is trained, else 0.004.

    Args:
        model: The network. Blocks that are layers of layers are not looked into, models inside it are.
    """
    normalises = any(
        isinstance(layer, keras.layers.BatchNormalization) for layer in leaf_layers(model) if layer.trainable
    )
    return _RATE if normalises else _PLAIN_RATE


def auto_keep(config: TrainConfig) -> Literal["best", "last"]:
    """Return ``"last"`` where the rate falls to 0 and nothing stops the run before, else ``"best"``.

    Args:
        config: A run's settings.
    """
    return "best" if config.schedule == "constant" or config.early_stopping is not None else "last"


def auto_precision() -> Literal["bfloat16", "float32"]:
    """Return ``"bfloat16"`` where the processor multiplies it in hardware, else ``"float32"``.

    Only Linux tells; a GPU counts as none, since float32 is fast there and bfloat16 on older ones is not.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    # Asking for GPUs alone is an error under JAX where there is none.
    on_processor = all(device.startswith("cpu") for device in keras.distribution.list_devices())
    return "bfloat16" if on_processor and ("avx512_bf16" in flags or "amx_bf16" in flags) else "float32"


def auto_steps_per_execution(model: keras.Model, batch: Any, *, steps_per_epoch: int) -> int:
    """Return how many updates one execution can make in about half a second, from a timed forward pass.

    Args:
        model: The network, which is left as it is.
        batch: Pictures of one update.
        steps_per_epoch: Updates an epoch, which one execution never exceeds.
    """
    seconds = math.inf
    for _ in range(3):  # the first call pays for starting up
        start = time.perf_counter()
        keras.ops.convert_to_numpy(model(batch, training=False))
        seconds = min(seconds, time.perf_counter() - start)
    steps = int(_LONGEST_EXECUTION_S / (seconds * _TRAINING_PER_FORWARD))
    return min(max(steps, 1), _MOST_STEPS, steps_per_epoch)


def resolved(config: TrainConfig, *, model: keras.Model, num_images: int) -> TrainConfig:
    """Return the config with batch size, epochs, rate, kept epoch, precision and stroke as numbers and names."""
    batch_size = auto_batch_size(num_images) if config.batch_size == "auto" else config.batch_size
    epochs = sum(stage.epochs for stage in config.stages) if config.stages else config.epochs
    if epochs == "auto":
        epochs = auto_epochs(num_images, batch_size)
    precision = auto_precision() if config.precision == "auto" else config.precision
    rate = auto_learning_rate(model) if config.learning_rate == "auto" else config.learning_rate
    keep = auto_keep(config) if config.keep == "auto" else config.keep
    augment = config.augment
    if augment is not None and augment.stroke == "auto":
        augment = dataclasses.replace(augment, stroke=auto_stroke(num_images))
    return dataclasses.replace(
        config,
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=rate,
        keep=keep,
        precision=precision,
        augment=augment,
    )
