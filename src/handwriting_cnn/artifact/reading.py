"""What a reader of pictures must know of a model besides its network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import scipy.optimize
import scipy.special

from handwriting_cnn.errors import ConfigError, ShapeMismatchError, UnknownNameError
from handwriting_cnn.imaging.strokes import edge_blur, stroke_width
from handwriting_cnn.types import ImageArray, LabelArray, ProbabilityArray

_INK: Final = 64  # a level, of 255, that counts as ink
_TEMPERATURES: Final = (0.1, 10.0)
_REFUSED: Final = 0.005  # of the right answers: so many are given up for the wrong ones
_MOST_SURE: Final = (
    0.8  # a threshold is no higher: unlike held-out pictures, those of a pen not seen before are doubted
)
_DOUBT: Final = 0.25  # wrong answers that are counted besides: for few held-out pictures (benchmarks/confidences.py)
_WIDEST: Final = 0.95  # the quantile of gaps inside characters that is theirs
_DIGITS: Final = 6  # decimals that are kept: the same training gives the same file on every machine

# How fast confidences fall with the distance from what is typical: held-out labels of four sets are, on average, the
# most likely at this (benchmarks/confidences.py).
_FALL: Final = 0.1
_PROFILE_DIGITS: Final = 2
_SMALLEST: Final = 1e-30  # a probability
_LARGEST: Final = 100.0  # a logarithm: larger than that of the smallest probability
_MOST_PROFILES: Final = 256  # classes: their number grows as the square, and would soon outweigh the network


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """How a model's answers to characters on paper are asked for and judged.

    Attributes:
        extent: How much of the square's side the longer side of a character that was found on a page takes, 0.1..1: as
            much as in the pictures that the model learned from, and more where its network settles size itself.
        stroke: Their strokes' width as a share of that longer side, 0.005..1.
        blur: How blurred the edges of their strokes are: the standard deviation of a Gaussian as a share of the width
            of the strokes, 0..1; 0 leaves edges as they are.
        gap: The gap between parts of a character that stand beside each other, as those of ハ do, as a share of the
            longer side, 0..1; 0 where no class has such parts.
        temperature: Divides the logarithm of the probabilities before they are confidences, 0.1..10.
        threshold: Confidence, 0..1, below which nothing is recognised.
        profiles: What a network typically answers to each class: means of the logarithms of its probabilities, less
            their mean over the classes, ``num_classes`` rows of as many numbers; none where it is not known.
        spread: How far answers to characters lie from the profile of the most likely class: the median of the mean
            squared difference, 0.000001..1,000,000.

    Raises:
        ConfigError: If a number is outside its range, or the profiles are no square of numbers in -100..100.
    """

    extent: float = 0.75
    stroke: float = 0.1
    blur: float = 0.0
    gap: float = 0.0
    temperature: float = 1.0
    threshold: float = 0.0
    profiles: Sequence[Sequence[float]] = ()
    spread: float = 1.0

    def __post_init__(self) -> None:
        bounds = {
            "extent": (0.1, 1.0),
            "stroke": (0.005, 1.0),
            "blur": (0.0, 1.0),
            "gap": (0.0, 1.0),
            "temperature": _TEMPERATURES,
            "threshold": (0.0, 1.0),
            "spread": (1e-6, 1e6),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ConfigError(f"{name} must be a number in {low:g}..{high:g}, but is {value!r}")
        object.__setattr__(self, "profiles", _checked_profiles(self.profiles))

    def confidences(self, probabilities: ProbabilityArray) -> ProbabilityArray:
        """Return calibrated probabilities ``(n, num_classes)``: ``softmax(log p / T)``, of the same order.

        ``T`` is the temperature. Where the profiles are known, it is that of an answer ``spread`` away from the profile
        of its most likely class, and ``((1 + distance / spread) / 2) ** 0.1`` times as much for others; the distance is
        the mean squared difference of the logarithms, less their mean. A scribble that looks a little like a 3 is
        answered with classes beside the 3 that no 3 brings up, however sure the network is.

        Raises:
            ShapeMismatchError: If the profiles are of another number of classes.
        """
        if self.temperature == 1.0 and not self.profiles:
            return probabilities
        if self.profiles and len(self.profiles) != probabilities.shape[1]:
            raise ShapeMismatchError(
                f"there are profiles of {len(self.profiles)} classes, but answers of {probabilities.shape[1]}"
            )
        logits = _logits(probabilities)
        factors = _factors(logits, self._profiles, self.spread)
        return scipy.special.softmax(logits / (self.temperature * factors), axis=1).astype(np.float32)

    @cached_property
    def _profiles(self) -> Any:
        return np.array(self.profiles)

    def to_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return {**asdict(self), "profiles": [list(row) for row in self.profiles]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ReadingRules":
        """Make rules from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a rule does not exist.
            ConfigError: As :class:`ReadingRules`.
        """
        UnknownNameError.check("reading rule", values, known=(item.name for item in fields(cls)))
        return cls(**values)


def typical_rules(images: ImageArray, labels: LabelArray) -> ReadingRules:
    """Return rules with the extent, stroke and blur of pictures, medians over those that are not blank, and the gap.

    The gap is wider than those of 95% of the pictures of classes most of whose pictures have one.

    Args:
        images: uint8 ``(n, height, width, channels)``, bright ink on 0.
        labels: Their classes ``(n,)``.
    """
    inked: Any = (images > _INK).any(axis=3)
    present = inked.any(axis=(1, 2))
    inked, labels, levels = inked[present], labels[present], images[present].max(axis=3)
    if not len(inked):
        return ReadingRules()
    height, width = inked.shape[1:]
    spans = np.stack([_span(inked.any(axis=axis)) for axis in (2, 1)])
    longer = spans.max(axis=0)
    strokes = np.array([stroke_width(mask, whole=True) for mask in inked])
    blurs = np.array([edge_blur(picture) for picture in levels])
    extent = np.median((spans / [[height], [width]]).max(axis=0))
    gaps = np.array([np.diff(np.flatnonzero(columns)).max(initial=1) - 1 for columns in inked.any(axis=1)])
    parted = np.isin(labels, [label for label in np.unique(labels) if np.median(gaps[labels == label]) > 0])
    return ReadingRules(
        extent=round(float(np.clip(extent, 0.1, 1)), _DIGITS),
        stroke=round(float(np.clip(np.median(strokes / longer), 0.005, 1)), _DIGITS),
        blur=round(float(np.clip(np.median(blurs / strokes), 0, 1)), _DIGITS),
        gap=round(float(np.quantile(gaps[parted] / longer[parted], _WIDEST)), _DIGITS) if parted.any() else 0.0,
    )


def fitted_rules(typical: ReadingRules, probabilities: ProbabilityArray, labels: LabelArray) -> ReadingRules:
    """Return rules whose confidences are calibrated on answers to pictures that the model did not learn from.

    The temperature is the one that makes the labels most likely (Guo and others, 2017, arXiv:1706.04599), and about a
    quarter of a wrong answer besides, of all other classes alike: a few pictures, all answered rightly, do not show
    that a model never errs. The profiles are the means of each class's answers (of no more than 256 classes). The
    threshold gives up half a percent of the right answers, those with the lowest confidence, but none above 0.8:
    held-out pictures may be as like to the others as those of one font are, and all be answered with more.

    Args:
        typical: Rules that say how the pictures look.
        probabilities: The network's own, float ``(n, num_classes)``.
        labels: The true classes ``(n,)``.
    """
    logits = _logits(probabilities)
    profiles, spread = _fitted_profiles(logits, labels)
    factors = _factors(logits, np.array(profiles), spread)

    wrong = _DOUBT / (len(labels) + 1)
    wanted = np.full(logits.shape, wrong / max(logits.shape[1] - 1, 1))
    wanted[np.arange(len(labels)), labels] = 1 - wrong

    def surprise(logarithm: float) -> float:
        answers = scipy.special.log_softmax(logits / (np.exp(logarithm) * factors), axis=1)
        return -float((wanted * answers).sum(axis=1).mean())

    found = scipy.optimize.minimize_scalar(surprise, bounds=np.log(_TEMPERATURES), method="bounded")
    temperature = round(float(np.exp(found.x)), _DIGITS)
    rules = replace(typical, temperature=temperature, profiles=profiles, spread=spread)
    confidences = rules.confidences(probabilities)
    right = confidences.max(axis=1)[confidences.argmax(axis=1) == labels]
    threshold = float(np.quantile(right, _REFUSED)) if len(right) else 0.0
    return replace(rules, threshold=round(min(threshold, _MOST_SURE), _DIGITS))


def _fitted_profiles(logits: Any, labels: LabelArray) -> tuple[list[list[float]], float]:
    """Return each class's mean answer, and the median of the distances from them.

    One answer more is counted for each class, in which all others are alike: a class of which no picture was held out
    has that alone.
    """
    classes = logits.shape[1]
    if classes > _MOST_PROFILES:
        return [], 1.0
    top = logits[np.arange(len(labels)), labels].mean()
    sums = np.full((classes, classes), -top / max(classes - 1, 1))
    np.fill_diagonal(sums, top)
    np.add.at(sums, labels, logits)
    means = sums / (1 + np.bincount(labels, minlength=classes))[:, np.newaxis]
    profiles = np.round(means, _PROFILE_DIGITS)
    spread = max(round(float(np.median(_distances(logits, profiles))), _DIGITS), 1e-6)
    return profiles.tolist(), spread


def _checked_profiles(given: Any) -> tuple[tuple[float, ...], ...]:
    rows = [given, *given] if isinstance(given, list | tuple) else [given]
    square = all(isinstance(row, list | tuple) and len(row) == len(given) for row in rows)
    if not square or not all(_is_logit(value) for row in given for value in row):
        raise ConfigError(f"profiles must be a square of numbers in -{_LARGEST:g}..{_LARGEST:g}, but are {given!r:.80}")
    return tuple(tuple(map(float, row)) for row in given)


def _is_logit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _logits(probabilities: ProbabilityArray) -> Any:
    """Return the logarithms, less their mean over the classes."""
    logarithms = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    return logarithms - logarithms.mean(axis=1, keepdims=True)


def _distances(logits: Any, profiles: Any) -> Any:
    """Return the mean squared difference of each answer from the profile of its most likely class, ``(n,)``."""
    return ((logits - profiles[logits.argmax(axis=1)]) ** 2).mean(axis=1)


def _factors(logits: Any, profiles: Any, spread: float) -> Any:
    """Return what the temperature is multiplied by, ``(n, 1)``: 1 without profiles."""
    distances = _distances(logits, profiles) if len(profiles) else np.full(len(logits), spread)
    return (((1 + distances / spread) / 2) ** _FALL)[:, np.newaxis]


def _span(inked: Any) -> Any:
    """Return how many places lie from the first to the last that is inked, of each row ``(n, places)``."""
    return inked.shape[1] - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
