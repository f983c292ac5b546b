"""Which epoch's weights a run ends with, when it stops, and what it remembers of each epoch."""

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from typing_extensions import override

from handwriting_cnn.errors import TrainingError
from handwriting_cnn.training.callbacks import AGAINST_DIVERGENCE
from handwriting_cnn.training.checkpoints import Checkpoint
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.history import History, history_from_json, history_to_json, with_epoch
from handwriting_cnn.training.tensors import read_variables, write_variables

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Callback
else:
    _Callback = keras.callbacks.Callback


class Recorder(_Callback):
    """Keeps history and the chosen weights, and stops early.

    Args:
        network: The network inside the training wrapper.
        config: The resolved config.
    """

    def __init__(self, network: keras.Model, config: TrainConfig) -> None:
        super().__init__()
        self.network: keras.Model = network
        self._config = config
        self._candidate: dict[str, Any] | None = None
        self.chosen: dict[str, Any] = {}
        self.raw: dict[str, Any] = {}
        self.history: History = {}
        self.best_epoch: int = 0
        self.finished: bool = False
        self._waited = 0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the run began, without the time between its parts."""
        return time.monotonic() - self._started

    def snapshot(self) -> None:
        """Keep the network's weights of this moment as the epoch's result."""
        self._candidate = read_variables(self.network.weights, prefix="chosen")

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record an epoch.

        Raises:
            TrainingError: If its last update made the loss, or the loss on the validation set, no longer finite; the
                checkpoints before it stay.
        """
        figures = {name: float(value) for name, value in (logs or {}).items()}
        for name in ("loss", "val_loss"):
            if not math.isfinite(figures.get(name, 0.0)):
                raise TrainingError(f"{name} became {figures[name]} in epoch {epoch + 1}: {AGAINST_DIVERGENCE}")
        figures["learning_rate"] = _rate(self.model.optimizer)
        self.history = with_epoch(self.history, figures)
        if self._candidate is None:
            self.snapshot()
        if self._is_better():
            self.chosen, self.best_epoch, self._waited = self._candidate or {}, epoch + 1, 0
        else:
            self._waited += 1
        self._candidate = None
        self.raw = read_variables(self.network.weights, prefix="model")
        patience = self._config.early_stopping
        # A callback of the user's, which runs before this one, may have asked to stop.
        asked = bool(self.model.stop_training) or (patience is not None and self._waited >= patience)
        self.finished = epoch + 1 == self._config.epochs or asked
        if self.finished and epoch + 1 < int(self._config.epochs):
            self.model.stop_training = True

    @property
    def epochs(self) -> int:
        """Epochs that are complete."""
        return len(self.history.get("loss", ()))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint tells of the run, as JSON values."""
        return {
            "history": history_to_json(self.history),
            "best_epoch": self.best_epoch,
            "waited": self._waited,
            "finished": self.finished,
            "seconds": self.seconds,
        }

    def continue_from(self, checkpoint: Checkpoint) -> None:
        """Take up history, choice and weights from a checkpoint."""
        state = checkpoint.state
        self.history = history_from_json(state["history"])
        self.best_epoch, self._waited = int(state["best_epoch"]), int(state["waited"])
        self.finished = bool(state["finished"])
        self._started = time.monotonic() - state["seconds"]
        self.chosen = {name: array for name, array in checkpoint.tensors.items() if name.startswith("chosen/")}
        write_variables(self.network.weights, checkpoint.tensors, prefix="model")

    def _is_better(self) -> bool:
        if self._config.keep == "last" or "val_accuracy" not in self.history or self.best_epoch == 0:
            return True
        return _rank(self.history, -1) > _rank(self.history, self.best_epoch - 1)


def _rank(history: Mapping[str, list[float]], index: int) -> tuple[float, float]:
    return history["val_accuracy"][index], -history["val_loss"][index]


def _rate(optimizer: keras.optimizers.Optimizer) -> float:
    rate = optimizer.learning_rate  # a variable, or a schedule's value
    return float(np.asarray(getattr(rate, "value", rate)))
