"""What the Trainer adds to Keras's loop."""

import logging
import math
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
from typing_extensions import override

from handwriting_cnn.errors import TrainingError
from handwriting_cnn.training.precision import ComputePrecision

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Callback
else:
    _Callback = keras.callbacks.Callback

_logger = logging.getLogger(__name__)

AGAINST_DIVERGENCE: Final = "a lower learning_rate or a clip_norm usually helps"
"""What a message about a loss or weights that are no longer finite ends with."""

_QUIET_SECONDS: Final = 2.0


class SeedStates(_Callback):
    """Sets each random layer's state from (seed, epoch, index) when an epoch begins.

    Dropout and distortion then depend on nothing that happened before: a continued run draws as an undisturbed one.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the states."""
        for index, state in enumerate(seed_states(self.model)):
            state.assign(np.random.SeedSequence([self._seed, epoch, index]).generate_state(2, np.uint32))


def seed_states(model: keras.Model) -> list[Any]:
    """Return the states of a model's random layers, which are variables but no weights."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


class FiniteLoss(_Callback):
    """Stops a run whose loss is no longer finite."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch, for the message."""
        self._epoch = epoch

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss.

        Raises:
            TrainingError: If it is not finite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {self._epoch + 1}, update {batch + 1}: {AGAINST_DIVERGENCE}"
            )


class Validation(_Callback):
    """Validates in float32, with the averaged weights where there are any, and keeps what was validated.

    Args:
        precision: The run's precision.
        averaged: Makes the context in which the model has its averaged weights, or ``None``.
        snapshot: Called at the end, while the model still has the weights that were validated.
    """

    def __init__(
        self,
        precision: ComputePrecision,
        averaged: Callable[[], AbstractContextManager[None]] | None,
        snapshot: Callable[[], None],
    ) -> None:
        super().__init__()
        self._precision, self._averaged, self._snapshot = precision, averaged, snapshot
        self._context: AbstractContextManager[None] | None = None

    @override
    def on_test_begin(self, logs: Any = None) -> None:
        """Switch to what is validated."""
        self._precision.restore()
        if self._averaged is not None:
            self._context = self._averaged()
            self._context.__enter__()

    @override
    def on_test_end(self, logs: Any = None) -> None:
        """Keep it, and switch back."""
        self._snapshot()
        if self._context is not None:
            self._context.__exit__(None, None, None)
            self._context = None
        self._precision.lower()


class Progress(_Callback):
    """A progress bar on standard error once a run takes longer than two seconds, and a log line an epoch.

    Args:
        epochs: Epochs of the whole run.
        shown: Whether to draw the bar; ``None`` draws it where standard error is a terminal.
    """

    def __init__(self, epochs: int, *, shown: bool | None) -> None:
        super().__init__()
        self._epochs, self._shown = epochs, sys.stderr.isatty() if shown is None else shown
        self._bar: Any = None
        self._task: Any = None
        self._started = 0.0
        self._epoch = 0

    @override
    def on_train_begin(self, logs: Any = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar within the epoch."""
        if self._bar is None and self._shown and time.monotonic() - self._started > _QUIET_SECONDS:
            self._draw()
        self._move(self._epoch + (batch + 1) / self.params["steps"], logs)

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Move the bar to the epoch's end and log its figures."""
        self._move(epoch + 1, logs)
        figures = "  ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())
        _logger.info("epoch %d/%d  %s", epoch + 1, self._epochs, figures)

    def close(self) -> None:
        """Take the bar down, whatever ended the run."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("epoch {task.fields[epoch]}/{task.total:.0f} {task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("training", total=self._epochs, epoch=self._epoch + 1, figures="")
        self._bar.start()

    def _move(self, completed: float, logs: Any) -> None:
        if self._bar is None:
            return
        logs = logs or {}
        shown = [f"{name} {logs[name]:.3f}" for name in ("accuracy", "val_accuracy") if name in logs]
        self._bar.update(
            self._task, completed=completed, epoch=min(self._epoch + 1, self._epochs), figures=" ".join(shown)
        )
