"""Classifiers: asking one, comparing it with the data, and several answers made into one."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.models.checks import check_declared, checked_probabilities
from handwriting_cnn.types import Classifier, ImageArray, ProbabilityArray

_Ask: TypeAlias = Callable[[ImageArray], Any]

_SIDES: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Several classifiers of the same classes that answer as one: the mean of their probabilities.

    Networks from different seeds err on different pictures (Hansen and Salamon, 1990,
    https://doi.org/10.1109/34.58871). An answer costs as much as those of all members.

    Attributes:
        members: The classifiers, one or more.

    Raises:
        ConfigError: If there is none.
        ShapeMismatchError: If members that tell their alphabets know other letters, or the same in another order.
    """

    members: Sequence[Classifier]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        if not self.members:
            raise ConfigError("an ensemble must have at least one member")
        known = [alphabet for member in self.members if (alphabet := _alphabet_of(member)) is not None]
        for other in known[1:]:
            if other.characters != known[0].characters:
                raise ShapeMismatchError(f"members know {_brief(known[0])} and {_brief(other)}: in one order, the same")

    def __call__(self, images: ImageArray, /) -> ProbabilityArray:
        """Return float32 probabilities ``(n, num_classes)`` of uint8 pictures ``(n, height, width, channels)``.

        Raises:
            ShapeMismatchError: If the members' answers have different shapes.
            DataError: If one's answers are no probabilities.
        """
        return _mean([asking(member)(images) for member in self.members], len(images))


@dataclass(frozen=True, eq=False)
class ShiftAveraging:
    """A classifier that sees each picture five times: as it is, and moved by some pixels to each side.

    The answer is the mean of the five probabilities (test-time augmentation, as Krizhevsky and others, 2012, average
    over crops) and costs five times as much. What a shift brings in is paper (0).

    Attributes:
        classifier: The classifier.
        pixels: Pixels of a shift, at least 1 and less than the pictures' side.

    Raises:
        ConfigError: If ``pixels`` is below 1.
    """

    classifier: Classifier
    pixels: int = 1

    def __post_init__(self) -> None:
        if type(self.pixels) is not int or self.pixels < 1:
            raise ConfigError(f"a shift must be an int of 1 or more pixels, but is {self.pixels!r}")

    def __call__(self, images: ImageArray, /) -> ProbabilityArray:
        """Return float32 probabilities ``(n, num_classes)`` of uint8 pictures ``(n, height, width, channels)``.

        Raises:
            ConfigError: If the shift is as large as the pictures.
            ShapeMismatchError: If the pictures have another form, or the answers are not one row a picture.
            DataError: If they are no probabilities.
        """
        if np.ndim(images) != 4:
            raise ShapeMismatchError(f"pictures must be (n, height, width, channels), but are {np.shape(images)}")
        check_shift(self.pixels, images.shape[1:])
        ask = asking(self.classifier)
        moved = (_shifted(images, down * self.pixels, right * self.pixels) for down, right in _SIDES)
        return _mean([ask(pictures) for pictures in moved], len(images))


def check_shift(pixels: int, shape: Sequence[int]) -> None:
    """Refuse a shift that leaves nothing of pictures of a shape ``(height, width, channels)``.

    Raises:
        ConfigError: If it does.
    """
    height, width = shape[:2]
    if pixels >= min(height, width):
        raise ConfigError(f"a shift of {pixels} pixels leaves nothing of pictures of {height}x{width}")


def asking(classifier: Classifier, *, batch_size: int = 256) -> _Ask:
    """Return the fastest way to ask a classifier; a network is asked for at most ``batch_size`` pictures at once."""
    import keras

    from handwriting_cnn.models.answers import network_answers

    if isinstance(classifier, keras.Model):
        return lambda images: network_answers(classifier, images, batch_size=batch_size)
    return classifier


def in_alphabet_of(classifier: Classifier, dataset: Dataset) -> Dataset:
    """Return the data set with the class numbers of a classifier whose alphabet has all of its characters."""
    known, there = _alphabet_of(classifier), dataset.alphabet.characters
    if known is None or known.characters == there or not set(there) <= set(known.characters):
        return dataset
    return dataset.with_alphabet(known)


def check_fit(classifier: Classifier, dataset: Dataset) -> None:
    """Compare a classifier with the data, as far as it tells what it takes and gives.

    Raises:
        ShapeMismatchError: If it takes pictures of another size, or answers with other classes.
        DataError: If it is no classifier.
    """
    if not callable(classifier):
        raise DataError(
            f"a classifier must be a function of pictures, but is a {type(classifier).__name__}"
            f"{': give its .model' if hasattr(classifier, 'model') else ''}"
        )
    if isinstance(classifier, Ensemble | ShiftAveraging):
        for member in classifier.members if isinstance(classifier, Ensemble) else (classifier.classifier,):
            check_fit(member, dataset)
        return
    import keras

    from handwriting_cnn.artifact.model_file import SavedModel

    network: Any = classifier
    if isinstance(classifier, SavedModel):
        network = classifier.model
        learned, given = classifier.preprocessing.to_json(), dataset.preprocessing.to_json()
        other = [f"{name} {given[name]}, not {learned[name]}" for name in learned if given[name] != learned[name]]
        if other:
            warnings.warn(
                f"the pictures of {dataset.name} were made by other rules than those the model learned from: "
                f"{'; '.join(other)}",
                stacklevel=3,
            )
        if classifier.alphabet.characters != dataset.alphabet.characters:
            raise ShapeMismatchError(
                f"the model knows {_brief(classifier.alphabet)}, but {dataset.name} has {_brief(dataset.alphabet)}"
            )
    if isinstance(network, keras.Model):
        check_declared(network, input_shape=dataset.input_shape, num_classes=dataset.num_classes, data=dataset.name)


def _alphabet_of(classifier: Classifier) -> Alphabet | None:
    while isinstance(classifier, Ensemble | ShiftAveraging):
        classifier = classifier.members[0] if isinstance(classifier, Ensemble) else classifier.classifier
    known = getattr(classifier, "alphabet", None)
    return known if isinstance(known, Alphabet) else None


def _mean(answers: Sequence[Any], count: int) -> ProbabilityArray:
    first = checked_probabilities(answers[0], count=count)
    checked = [checked_probabilities(answer, count=count, num_classes=first.shape[1]) for answer in answers]
    return np.mean(checked, axis=0, dtype=np.float32)


def _shifted(images: ImageArray, down: int, right: int) -> ImageArray:
    """Return the pictures moved; what comes in is paper."""
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    moved[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
    ]
    return moved


def _brief(alphabet: Alphabet) -> str:
    shown = " ".join(alphabet.characters[:8])
    return f"{len(alphabet)} letters ({shown}{' ...' if len(alphabet) > 8 else ''})"
