"""Judging a classifier on labelled pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import check_dataset
from handwriting_cnn.data.validation import checked_extra, checked_images, checked_labels, group_column
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.models.checks import checked_probabilities
from handwriting_cnn.types import Classifier

from .answers import checked_class_numbers
from .classifiers import asking, check_fit, in_alphabet_of
from .grouping import CLUSTERS
from .metrics import top_answers, top_k_accuracy
from .report import EvaluationReport

_MOST_NUMBERED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Evaluator:
    """Judges classifiers.

    Attributes:
        batch_size: Pictures that are classified at once, 1 or more.
        top_k: How many of the most probable answers count for the top-k accuracy, 1 or more; there is none where the
            classes are no more than that.

    Raises:
        ConfigError: If one of them is no whole number of 1 or more.
    """

    batch_size: int = 256
    top_k: int = 3

    def __post_init__(self) -> None:
        for name in ("batch_size", "top_k"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"{name} must be an int of 1 or more, but is {value!r}")

    def evaluate(self, classifier: Classifier, dataset: Dataset) -> EvaluationReport:
        """Classify a data set and compare the answers with its labels.

        Args:
            classifier: Anything that maps uint8 pictures ``(n, height, width, 1)`` to class probabilities: a
                ``keras.Model``, a :class:`~handwriting_cnn.SavedModel`, a function.
            dataset: The pictures and labels; read in batches. Where the classifier knows its alphabet, as a
                :class:`~handwriting_cnn.SavedModel` does, and that has all of the data set's characters, the report has
                the classifier's classes.

        Returns:
            The report.

        Raises:
            ShapeMismatchError: If the classifier takes other pictures, or answers with other classes.
            DataError: If its answers are no probabilities: not finite, negative, or not summing to 1 within 0.01; or if
                ``dataset`` is none, or ``classifier``.
        """
        check_dataset("dataset", dataset)
        given, dataset = dataset, in_alphabet_of(classifier, dataset)
        check_fit(classifier, dataset)
        classify = asking(classifier, batch_size=self.batch_size)
        batches = []
        for start in range(0, len(dataset), self.batch_size):
            images = dataset.take(np.arange(start, min(start + self.batch_size, len(dataset))))
            answers = classify(images)
            batches.append(
                checked_probabilities(answers, count=len(images), num_classes=dataset.num_classes, start=start)
            )
        return self._report(
            dataset.labels,
            np.concatenate(batches),
            alphabet=dataset.alphabet,
            take_images=dataset.take,
            name=dataset.name,
            protocol=dataset.protocol,
            digest=given.digest,  # whatever further classes the classifier knows
            columns=dict(dataset.extra) if dataset.writers is None else {"writer": dataset.writers, **dataset.extra},
        )

    def from_predictions(
        self,
        labels: npt.ArrayLike,
        predictions: npt.ArrayLike,
        *,
        alphabet: str | Sequence[str] | Alphabet | None = None,
        images: npt.ArrayLike | None = None,
        columns: Mapping[str, npt.ArrayLike] | None = None,
        name: str = "predictions",
        protocol: str = "",
    ) -> EvaluationReport:
        """Compare answers that are there already with the labels.

        Args:
            labels: Class numbers ``(n,)``.
            predictions: Probabilities ``(n, num_classes)``, or class numbers ``(n,)``; of the latter there is no top-k.
            alphabet: What the classes are; ``None`` calls them by their numbers.
            images: The pictures, uint8 ``(n, height, width)`` or ``(n, height, width, 1)``, for the galleries.
            columns: What else is known of each picture, ``(n,)`` each, such as ``{"writer": writers}``.
            name: What the data are.
            protocol: How they were split.

        Returns:
            The report.

        Raises:
            ShapeMismatchError: If the counts of labels, predictions, pictures, classes or entries differ.
            DataError: If a label or prediction is out of range, the probabilities are none, a column's entries are of
                several kinds, or ``writer`` has more than one value a picture.
        """
        truth, answers = np.asarray(labels), np.asarray(predictions)
        if truth.ndim != 1 or answers.ndim not in (1, 2):
            raise ShapeMismatchError(
                "labels must have the shape (n,) and predictions (n,) or (n, classes), "
                f"but have {truth.shape} and {answers.shape}"
            )
        if not len(truth):
            raise DataError("there must be at least one label")
        if len(truth) != len(answers):
            raise ShapeMismatchError(f"there are {len(truth)} labels, but {len(answers)} predictions")
        alphabet = _numbered(truth, answers) if alphabet is None else Alphabet.of(alphabet)
        pixels = None if images is None else checked_images(images)
        if pixels is not None and len(pixels) != len(truth):
            raise ShapeMismatchError(f"there are {len(truth)} labels, but {len(pixels)} pictures")
        if answers.ndim == 2:
            answers = checked_probabilities(answers, count=len(truth), num_classes=len(alphabet))
        # The module's function with its argument, unlike a lambda, can be pickled.
        taking = None if pixels is None else partial(np.take, pixels, axis=0)
        known = {"take_images": taking, "name": name, "protocol": protocol, "digest": ""}
        checked = checked_extra(columns or {}, len(truth))
        groups = {name: group_column(name, column) for name, column in checked.items() if _groups(name, column)}
        return self._report(truth, answers, alphabet=alphabet, columns={**checked, **groups}, **known)

    def _report(
        self, labels: npt.NDArray[Any], answers: npt.NDArray[Any], *, alphabet: Alphabet, **known: Any
    ) -> EvaluationReport:
        truth = checked_labels(labels, len(labels), alphabet)
        if answers.ndim == 1:
            predictions = checked_class_numbers(answers, num_classes=len(alphabet))
            return EvaluationReport(labels=truth, predictions=predictions, alphabet=alphabet, **known)
        k = self.top_k if self.top_k < len(alphabet) else None  # among all classes every letter is found
        return EvaluationReport(
            labels=truth,
            predictions=top_answers(answers, 1)[:, 0],
            alphabet=alphabet,
            top_k=k,
            top_k_accuracy=None if k is None else top_k_accuracy(truth, answers, k=k),
            probabilities=answers,
            **known,
        )


def _groups(name: str, column: npt.NDArray[Any]) -> bool:
    """Return whether a column is there to group pictures by."""
    return column.ndim == 1 or name in CLUSTERS


def _numbered(labels: npt.NDArray[Any], answers: npt.NDArray[Any]) -> Alphabet:
    """Return an alphabet of as many numbers as there seem to be classes."""
    if answers.ndim == 2:
        count = answers.shape[1]
    elif labels.dtype.kind in "iu" and answers.dtype.kind in "iu":
        count = max(int(labels.max()), int(answers.max()), 0) + 1
    else:
        raise DataError(
            f"labels and predictions must be whole class numbers, but are {labels.dtype} and {answers.dtype}"
        )
    if count > _MOST_NUMBERED:
        raise DataError(f"{count - 1} is no likely class number: give the alphabet if there are so many classes")
    return Alphabet.of([str(number) for number in range(count)])
