"""Keras's loop over the epochs of a stage, and the way into its middle."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import keras
from typing_extensions import override

from handwriting_cnn.augment.warp import Augment
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.training.averages import averaged_weights
from handwriting_cnn.training.batches import Batches, CharacterAccuracy, HeldOut
from handwriting_cnn.training.callbacks import FiniteLoss, Progress, SeedStates, Validation
from handwriting_cnn.training.checkpointing import Checkpointing
from handwriting_cnn.training.checkpoints import Checkpoint
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.group import Group
from handwriting_cnn.training.jitter import jittering
from handwriting_cnn.training.optimization import class_weights, make_optimizer
from handwriting_cnn.training.precision import ComputePrecision
from handwriting_cnn.training.selection import Recorder
from handwriting_cnn.training.stages import PlannedStage
from handwriting_cnn.training.tensors import write_variables

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _Callback
else:
    _Callback = keras.callbacks.Callback

_VALIDATION_BATCH: Final = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """Trains one stage after the other.

    Attributes:
        wrapper: The network with the distortion before it.
        train: What is learned from.
        validation: What each epoch is scored on, or ``None``.
        recorder: Keeps history and choice.
        checkpointing: Saves the state.
        callbacks: The user's.
        bar: Shows how far the run is.
        group: The processes that train together.
    """

    wrapper: keras.Model
    train: Dataset
    validation: Dataset | None
    recorder: Recorder
    checkpointing: Checkpointing
    callbacks: Sequence[keras.callbacks.Callback]
    bar: Progress
    group: Group

    def run(self, stage: PlannedStage, last: Checkpoint | None) -> None:
        """Train a stage, or what is left of it.

        Args:
            stage: What is trained, its layers frozen as it says.
            last: Where the run goes on, or ``None``.
        """
        epoch, recorder = self.recorder.epochs, self.recorder
        if recorder.finished or epoch >= stage.end:
            return
        config, wrapper = stage.config, self.wrapper
        first = last.step if last is not None and last.epoch == epoch else 0
        batches = self._batches(config, self.group, first=first)
        wrapper.compile(
            optimizer=make_optimizer(config, steps=batches.per_epoch * (stage.end - stage.first)),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
            metrics=[CharacterAccuracy(name="accuracy")],
            steps_per_execution=config.steps_per_execution,
        )
        goes_on = last is not None and last.epoch == epoch and (epoch > stage.first or first > 0)
        self.checkpointing.begin(wrapper, last if goes_on else None)
        precision = ComputePrecision(recorder.network, config.precision)
        # Each process of a group estimates the averages' statistics on whole batches, and finds the same.
        averaged = None if config.ema is None else _averaging(wrapper, self._batches(config, Group()))
        callbacks = self._callbacks(config, precision, averaged)
        with precision.training(), jittering(recorder.network, config.augment):
            if first:  # Keras has no way into the middle of an epoch: it is one of its own
                self._finish_epoch(epoch, batches, callbacks)
                write_variables(recorder.network.weights, recorder.raw, prefix="model")
                epoch, batches = epoch + 1, self._batches(config, self.group)
            if epoch < stage.end and not recorder.finished:
                self._fit(batches, callbacks, first=epoch, end=stage.end)
        # Keras ends with the averages, where there are any; the next stage begins where this one's updates led.
        write_variables(recorder.network.weights, recorder.raw, prefix="model")

    def _fit(self, batches: Batches, callbacks: list[_Callback], *, first: int, end: int) -> None:
        self.wrapper.fit(
            batches,
            epochs=end,
            initial_epoch=first,
            verbose=0,
            shuffle=False,  # Keras would shuffle the batches from Python's generator
            validation_data=self._held_out(),
            callbacks=[
                keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _logs: batches.begin(epoch + 1)),
                *callbacks,
            ],
        )

    def _finish_epoch(self, epoch: int, batches: Batches, callbacks: list[_Callback]) -> None:
        if len(batches):
            self._fit(batches, callbacks, first=epoch, end=epoch + 1)
            return
        # The run was stopped between the last update and the end of the validation: what Keras does after updates.
        wrapper, held_out = self.wrapper, self._held_out()
        every = keras.callbacks.CallbackList(callbacks, model=wrapper, epochs=epoch + 1, steps=0)
        wrapper.stop_training = False
        every.on_train_begin()
        wrapper.reset_metrics()
        every.on_epoch_begin(epoch)
        logs = wrapper.get_metrics_result()
        if held_out is not None:
            scores = wrapper.evaluate(held_out, callbacks=every, return_dict=True)
            logs |= {f"val_{name}": score for name, score in scores.items()}
        every.on_epoch_end(epoch, logs)
        every.on_train_end(logs)

    def _batches(self, config: TrainConfig, group: Group, *, first: int = 0) -> Batches:
        return Batches(
            self.train,
            batch_size=int(config.batch_size),
            seed=config.seed,
            first=first,
            outliers=config.outliers,
            weights=class_weights(config, self.train),
            group=group,
        )

    def _held_out(self) -> Batches | None:
        if self.validation is None:
            return None
        return HeldOut(self.validation, batch_size=_VALIDATION_BATCH, group=self.group)

    def _callbacks(
        self,
        config: TrainConfig,
        precision: ComputePrecision,
        averaged: Callable[[], AbstractContextManager[None]] | None,
    ) -> list[_Callback]:
        validating = Validation(precision, averaged, self.recorder.snapshot)
        alone = [_AveragedSnapshot(validating)] if self.validation is None and averaged is not None else []
        return [
            SeedStates(config.seed),
            FiniteLoss(),
            self.checkpointing,
            validating,
            *self.callbacks,
            *alone,
            self.recorder,
            keras.callbacks.LambdaCallback(  # behind the user's, which begin anew with each call of Keras's loop
                on_train_begin=lambda _logs: self.checkpointing.continue_users(),
                on_epoch_end=lambda _epoch, _logs: self.checkpointing.complete(),
            ),
            self.bar,
        ]


class _AveragedSnapshot(_Callback):
    """Without a validation set nothing else asks for the averaged weights, in float32."""

    def __init__(self, validating: Validation) -> None:
        super().__init__()
        self._validating = validating

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._validating.on_test_begin()
        self._validating.on_test_end()


def distorting(model: keras.Model, train: Dataset, config: TrainConfig) -> keras.Model:
    """Return a model with the distortion before a network, which alone is kept after training."""
    inputs = keras.Input(train.input_shape, dtype="uint8")
    pixels = inputs if config.augment is None else Augment(config.augment, seed=config.seed)(inputs)
    return keras.Model(inputs, model(pixels))


def _averaging(wrapper: keras.Model, batches: Batches) -> Callable[[], AbstractContextManager[None]]:
    return lambda: averaged_weights(wrapper, batches)
