"""The Trainer."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any, Final

import keras
from typing_extensions import override

from handwriting_cnn.augment.warp import Augment
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import check_dataset
from handwriting_cnn.errors import ConfigError, ShapeMismatchError
from handwriting_cnn.models.checks import check_declared, checked_probabilities
from handwriting_cnn.models.origin import model_origin
from handwriting_cnn.models.registry import model_spec
from handwriting_cnn.training.averages import averaged_weights
from handwriting_cnn.training.batches import Batches, CharacterAccuracy
from handwriting_cnn.training.calibration import reading_rules
from handwriting_cnn.training.callbacks import FiniteLoss, Progress, SeedStates, Validation
from handwriting_cnn.training.checkpoints import Checkpoint
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.jitter import jittering
from handwriting_cnn.training.optimization import class_weights, make_optimizer
from handwriting_cnn.training.precision import ComputePrecision, leaf_layers
from handwriting_cnn.training.resolve import auto_steps_per_execution, resolved
from handwriting_cnn.training.result import TrainResult
from handwriting_cnn.training.run_folder import RunFolder
from handwriting_cnn.training.selection import Recorder
from handwriting_cnn.training.stages import PlannedStage, frozen, plan_stages
from handwriting_cnn.training.tensors import write_variables

_VALIDATION_BATCH: Final = 256
_ASKED_FIRST: Final = 8


class Trainer:
    """Trains a ``keras.Model`` on a data set.

    Args:
        config: The settings; ``None`` takes the defaults.
    """

    def __init__(self, config: TrainConfig | None = None) -> None:
        self.config: TrainConfig = config or TrainConfig()

    def fit(
        self,
        model: keras.Model,
        train: Dataset,
        *,
        validation: Dataset | None = None,
        run_dir: str | PathLike[str] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        progress: bool | None = None,
    ) -> TrainResult:
        """Train a model, or continue the run that ``run_dir`` holds.

        Args:
            model: From pixels 0..255 of ``train.input_shape`` to ``train.num_classes`` probabilities; registered or
                not, built or not, subclassed or not. Its weights are trained in place.
            train: The pictures to learn from.
            validation: Pictures that are not learned from: each epoch is scored on them, the epoch is chosen on them
                where ``config.keep`` says so, and confidences are calibrated. Never the test set.
            run_dir: A folder for checkpoints and history. If it holds this run, the run continues after its last
                complete epoch and ends with the same weights; a finished run returns its result. The weights that
                ``model`` has at this moment do not matter then, but what it was built from does: another seed, other
                learned weights (those of a transferred base, or of a model file) and other layers frozen are another
                run. What a network of other origin has learned cannot be told.
            callbacks: Keras callbacks of your own. What they hold is not part of a checkpoint.
            progress: Whether to draw a progress bar; ``None`` draws it where standard error is a terminal.

        Returns:
            The result, with the model.

        Raises:
            DataError: If ``train`` or ``validation`` is no :class:`~handwriting_cnn.Dataset`, or what the model answers
                to the first pictures is no probabilities: it must end in softmax.
            ShapeMismatchError: If model and data do not fit each other.
            ConfigError: If there are fewer pictures than classes, a setting does not fit the data, or everything is
                frozen.
            UnknownNameError: If a stage freezes a layer that the model does not have.
            RunFolderError: If the folder holds another run, or another process is using it.
            TrainingError: If the loss is no longer finite.
            OutputError: If the folder cannot be written.
        """
        for role, part in (("train", train), ("validation", validation)):
            if part is not None:
                check_dataset(role, part)
        if validation is not None:
            if validation.input_shape != train.input_shape:
                raise ShapeMismatchError(
                    f"the training set has pictures of {train.input_shape}, but the validation set has "
                    f"{validation.input_shape}"
                )
            if validation.alphabet.characters != train.alphabet.characters:
                raise ShapeMismatchError("the training and the validation set have different alphabets")
        elif self.config.early_stopping is not None:
            raise ConfigError("early_stopping needs a validation set to look for a better epoch on")
        if len(train) < train.num_classes:
            raise ConfigError(f"{len(train)} pictures are fewer than the {train.num_classes} classes to learn")
        _check_fit(model, train)
        # Refused before a folder is made; what else the config stands for, a run that continues has settled already.
        plan_stages(model, resolved(self.config, model=model, num_images=len(train)))
        class_weights(self.config, train)
        folder = None if run_dir is None else RunFolder(Path(run_dir))
        with nullcontext() if folder is None else folder.locked():
            return self._fit(model, train, validation, folder, list(callbacks), progress=progress)

    def _fit(
        self,
        model: keras.Model,
        train: Dataset,
        validation: Dataset | None,
        folder: RunFolder | None,
        callbacks: list[keras.callbacks.Callback],
        *,
        progress: bool | None,
    ) -> TrainResult:
        config = self._resolve(model, train, folder)
        if config.deterministic:
            _make_deterministic()
        stages, provenance = plan_stages(model, config), _provenance(train, validation)
        if folder is not None:
            run = {"data": provenance, "architecture": _architecture(model), "start": _start(model, config)}
            folder.claim({"config": config.to_json(), **run})
        last = None if folder is None else folder.checkpoints.newest()

        wrapper = _wrap(model, train, config)
        recorder = Recorder(model, config, save=None if folder is None else folder.checkpoints.save)
        if last is not None:
            recorder.continue_from(last)
        bar = Progress(int(config.epochs), shown=progress)
        try:
            for stage in stages:
                with frozen(model, stage.freeze):
                    self._fit_stage(stage, wrapper, train, validation, recorder, last, callbacks, bar)
        finally:
            bar.close()
        write_variables(model.weights, recorder.chosen, prefix="chosen")
        result = TrainResult(
            model=model,
            config=config,
            history=recorder.history,
            best_epoch=recorder.best_epoch,
            seconds=recorder.seconds,
            alphabet=train.alphabet,
            preprocessing=train.preprocessing,
            reading=reading_rules(model, train, validation),
            provenance=provenance,
        )
        if folder is not None:
            result.save_history(folder.path)
        return result

    def _fit_stage(
        self,
        stage: PlannedStage,
        wrapper: keras.Model,
        train: Dataset,
        validation: Dataset | None,
        recorder: Recorder,
        last: Checkpoint | None,
        callbacks: list[keras.callbacks.Callback],
        bar: Progress,
    ) -> None:
        """Train a stage, or what is left of it."""
        epoch = len(recorder.history.get("loss", ()))
        if recorder.finished or epoch >= stage.end:
            return
        config, batch_size = stage.config, int(stage.config.batch_size)
        steps = math.ceil(len(train) / batch_size) * (stage.end - stage.first)
        wrapper.compile(
            optimizer=make_optimizer(config, steps=steps),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
            metrics=[CharacterAccuracy(name="accuracy")],
            steps_per_execution=config.steps_per_execution,
        )
        recorder.set_model(wrapper)
        if last is not None and last.epoch == epoch > stage.first:
            recorder.continue_optimizer(last)
        weights = class_weights(config, train)
        batches = Batches(
            train, batch_size=batch_size, seed=config.seed, epoch=epoch, outliers=config.outliers, weights=weights
        )
        precision = ComputePrecision(recorder.network, config.precision)
        averaged = _averaging(wrapper, batches, config)
        validating = Validation(precision, averaged, recorder.snapshot)
        end_of_epoch = [] if validation is not None or averaged is None else [_AveragedSnapshot(validating)]
        held_out = None if validation is None else Batches(validation, batch_size=_VALIDATION_BATCH)
        with precision.training(), jittering(recorder.network, config.augment):
            wrapper.fit(
                batches,
                epochs=stage.end,
                initial_epoch=epoch,
                verbose=0,
                shuffle=False,  # Keras would shuffle the batches from Python's generator
                validation_data=held_out,
                callbacks=[
                    SeedStates(config.seed),
                    FiniteLoss(),
                    validating,
                    *callbacks,
                    *end_of_epoch,
                    recorder,
                    bar,
                ],
            )
        # Keras ends with the averages, where there are any; the next stage begins where this one's updates led.
        write_variables(recorder.network.weights, recorder.raw, prefix="model")

    def _resolve(self, model: keras.Model, train: Dataset, folder: RunFolder | None) -> TrainConfig:
        """Return the config without ``"auto"``; a run that continues keeps what it began with."""
        earlier = {} if folder is None else folder.resolved_values()
        settled = {"epochs": bool(self.config.stages), "keep": self.config.early_stopping is not None}
        auto = {name for name in earlier if getattr(self.config, name) == "auto" and not settled.get(name)}
        taken = {name: earlier[name] for name in auto}
        config = resolved(dataclasses.replace(self.config, **taken), model=model, num_images=len(train))
        if config.steps_per_execution != "auto":
            return config
        batches = Batches(train, batch_size=int(config.batch_size))
        with ComputePrecision(model, config.precision).training():
            steps = auto_steps_per_execution(model, batches[0][0], steps_per_epoch=len(batches))
        return dataclasses.replace(config, steps_per_execution=steps)


class _AveragedSnapshot(keras.callbacks.Callback):
    """Without a validation set nothing else asks for the averaged weights, in float32."""

    def __init__(self, validating: Validation) -> None:
        super().__init__()
        self._validating = validating

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._validating.on_test_begin()
        self._validating.on_test_end()


def _wrap(model: keras.Model, train: Dataset, config: TrainConfig) -> keras.Model:
    """Put the distortion before the network; only the network is kept after training."""
    inputs = keras.Input(train.input_shape, dtype="uint8")
    pixels = inputs if config.augment is None else Augment(config.augment, seed=config.seed)(inputs)
    return keras.Model(inputs, model(pixels))


def _averaging(
    wrapper: keras.Model, batches: Batches, config: TrainConfig
) -> Callable[[], AbstractContextManager[None]] | None:
    return None if config.ema is None else lambda: averaged_weights(wrapper, batches)


def _check_fit(model: keras.Model, train: Dataset) -> None:
    check_declared(model, input_shape=train.input_shape, num_classes=train.num_classes, data="the training set")
    images = train.take(range(min(_ASKED_FIRST, len(train))))
    answers = keras.ops.convert_to_numpy(model(images, training=False))  # a model that is not built gets its weights
    checked_probabilities(answers, count=len(images), num_classes=train.num_classes)


def _architecture(model: keras.Model) -> dict[str, Any]:
    spec = model_spec(model)
    return {  # the name of a model of other origin may be one that Keras counts up
        "name": "unregistered" if spec is None else spec.name,
        "options": {} if spec is None else dict(spec.options),
        "weights": [list(weight.shape) for weight in model.weights],
    }


def _start(model: keras.Model, config: TrainConfig) -> dict[str, Any]:
    """Return what the training begins with.

    A digest of the first weights would tell more, but then a network that was built without a seed never continued.
    """
    if config.stages:  # they freeze and free layers themselves
        return model_origin(model)
    flags = [bool(layer.trainable) for layer in leaf_layers(model) if layer.weights]
    runs = [(flag, len(list(group))) for flag, group in itertools.groupby(flags)]
    return {**model_origin(model), "layers": ", ".join(f"{n} {'trained' if on else 'frozen'}" for on, n in runs)}


def _provenance(train: Dataset, validation: Dataset | None) -> dict[str, Any]:
    parts = {"train": train} if validation is None else {"train": train, "validation": validation}
    return {
        "name": train.name,
        "protocol": train.protocol,
        **{role: {"images": len(part), "digest": part.digest} for role, part in parts.items()},
    }


def _make_deterministic() -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
