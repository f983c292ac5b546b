"""Optimizers, schedules and class weights, all of Keras's making."""

from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError
from handwriting_cnn.training.config import TrainConfig

_WARM_UP: Final = 0.3
_START: Final = 1 / 25  # the one-cycle schedule's first rate as a part of its highest
_UNDECAYED: Final = ("bias", "gamma", "beta")


def learning_rate_schedule(config: TrainConfig, *, steps: int) -> Any:
    """Return the schedule over ``steps`` updates, or the constant rate."""
    peak = float(config.learning_rate)
    if config.schedule == "constant":
        return peak
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps=steps)
    rising = int(steps * _WARM_UP)
    if rising == 0:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps=steps)
    return keras.optimizers.schedules.CosineDecay(
        peak * _START, decay_steps=steps - rising, warmup_target=peak, warmup_steps=rising
    )


def make_optimizer(config: TrainConfig, *, steps: int) -> keras.optimizers.Optimizer:
    """Return the config's optimizer for a run of ``steps`` updates."""
    common = {
        "learning_rate": learning_rate_schedule(config, steps=steps),
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm,
        "use_ema": config.ema is not None,
        "ema_momentum": config.ema or 0.0,
    }
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    elif config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(**common)
    else:
        optimizer = keras.optimizers.AdamW(**{**common, "weight_decay": config.weight_decay})
    optimizer.exclude_from_weight_decay(var_names=list(_UNDECAYED))
    return optimizer


def class_weights(config: TrainConfig, dataset: Dataset) -> npt.NDArray[np.float32] | None:
    """Return each class's weight in the loss, float32 ``(num_classes,)``, or ``None``.

    ``"balanced"`` is scikit-learn's rule: ``n / (classes present * pictures of the class)``.

    Raises:
        ConfigError: If there are not as many weights as classes.
    """
    if config.class_weights is None:
        return None
    if config.class_weights == "balanced":
        counts = dataset.class_counts
        weights = len(dataset) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return weights.astype(np.float32)
    if len(config.class_weights) != dataset.num_classes:
        raise ConfigError(
            f"class_weights must have one number for each of the {dataset.num_classes} classes, "
            f"but has {len(config.class_weights)}"
        )
    return np.array(config.class_weights, np.float32)
