"""When a run's state is saved, and how it is taken up again."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
from typing_extensions import override

from handwriting_cnn.errors import ConfigError, TrainingError
from handwriting_cnn.storage.canonical import canonical_json
from handwriting_cnn.training.callbacks import AGAINST_DIVERGENCE, seed_states
from handwriting_cnn.training.checkpoints import Checkpoint
from handwriting_cnn.training.interruption import Interruption
from handwriting_cnn.training.selection import Recorder
from handwriting_cnn.training.tensors import read_variables, write_variables

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Callback
else:
    _Callback = keras.callbacks.Callback

SAVE_SECONDS: Final = 300.0  # of a longer epoch so much is lost at most, whatever ends the process


class Checkpointing(_Callback):
    """Saves the state after each epoch, every five minutes within one, and when a signal asks the process to end.

    It stands behind what sets the random layers' states, which it sets otherwise in the middle of an epoch, and before
    what changes the weights for validation.

    Args:
        recorder: Knows the run's history and the chosen weights.
        save: Takes each checkpoint, or ``None`` to save nothing.
        leads: Whether this process saves for the whole group; one that does not only holds the first signal back, so
            that the one that does comes to it.
        users: The user's callbacks. What one gives as ``state_dict()``, JSON values, is part of a checkpoint, and goes
            to its ``load_state_dict()`` when the run continues.
    """

    def __init__(
        self,
        recorder: Recorder,
        save: Callable[[Checkpoint], None] | None,
        *,
        leads: bool = True,
        users: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__()
        self._recorder, self._save, self._users = recorder, save if leads else None, users
        self._holds = save is not None
        self._user_states: list[dict[str, Any] | None] = [None] * len(users)
        self._interruption = Interruption()
        self._saved = time.monotonic()
        self._begun: Checkpoint | None = None  # from the middle of an epoch
        self._trained: Checkpoint | None = None  # of an epoch that is being validated
        self._first = self._steps = 0  # updates of the epoch: those before this process, and all
        self._goes_on = False

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin an epoch, or go on in the middle of one."""
        self._first = self._steps = 0
        if self._begun is None:
            return
        self._first = self._steps = self._begun.step
        write_variables(seed_states(self.model), self._begun.tensors, prefix="seeds")
        _build_metrics(self.model)
        write_variables(self.model.metrics_variables, self._begun.tensors, prefix="metrics")
        self._begun = None

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save the state if it is time.

        Raises:
            TrainingError: If a weight is no longer finite.
        """
        self._steps = self._first + min(batch + 1, self.params["steps"])  # an execution's last one may be beyond
        if self._save is not None and self._is_time():
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()  # until then the variables have the values of the epoch's beginning
            self._keep(self._checkpoint(step=self._steps))
            self._interruption.obey()
        if self._holds:  # from the first update on: before it there is nothing to save
            self._interruption.hold()

    @override
    def on_test_begin(self, logs: Any = None) -> None:
        """Keep the state that the epoch's last update left: validation changes weights and metrics."""
        if self._save is not None:
            self._trained = self._checkpoint(step=self._steps)

    @override
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save that state if a signal asks the process to end."""
        if self._interruption.asked and self._trained is not None:
            self._keep(self._trained)
            self._interruption.obey()

    def complete(self) -> None:
        """Save the state between two epochs.

        Raises:
            TrainingError: If a weight is no longer finite.
        """
        self._trained = None
        self._user_states = [_state_of(user) for user in self._users]
        if self._save is not None:
            self._keep(self._checkpoint(step=0))
            self._interruption.obey()

    def begin(self, model: keras.Model, last: Checkpoint | None) -> None:
        """Begin a stage, or take up its optimizer and the place within an epoch; the model must be compiled."""
        self.set_model(model)
        self._goes_on = last is not None
        if last is not None:
            model.optimizer.build(model.trainable_variables)
            write_variables(model.optimizer.variables, last.tensors, prefix="optimizer")
            self._user_states = last.state["callbacks"]
            self._begun = last if last.step else None

    def continue_users(self) -> None:
        """Give the user's callbacks the states that they had, unless a stage begins with them; ask each for its own.

        Raises:
            ConfigError: If a ``state_dict()`` is not of JSON values: the epoch's end is late to refuse it.
        """
        for user, state in zip(self._users, self._user_states, strict=False):
            if self._goes_on and state is not None and state["class"] == type(user).__name__:
                user.load_state_dict(state["state"])
        for user in self._users:
            _state_of(user)

    def close(self) -> None:
        """Let signals act as they did before, whatever ended the run."""
        self._interruption.release()

    def _is_time(self) -> bool:
        return self._interruption.asked is not None or time.monotonic() - self._saved > SAVE_SECONDS

    def _checkpoint(self, *, step: int) -> Checkpoint:
        recorder = self._recorder
        tensors = {
            **read_variables(recorder.network.weights, prefix="model"),
            **read_variables(self.model.optimizer.variables, prefix="optimizer"),
            **recorder.chosen,
        }
        if step:
            tensors |= read_variables(seed_states(self.model), prefix="seeds")
            tensors |= read_variables(self.model.metrics_variables, prefix="metrics")
        state = {**recorder.state(), "callbacks": self._user_states}
        return Checkpoint(epoch=recorder.epochs, step=step, tensors=tensors, state=state)

    def _keep(self, checkpoint: Checkpoint) -> None:
        if not all(np.isfinite(array).all() for array in checkpoint.tensors.values()):
            epoch = checkpoint.epoch + (checkpoint.step > 0)
            raise TrainingError(f"the weights are no longer finite in epoch {epoch}: {AGAINST_DIVERGENCE}")
        if self._save is not None:
            self._save(checkpoint)
        self._saved = time.monotonic()


def _build_metrics(model: keras.Model) -> None:
    # Keras makes a metric's variables when it meets the first batch.
    answers = np.full((1, model.output_shape[-1]), 1 / model.output_shape[-1], np.float32)
    model.compute_metrics(None, answers, answers)
    model.reset_metrics()


def _state_of(callback: keras.callbacks.Callback) -> dict[str, Any] | None:
    if not hasattr(callback, "state_dict"):
        return None
    name, state = type(callback).__name__, callback.state_dict()
    try:
        canonical_json(state)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"state_dict() of callback {name} gives no JSON values: {error}") from None
    return {"class": name, "state": state}
