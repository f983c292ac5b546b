"""What a training run is told."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, get_args

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import ConfigError, UnknownNameError

Optimizer: TypeAlias = Literal["adamw", "adam", "sgd"]
Schedule: TypeAlias = Literal["one-cycle", "cosine", "constant"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]
Keep: TypeAlias = Literal["auto", "best", "last"]

_CHOICES: Final = {"optimizer": Optimizer, "schedule": Schedule, "precision": Precision, "keep": Keep}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a training run that begins at an epoch's edge, with layers of its own frozen and a fresh optimizer.

    Attributes:
        epochs: Passes over the training set, at least 1.
        freeze: Names of the model's layers that stay as they are; all others are trained. ``("trunk",)`` names the
            trunk of a :func:`~handwriting_cnn.transfer` model.
        learning_rate: The stage's highest rate, above 0; ``None`` takes the config's. The config's schedule runs over
            the stage's own updates.

    Raises:
        ConfigError: If a setting is outside its range.
    """

    epochs: int
    freeze: tuple[str, ...] = ()
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        if type(self.epochs) is not int or self.epochs < 1:
            raise ConfigError(f"a stage's epochs must be an int of at least 1, but are {self.epochs!r}")
        names: Any = self.freeze
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"a stage freezes a tuple of layers' names, not {names!r}")
        object.__setattr__(self, "freeze", tuple(names))
        if self.learning_rate is not None and not (_is_real(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"a stage's learning_rate must be a number above 0, but is {self.learning_rate!r}")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Stage":
        """Make a stage from JSON values.

        Raises:
            UnknownNameError: If a setting does not exist.
            ConfigError: If there are no epochs, or a setting is outside its range.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"a stage must be an object of settings, but is {values!r}")
        UnknownNameError.check("setting of a stage", values, known=(item.name for item in fields(cls)))
        if "epochs" not in values:
            raise ConfigError("a stage must have epochs")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training run; those that are ``"auto"`` are resolved once, at its start.

    Attributes:
        epochs: Passes over the training set, at least 1. ``"auto"`` takes 30, and more for small sets, see
            :func:`~handwriting_cnn.training.resolve.auto_epochs`.
        batch_size: Pictures an update, at least 1. ``"auto"`` takes 128, and 64 for small sets, see
            :func:`~handwriting_cnn.training.resolve.auto_batch_size`.
        optimizer: ``"adamw"``, ``"adam"`` or ``"sgd"`` (Nesterov momentum 0.9).
        learning_rate: The schedule's highest rate, above 0. ``"auto"`` takes 0.008, and 0.004 where no batch
            normalisation is trained, see :func:`~handwriting_cnn.training.resolve.auto_learning_rate`; by the model's
            own frozen layers, once for all stages.
        schedule: ``"constant"``; ``"cosine"`` (falls to 0; Loshchilov and Hutter, 2017, arXiv:1608.03983, without
            restarts); ``"one-cycle"`` (rises over the first 30% of the updates, then falls as a cosine to 0; after
            Smith and Topin, 2018, arXiv:1708.07120).
        weight_decay: Decoupled weight decay (Loshchilov and Hutter, 2019, arXiv:1711.05101), at least 0; biases and
            normalisation are left out.
        label_smoothing: Share of the target spread over all classes, 0 up to 1 (Szegedy and others, 2016,
            arXiv:1512.00567).
        class_weights: ``None``, ``"balanced"`` (each class weighs the same, however many pictures it has), or one
            positive number a class.
        ema: Decay of an exponential moving average of the weights, 0 up to 1, or ``None``. Validation and the result
            use the average; its batch-norm statistics are estimated again.
        clip_norm: Largest global norm of the gradient, above 0, or ``None``.
        early_stopping: Epochs without a better validation accuracy after which to stop, or ``None``. It needs a
            validation set, and ``keep`` not to be ``"last"``.
        stages: Parts of the run with layers of their own frozen, such as first the head and then everything; the
            epochs are their sum. Empty for a run in one part, which trains what the model's own ``trainable`` says.
        keep: The weights of the ``"best"`` epoch on the validation set (accuracy; ties by loss), or of the ``"last"``;
            without a validation set it is the last. ``"auto"`` keeps the last epoch of a schedule that falls to 0, and
            the best of a run at a constant rate or with early stopping: before its rate has fallen an epoch is the best
            by luck. Where a callback of your own stops the run, say ``"best"``.
        augment: Random distortion of the training pictures, or ``None``, which also keeps a network that settles place
            and size itself from missing them (``AugmentConfig.jitter``).
        outliers: Share, 0..1, of further pictures in each batch that are no characters, made of the batch's own (see
            ``augment/outliers.py``); all answers are equally right for them. A network that saw some is less sure of
            noise and blots. The number is rounded: 0.03 makes none in batches of up to 16.
        precision: ``"float32"``, ``"bfloat16"`` for the layers' arithmetic, or ``"auto"``: bfloat16 where the
            processor has instructions for it. Weights, validation and the result are float32 in any case.
        steps_per_execution: Updates an uninterrupted call of the backend makes; ``"auto"`` aims below half a second.
            It changes the speed only, never the weights.
        deterministic: Whether equal runs end bit-equal. TensorFlow's switch is for the whole process and stays on.
        seed: Seed of order, distortion and dropout, at least 0.

    Raises:
        ConfigError: If a number is outside its range, or settings contradict each other.
        UnknownNameError: If a setting that is a choice is none of the above.
    """

    epochs: int | Literal["auto"] = "auto"
    batch_size: int | Literal["auto"] = "auto"
    optimizer: Optimizer = "adamw"
    learning_rate: float | Literal["auto"] = "auto"
    schedule: Schedule = "one-cycle"
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    class_weights: Literal["balanced"] | tuple[float, ...] | None = None
    ema: float | None = None
    clip_norm: float | None = None
    early_stopping: int | None = None
    stages: tuple[Stage, ...] = ()
    keep: Keep = "auto"
    augment: AugmentConfig | None = field(default_factory=AugmentConfig)
    outliers: float = 0.03
    precision: Precision = "auto"
    steps_per_execution: int | Literal["auto"] = "auto"
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                raise UnknownNameError(name, str(getattr(self, name)), get_args(kind))
        for name in ("epochs", "batch_size", "steps_per_execution"):
            if getattr(self, name) != "auto":
                self._check_int(name, 1)
        self._check_int("seed", 0)
        if self.early_stopping is not None:
            self._check_int("early_stopping", 1)
        if self.learning_rate != "auto":
            self._check_real("learning_rate", "above 0", lambda value: value > 0)
        self._check_real("weight_decay", "at least 0", lambda value: value >= 0)
        self._check_real("label_smoothing", "in 0..1 without 1", lambda value: 0 <= value < 1)
        self._check_real("outliers", "in 0..1", lambda value: 0 <= value <= 1)
        if self.ema is not None:
            self._check_real("ema", "between 0 and 1", lambda value: 0 < value < 1)
        if self.clip_norm is not None:
            self._check_real("clip_norm", "above 0", lambda value: value > 0)
        self._check_kinds()
        self._check_stages()
        if self.early_stopping is not None and self.keep == "last":
            raise ConfigError(
                "early_stopping waits for a better epoch and returns to it: keep must be 'best' or 'auto'"
            )
        self._check_class_weights()

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Make a config from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a setting does not exist, or one that is a choice is none.
            ConfigError: If another setting is outside its range, or settings contradict each other.
        """
        UnknownNameError.check("training setting", values, known=(item.name for item in fields(cls)))
        augment = values.get("augment")
        if isinstance(augment, Mapping):
            values = {**values, "augment": AugmentConfig.from_json(augment)}
        if "stages" in values:
            parts: Any = values["stages"]
            if isinstance(parts, list | tuple):
                parts = tuple(part if isinstance(part, Stage) else Stage.from_json(part) for part in parts)
            values = {**values, "stages": parts}
        if isinstance(values.get("class_weights"), list):
            values = {**values, "class_weights": tuple(values["class_weights"])}
        return cls(**values)

    def _check_kinds(self) -> None:
        if type(self.deterministic) is not bool:
            raise ConfigError(f"deterministic must be true or false, but is {self.deterministic!r}")
        augment: Any = self.augment
        if augment is not None and not isinstance(augment, AugmentConfig):
            raise ConfigError(f"augment must be an AugmentConfig or None, but is {augment!r}")

    def _check_stages(self) -> None:
        given: Any = self.stages
        if not isinstance(given, tuple | list) or not all(isinstance(stage, Stage) for stage in given):
            raise ConfigError(f"stages must be a tuple of Stage, but are {given!r}")
        object.__setattr__(self, "stages", tuple(given))
        total = sum(stage.epochs for stage in self.stages)
        if self.stages and self.epochs not in ("auto", total):
            raise ConfigError(f"the stages have {total} epochs together, but epochs is {self.epochs!r}")
        if self.stages and self.early_stopping is not None:
            raise ConfigError("a run in stages does not stop early: which stage should end?")

    def _check_class_weights(self) -> None:
        weights: Any = self.class_weights
        if isinstance(weights, str):
            UnknownNameError.check("class_weights", [weights], known=["balanced"])
        elif weights is not None and not (isinstance(weights, tuple) and all(_is_real(w) and w > 0 for w in weights)):
            raise ConfigError(f"class_weights must be a tuple of positive numbers, but are {weights!r}")

    def _check_int(self, name: str, low: int) -> None:
        value = getattr(self, name)
        if type(value) is not int or value < low:
            raise ConfigError(f"{name} must be an int of at least {low}, but is {value!r}")

    def _check_real(self, name: str, words: str, accepts: Any) -> None:
        value = getattr(self, name)
        if not _is_real(value) or not accepts(value):
            raise ConfigError(f"{name} must be a number {words}, but is {value!r}")


def _is_real(value: object) -> bool:
    # An int may be larger than any float; no comparison with what is no number holds.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
