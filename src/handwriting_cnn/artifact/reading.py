"""What a reader of pictures must know of a model besides its network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

import numpy as np
import scipy.optimize

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.imaging.strokes import stroke_width
from handwriting_cnn.types import ImageArray, LabelArray, ProbabilityArray

_INK: Final = 64  # a level, of 255, that counts as ink
_TEMPERATURES: Final = (0.1, 10.0)
_REFUSED: Final = 0.005  # of the right answers: so many are given up for the wrong ones
_WIDEST: Final = 0.95  # the quantile of gaps inside characters that is theirs
_DIGITS: Final = 6  # decimals that are kept: the same training gives the same file on every machine


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """How a model's answers to characters on paper are asked for and judged.

    Attributes:
        extent: How much of the square's side the longer side of a character that was found on a page takes, 0.1..1: as
            much as in the pictures that the model learned from, and more where its network settles size itself.
        stroke: Their strokes' width as a share of that longer side, 0.005..1.
        gap: The gap between parts of a character that stand beside each other, as those of ハ do, as a share of the
            longer side, 0..1; 0 where no class has such parts.
        temperature: Divides the logarithm of the probabilities before they are confidences, 0.1..10.
        threshold: Confidence, 0..1, below which nothing is recognised.

    Raises:
        ConfigError: If a number is outside its range.
    """

    extent: float = 0.75
    stroke: float = 0.1
    gap: float = 0.0
    temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        bounds = {
            "extent": (0.1, 1.0),
            "stroke": (0.005, 1.0),
            "gap": (0.0, 1.0),
            "temperature": _TEMPERATURES,
            "threshold": (0.0, 1.0),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ConfigError(f"{name} must be a number in {low:g}..{high:g}, but is {value!r}")

    def confidences(self, probabilities: ProbabilityArray) -> ProbabilityArray:
        """Return probabilities ``(n, num_classes)`` at this temperature: ``softmax(log p / temperature)``."""
        if self.temperature == 1.0:
            return probabilities
        return _at_temperature(probabilities, self.temperature).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ReadingRules":
        """Make rules from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a rule does not exist.
            ConfigError: If a number is outside its range.
        """
        UnknownNameError.check("reading rule", values, known=(item.name for item in fields(cls)))
        return cls(**values)


def typical_rules(images: ImageArray, labels: LabelArray) -> ReadingRules:
    """Return rules with the extent and the stroke of pictures, medians over those that are not blank, and the gap.

    The gap is wider than those of 95% of the pictures of classes most of whose pictures have one.

    Args:
        images: uint8 ``(n, height, width, channels)``, bright ink on 0.
        labels: Their classes ``(n,)``.
    """
    inked: Any = (images > _INK).any(axis=3)
    present = inked.any(axis=(1, 2))
    inked, labels = inked[present], labels[present]
    if not len(inked):
        return ReadingRules()
    height, width = inked.shape[1:]
    spans = np.stack([_span(inked.any(axis=axis)) for axis in (2, 1)])
    longer = spans.max(axis=0)
    strokes = np.array([stroke_width(np.pad(mask, 1)) for mask in inked]) / longer
    extent = np.median((spans / [[height], [width]]).max(axis=0))
    gaps = np.array([np.diff(np.flatnonzero(columns)).max(initial=1) - 1 for columns in inked.any(axis=1)])
    parted = np.isin(labels, [label for label in np.unique(labels) if np.median(gaps[labels == label]) > 0])
    return ReadingRules(
        extent=round(float(np.clip(extent, 0.1, 1)), _DIGITS),
        stroke=round(float(np.clip(np.median(strokes), 0.005, 1)), _DIGITS),
        gap=round(float(np.quantile(gaps[parted] / longer[parted], _WIDEST)), _DIGITS) if parted.any() else 0.0,
    )


def fitted_rules(typical: ReadingRules, probabilities: ProbabilityArray, labels: LabelArray) -> ReadingRules:
    """Return rules whose confidences are calibrated on answers to pictures that the model did not learn from.

    The temperature is the one that makes the labels most likely (Guo and others, 2017, arXiv:1706.04599). The threshold
    gives up half a percent of the right answers, those with the lowest confidence.

    Args:
        typical: Rules that say how the pictures look.
        probabilities: The network's own, float ``(n, num_classes)``.
        labels: The true classes ``(n,)``.
    """

    def surprise(logarithm: float) -> float:
        chosen = _at_temperature(probabilities, float(np.exp(logarithm)))[np.arange(len(labels)), labels]
        return -float(np.log(np.maximum(chosen, 1e-12)).mean())

    found = scipy.optimize.minimize_scalar(surprise, bounds=np.log(_TEMPERATURES), method="bounded")
    rules = replace(typical, temperature=round(float(np.exp(found.x)), _DIGITS))
    confidences = rules.confidences(probabilities)
    right = confidences.max(axis=1)[confidences.argmax(axis=1) == labels]
    threshold = float(np.quantile(right, _REFUSED)) if len(right) else 0.0
    return replace(rules, threshold=round(threshold, _DIGITS))


def _at_temperature(probabilities: ProbabilityArray, temperature: float) -> Any:
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-30)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _span(inked: Any) -> Any:
    """Return how many places lie from the first to the last that is inked, of each row ``(n, places)``."""
    return inked.shape[1] - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)
