"""Whether a network fits the data: by what it declares, and by what it answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.types import ProbabilityArray, Shape

if TYPE_CHECKING:
    import keras

SUM_TOLERANCE: Final = 1e-2
"""How far a picture's probabilities may sum from 1: half precision and quantized networks round."""


def checked_probabilities(
    values: Any, *, count: int, num_classes: int | None = None, start: int = 0
) -> ProbabilityArray:
    """Return class probabilities as float32 ``(count, num_classes)``.

    Args:
        values: What the classifier returned.
        count: The number of pictures.
        num_classes: The number of classes; ``None`` takes what is there.
        start: The number of the first picture, for messages.

    Raises:
        ShapeMismatchError: If the shape is another.
        DataError: If a value is not finite or negative, or a picture's values do not sum to 1 within
            :data:`SUM_TOLERANCE`; the first such picture is named.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        try:  # bfloat16 and its like are numbers that NumPy itself does not know
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise DataError(f"probabilities must be numbers, but are {array.dtype}") from None
    if array.ndim != 2 or len(array) != count or array.shape[1] != (num_classes or array.shape[1]):
        classes = "classes" if num_classes is None else num_classes
        raise ShapeMismatchError(f"probabilities must have the shape ({count}, {classes}), but have {array.shape}")
    with np.errstate(invalid="ignore"):  # an infinity less an infinity is no number, which is said below
        sums = array.sum(axis=1, dtype=np.float64)
    faults = {
        "are not all finite": ~np.isfinite(array).all(axis=1),
        "are partly negative: a classifier must end in softmax": (array < -SUM_TOLERANCE).any(axis=1),
        "sum to {:.4g}, not to 1: a classifier must end in softmax": np.abs(sums - 1) > SUM_TOLERANCE,
    }
    for fault, found in faults.items():
        if found.any():
            first = int(np.argmax(found))
            raise DataError(f"the probabilities of picture {start + first} {fault.format(sums[first])}")
    return array.astype(np.float32, copy=False)


def check_network(role: str, model: object) -> None:
    """Refuse what is no network, such as a saved model.

    Args:
        role: What it is given as, for the message.
        model: What is given.

    Raises:
        ConfigError: If it is no ``keras.Model``.
    """
    import keras

    if not isinstance(model, keras.Model):
        hint = ": give its .model" if isinstance(getattr(model, "model", None), keras.Model) else ""
        raise ConfigError(f"{role} must be a keras.Model, but is a {type(model).__name__}{hint}")


def check_declared(model: "keras.Model", *, input_shape: Shape, num_classes: int, data: str) -> None:
    """Compare a network with the data, as far as it tells what it takes and gives.

    Args:
        model: The network; one that is not built, or has no graph, tells nothing.
        input_shape: ``(height, width, channels)`` of the pictures.
        num_classes: The number of classes.
        data: What the data are, for messages.

    Raises:
        ShapeMismatchError: If it takes pictures of another size, or answers with other classes.
    """
    takes, gives = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if isinstance(takes, tuple) and not fits(takes[1:], input_shape):
        raise ShapeMismatchError(
            f"model {model.name!r} takes pictures of {_size(takes[1:])}, but those of {data} are {_size(input_shape)}"
        )
    if isinstance(gives, tuple) and not fits(gives[1:], (num_classes,)):
        raise ShapeMismatchError(
            f"model {model.name!r} answers with {_size(gives[1:])} classes, but {data} has {num_classes}"
        )


def check_size(declared: object, images: Any) -> None:
    """Compare pictures with the shape ``(n, height, width, channels)`` that a network or an exported one declares.

    Args:
        declared: The shape, with ``None`` or a text where a side may be any; what is no tuple tells nothing.
        images: The pictures.

    Raises:
        ShapeMismatchError: If they have another size.
    """
    if not isinstance(declared, tuple):
        return
    sides = [side if isinstance(side, int) and side > 0 else None for side in declared[1:]]
    given = np.shape(images)
    if not given or not fits(sides, given[1:]):
        raise ShapeMismatchError(f"the network takes pictures of {_size(sides)}, but these are of {_size(given[1:])}")


def fits(declared: Sequence[int | None], actual: Sequence[int]) -> bool:
    """Return whether sides are those that are declared, of which ``None`` is any."""
    return len(declared) == len(actual) and all(
        one in (None, other) for one, other in zip(declared, actual, strict=True)
    )


def _size(shape: Sequence[int | None]) -> str:
    return "x".join("any" if side is None else str(side) for side in shape)
