"""The registry of model factories.

A factory is a function ``(input_shape, num_classes, *, options...)`` that returns a plain ``keras.Model``. Registering
it gives it a name for :func:`build_model`, checks its arguments, and pins a :class:`ModelSpec` on each model that it
returns, from which a saved model is built again.
"""

import functools
import inspect
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import keras

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.models.origin import note_origin
from handwriting_cnn.types import Shape

Factory: TypeAlias = Callable[..., keras.Model]
"""A function ``(input_shape, num_classes, *, options...)`` that returns a ``keras.Model``."""

LARGEST_SIDE: Final = 4096
LARGEST_NUM_CLASSES: Final = 100_000
_BUILT_IN: Final = ("custom_cnn", "glyphnet", "lenet", "shallow", "transfer_learning", "vgg")
_SPEC_ATTRIBUTE: Final = "_handwriting_cnn_spec"


@dataclass(frozen=True)
class ModelSpec:
    """What builds a model again: the factory's name and every argument that it had, defaults included.

    Attributes:
        name: The registered name.
        options: JSON values by argument name; ``input_shape`` and ``num_classes`` are among them.

    Raises:
        ConfigError: If an option is no JSON value.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            plain = json.loads(json.dumps(dict(self.options), allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"options of model {self.name!r} must be JSON values: {error}") from None
        object.__setattr__(self, "options", MappingProxyType(plain))

    def to_json(self) -> dict[str, Any]:
        """Return the spec as JSON values."""
        return {"name": self.name, "options": dict(self.options)}


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What the registry knows of a model.

    Attributes:
        name: The registered name.
        summary: One line of description.
        smallest: Fewest pixels of height and of width that the network can work on.
        options: The factory's own options with their defaults.
    """

    name: str
    summary: str
    smallest: int
    options: Mapping[str, Any]


@dataclass(frozen=True)
class _Entry:
    factory: Factory
    info: ModelInfo


_registry: dict[str, _Entry] = {}


def register_model(name: str, *, smallest: int = 1, replace: bool = False) -> Callable[[Factory], Factory]:
    """Register a model factory, as a decorator.

    Args:
        name: The name for :func:`build_model`, the command line and the model file.
        smallest: Fewest pixels of height and of width that the network can work on.
        replace: Whether a factory of the same name may be replaced.

    Returns:
        The decorator. What it returns checks its arguments and pins a :class:`ModelSpec` on each model.

    Raises:
        ConfigError: If the name is none, or is taken; or if the function does not take ``input_shape`` and
            ``num_classes`` first and then only options that have defaults.
    """
    if not isinstance(name, str):
        raise ConfigError('register_model is told the name that it registers: @register_model("my_net")')

    def register(function: Factory) -> Factory:
        options = _options_of(name, function)
        same = name in _registry and _registry[name].factory.__qualname__ == function.__qualname__
        if name in _registry and not (replace or same):  # a module that is reloaded registers itself again
            raise ConfigError(f"a model named {name!r} is already registered; pass replace=True to replace it")

        @functools.wraps(function)
        def factory(input_shape: Shape, num_classes: int, **given: Any) -> keras.Model:
            UnknownNameError.check(f"option of model {name!r}", given, known=options)
            shape = checked_shape(name, input_shape, smallest)
            classes = checked_num_classes(num_classes)
            chosen = {option: _as_tuple(given.get(option, default)) for option, default in options.items()}
            spec = ModelSpec(name, {"input_shape": shape, "num_classes": classes, **chosen})
            model = function(shape, classes, **chosen)
            if not isinstance(model, keras.Model):
                raise ConfigError(f"factory {name!r} must return a keras.Model, but returned {type(model).__name__}")
            object.__setattr__(model, _SPEC_ATTRIBUTE, spec)
            return model

        lines = (inspect.getdoc(function) or "").strip().splitlines()
        info = ModelInfo(name=name, summary=lines[0] if lines else "", smallest=smallest, options=options)
        _registry[name] = _Entry(factory, info)
        return factory

    return register


def build_model(
    name: str, *, input_shape: Shape, num_classes: int, seed: int | None = None, **options: Any
) -> keras.Model:
    """Build a registered model.

    Args:
        name: A registered name, see :func:`list_models`.
        input_shape: ``(height, width, channels)`` of one picture, with 1 or 3 channels.
        num_classes: Number of classes, at least 2.
        seed: Seed of the initial weights; ``None`` draws other weights each time.
        **options: The factory's own options; one that it does not have is refused.

    Returns:
        A plain ``keras.Model`` from uint8 or float pixels 0..255 to class probabilities in float32.

    Raises:
        UnknownNameError: If no model or option has that name.
        ConfigError: If a size or an option is outside what the network can work on.
    """
    factory = _entry(name).factory
    return seeded(seed, lambda: factory(input_shape, num_classes, **options))


def seeded(seed: int | None, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what ``build`` builds, with initial weights that follow from a seed unless it is ``None``."""
    if seed is None:
        return build()
    # Keras draws the seed of each initializer and dropout from Python's generator: seeding that for the time of
    # building makes the weights repeat and leaves no global state changed.
    state = random.getstate()
    try:
        random.seed(seed)
        model = build()
    finally:
        random.setstate(state)
    note_origin(model, seed=seed)
    return model


def build_from_spec(spec: ModelSpec) -> keras.Model:
    """Build the model that a spec describes, in float32, with fresh weights.

    Raises:
        UnknownNameError: If no model or option has that name.
        ConfigError: If an option is missing or outside what the network can work on.
    """
    options = dict(spec.options)
    if not {"input_shape", "num_classes"} <= set(options) or "seed" in options:
        raise ConfigError(f"the options of model {spec.name!r} must have input_shape and num_classes, and no seed")
    return build_model(spec.name, **options)


def model_spec(model: keras.Model) -> ModelSpec | None:
    """Return the spec that the registry pinned on a model, or ``None`` for a model of other origin."""
    return getattr(model, _SPEC_ATTRIBUTE, None)


def list_models() -> tuple[ModelInfo, ...]:
    """Return what is registered, by name."""
    _load_built_in()
    return tuple(_registry[name].info for name in sorted(_registry))


def _entry(name: str) -> _Entry:
    _load_built_in()
    if name not in _registry:
        raise UnknownNameError("model", name, sorted(_registry))
    return _registry[name]


def _load_built_in() -> None:
    for module in _BUILT_IN:
        import_module(f"handwriting_cnn.models.{module}")


def _options_of(name: str, function: Factory) -> Mapping[str, Any]:
    parameters = dict(inspect.signature(function).parameters)
    positional = list(parameters)[:2]
    options = {key: value.default for key, value in list(parameters.items())[2:]}
    if positional != ["input_shape", "num_classes"] or inspect.Parameter.empty in options.values():
        raise ConfigError(
            f"factory {name!r} must take (input_shape, num_classes, *, options with defaults), "
            f"but takes {inspect.signature(function)}"
        )
    return MappingProxyType(options)


def checked_shape(name: str, shape: Shape, smallest: int) -> Shape:
    """Return a model's input shape as a tuple.

    Raises:
        ConfigError: If it is none, or has a side or channels that the model cannot work on.
    """
    sides = tuple(shape) if isinstance(shape, tuple | list) else ()
    if len(sides) != 3 or not all(type(side) is int for side in sides):
        raise ConfigError(f"input_shape must be (height, width, channels), but is {shape!r}")
    height, width, channels = sides
    if channels not in {1, 3}:
        raise ConfigError(f"input_shape must have 1 or 3 channels, but has {channels}")
    if min(height, width) < smallest or max(height, width) > LARGEST_SIDE:
        raise ConfigError(
            f"model {name!r} cannot work on {height}x{width} pixels: "
            f"from {smallest}x{smallest} to {LARGEST_SIDE}x{LARGEST_SIDE} is possible"
        )
    return height, width, channels


def checked_num_classes(num_classes: int) -> int:
    """Return a number of classes.

    Raises:
        ConfigError: If it is no int of at least 2, or larger than any alphabet.
    """
    if type(num_classes) is not int or not 2 <= num_classes <= LARGEST_NUM_CLASSES:
        raise ConfigError(f"num_classes must be an int in 2..{LARGEST_NUM_CLASSES}, but is {num_classes!r}")
    return num_classes


def _as_tuple(value: Any) -> Any:
    # JSON has no tuples: a spec that was read from a file must call the factory as the first call did.
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list | tuple) else value
