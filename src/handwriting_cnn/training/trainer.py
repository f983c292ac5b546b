"""The Trainer."""

import dataclasses
import itertools
from collections.abc import Sequence
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import Any, Final

import keras

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import check_dataset
from handwriting_cnn.errors import ConfigError, ShapeMismatchError
from handwriting_cnn.models.checks import check_declared, check_network, checked_probabilities
from handwriting_cnn.models.origin import model_origin
from handwriting_cnn.models.registry import model_spec
from handwriting_cnn.training.batches import Batches
from handwriting_cnn.training.calibration import reading_rules
from handwriting_cnn.training.callbacks import Progress
from handwriting_cnn.training.checkpointing import Checkpointing
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.group import Group, current_group
from handwriting_cnn.training.loop import Loop, distorting
from handwriting_cnn.training.optimization import class_weights
from handwriting_cnn.training.precision import ComputePrecision, leaf_layers
from handwriting_cnn.training.resolve import auto_steps_per_execution, resolved
from handwriting_cnn.training.result import TrainResult
from handwriting_cnn.training.run_folder import RunFolder
from handwriting_cnn.training.selection import Recorder
from handwriting_cnn.training.stages import frozen, plan_stages
from handwriting_cnn.training.tensors import write_variables

_ASKED_FIRST: Final = 8


class Trainer:
    """Trains a ``keras.Model`` on a data set.

    Args:
        config: The settings; ``None`` takes the defaults.

    Raises:
        ConfigError: If it is no :class:`TrainConfig`.
    """

    def __init__(self, config: TrainConfig | None = None) -> None:
        self.config: TrainConfig = TrainConfig() if config is None else config
        if not isinstance(self.config, TrainConfig):
            raise ConfigError(f"config must be a TrainConfig, but is a {type(config).__name__}")

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
                checkpoint and ends with the same weights; a finished run returns its result. The weights that
                ``model`` has at this moment do not matter then, but what it was built from does: another seed, other
                learned weights (those of a transferred base, or of a model file) and other layers frozen are another
                run. What a network of other origin has learned cannot be told.
            callbacks: Keras callbacks of your own. What one returns as ``state_dict()``, JSON values, is part of each
                checkpoint, and goes to its ``load_state_dict()`` when the run continues; nothing else of it is kept.
            progress: Whether to draw a progress bar; ``None`` draws it where standard error is a terminal.

        Returns:
            The result, with the model.

        Raises:
            DataError: If ``train`` or ``validation`` is no :class:`~handwriting_cnn.Dataset`, or what the model answers
                to the first pictures is no probabilities: it must end in softmax.
            ShapeMismatchError: If model and data do not fit each other.
            ConfigError: If ``model`` is no ``keras.Model``, there are fewer pictures than classes, a setting does not
                fit the data, everything is frozen, or a callback's ``state_dict()`` is not of JSON values.
            UnknownNameError: If a stage freezes a layer that the model does not have.
            RunFolderError: If the folder holds another run, or another process is using it.
            TrainingError: If the loss is no longer finite.
            OutputError: If the folder cannot be written.
        """
        check_network("model", model)
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
        group = current_group()
        with folder.locked() if folder is not None and group.leads else nullcontext():
            return self._fit(model, train, validation, folder, group, list(callbacks), progress=progress)

    def _fit(
        self,
        model: keras.Model,
        train: Dataset,
        validation: Dataset | None,
        folder: RunFolder | None,
        group: Group,
        callbacks: list[keras.callbacks.Callback],
        *,
        progress: bool | None,
    ) -> TrainResult:
        config = self._resolve(model, train, folder, group)
        group.check_batch_size(int(config.batch_size))
        if config.deterministic:
            _make_deterministic()
        stages, provenance = plan_stages(model, config), _provenance(train, validation)
        if folder is not None:
            run = {"data": provenance, "architecture": _architecture(model), "start": _start(model, config)}
            folder.claim({"config": config.to_json(), **run}, leads=group.leads)
            group.agreed(0)  # before that no process but the first knows that the checkpoints are this run's
        last = None if folder is None else folder.checkpoints.newest()
        group.check_place(*(0, 0) if last is None else (last.epoch, last.step))

        recorder = Recorder(model, config)
        bar = Progress(int(config.epochs), shown=progress if group.leads else False)
        if last is not None:
            recorder.continue_from(last)
        wrapper = distorting(model, train, config)
        loop = Loop(
            wrapper=wrapper,
            train=train,
            validation=validation,
            recorder=recorder,
            checkpointing=Checkpointing(
                recorder, None if folder is None else folder.checkpoints.save, leads=group.leads, users=callbacks
            ),
            callbacks=callbacks,
            bar=bar,
            group=group,
        )
        try:
            for stage in stages:
                with frozen(model, stage.freeze), group.sharing(wrapper):
                    loop.run(stage, last)
        finally:
            loop.checkpointing.close()
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
        if folder is not None and group.leads:
            result.save_history(folder.path)
        return result

    def _resolve(self, model: keras.Model, train: Dataset, folder: RunFolder | None, group: Group) -> TrainConfig:
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
        return dataclasses.replace(config, steps_per_execution=group.agreed(steps))


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
