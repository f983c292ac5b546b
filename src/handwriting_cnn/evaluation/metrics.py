"""Metrics of a classifier: pure functions of arrays.

Where a ratio is 0/0, such as the precision of a letter that was never answered, it is 0, as in scikit-learn by default.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import ConfigError
from handwriting_cnn.types import LabelArray, ProbabilityArray


class ClassScores(NamedTuple):
    """Scores of each class, arrays of shape ``(num_classes,)``.

    Attributes:
        precision: Share of the answers with this class that are right, float64 in 0..1.
        recall: Share of this class's pictures that were answered right, float64 in 0..1.
        f1: Harmonic mean of the two, float64 in 0..1.
        support: Pictures of this class, int64.
        answers: How often this class was the answer, int64.
    """

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]
    support: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]


class AverageScores(NamedTuple):
    """Scores averaged over classes, each in 0..1."""

    precision: float
    recall: float
    f1: float


class ConfusedPair(NamedTuple):
    """Two classes that were taken for each other.

    Attributes:
        first: The class number that was mistaken more often.
        second: The class number that it was taken for.
        first_as_second: Pictures of ``first`` that were answered ``second``.
        second_as_first: Pictures of ``second`` that were answered ``first``.
        total: Pictures of either.
    """

    first: int
    second: int
    first_as_second: int
    second_as_first: int
    total: int

    @property
    def mistakes(self) -> int:
        """Mistakes in both directions."""
        return self.first_as_second + self.second_as_first

    @property
    def rate(self) -> float:
        """Share of either's pictures that were taken for the other, 0..1."""
        return self.mistakes / self.total


def accuracy(labels: LabelArray, predictions: LabelArray) -> float:
    """Return the share of right answers, 0..1; both are class numbers ``(n,)``."""
    return float(np.mean(labels == predictions))


def top_answers(probabilities: ProbabilityArray, k: int) -> LabelArray:
    """Return each picture's ``k`` most probable classes, ``(n, k)``, the best first; of equals, the lower number."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :k]


def top_k_accuracy(labels: LabelArray, probabilities: ProbabilityArray, *, k: int) -> float:
    """Return the share of pictures whose class is among the ``k`` most probable, 0..1.

    Args:
        labels: Class numbers ``(n,)``.
        probabilities: Class probabilities ``(n, num_classes)``.
        k: How many answers count, 1 or more.

    Raises:
        ConfigError: If ``k`` is below 1.
    """
    if k < 1:
        raise ConfigError(f"k must be 1 or more, but is {k!r}")
    return float(np.mean((top_answers(probabilities, k) == labels[:, np.newaxis]).any(axis=1)))


def confusion_matrix(labels: LabelArray, predictions: LabelArray, *, num_classes: int) -> npt.NDArray[np.int64]:
    """Return how often each class (row) got each answer (column), int64 ``(num_classes, num_classes)``."""
    cells = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def precision_recall_f1(confusion: npt.NDArray[np.int64]) -> ClassScores:
    """Return the scores of each class of a confusion matrix."""
    right, support, answers = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return ClassScores(
        precision=_ratio(right, answers),
        recall=_ratio(right, support),
        f1=_ratio(2 * right, support + answers),
        support=support,
        answers=answers,
    )


def macro_average(scores: ClassScores) -> AverageScores:
    """Return the plain mean over the classes that have a picture or were an answer (scikit-learn's default)."""
    return _average(scores, ((scores.support + scores.answers) > 0).astype(np.float64))


def weighted_average(scores: ClassScores) -> AverageScores:
    """Return the mean over the classes, weighted by their pictures."""
    return _average(scores, scores.support.astype(np.float64))


def confused_pairs(confusion: npt.NDArray[np.int64]) -> tuple[ConfusedPair, ...]:
    """Return the pairs of classes that were taken for each other, most mistakes first.

    Args:
        confusion: How often each class (row) got each answer (column).
    """
    support = confusion.sum(axis=1)
    pairs = []
    for one, other in np.argwhere(np.triu(confusion + confusion.T, k=1)).tolist():
        first, second = (one, other) if confusion[one, other] >= confusion[other, one] else (other, one)
        there, back = int(confusion[first, second]), int(confusion[second, first])
        pairs.append(ConfusedPair(first, second, there, back, int(support[first] + support[second])))
    return tuple(sorted(pairs, key=lambda pair: (-pair.mistakes, -pair.rate, pair.first)))


def _ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _average(scores: ClassScores, weights: npt.NDArray[np.float64]) -> AverageScores:
    means = [float(np.average(column, weights=weights)) for column in (scores.precision, scores.recall, scores.f1)]
    return AverageScores(*means)
