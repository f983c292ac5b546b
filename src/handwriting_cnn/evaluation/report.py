"""What was found about a classifier."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.validation import checked_extra, checked_labels, group_column
from handwriting_cnn.errors import DataError, HandwritingError, UnknownNameError
from handwriting_cnn.types import ImageArray, LabelArray, ProbabilityArray

from . import grouping, metrics
from .answers import checked_class_numbers
from .intervals import wilson_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EvaluationReport:
    """A classifier's answers on labelled pictures, and every metric of them.

    Attributes:
        labels: What was written: class numbers ``(n,)``.
        predictions: What was answered: class numbers ``(n,)``.
        alphabet: What the classes are.
        name: What the data are.
        protocol: How they were split; ``""`` where that is not stated.
        digest: Sha256 of the data, or ``""``.
        top_k: How many answers count for the top-k accuracy; ``None`` where only the first is known, or where there
            are no more classes than that: then each is among them.
        top_k_accuracy: Share of pictures whose letter is among them, 0..1, or ``None``.
        probabilities: ``(n, num_classes)``, or ``None``; not in report.json.
        take_images: Gives the pictures at positions, ``(m, height, width, 1)``, or ``None``; not in report.json.
        columns: What else is known of each picture, ``(n,)`` each: ``writer``, and the data set's ``extra``.
    """

    labels: LabelArray
    predictions: LabelArray
    alphabet: Alphabet
    name: str
    protocol: str = ""
    digest: str = ""
    top_k: int | None = None
    top_k_accuracy: float | None = None
    probabilities: ProbabilityArray | None = field(default=None)
    take_images: Callable[[npt.NDArray[Any]], ImageArray] | None = field(default=None)
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> ImageArray | None:
        """All pictures, uint8 ``(n, height, width, 1)``, copied into memory, or ``None``."""
        return None if self.take_images is None else self.take_images(np.arange(len(self)))

    @cached_property
    def accuracy(self) -> float:
        """The share of right answers (top-1 accuracy), 0..1."""
        return metrics.accuracy(self.labels, self.predictions)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95% Wilson interval, which takes the pictures for independent of each other."""
        return wilson_interval(int(np.trace(self.confusion)), len(self))

    @cached_property
    def writer_interval(self) -> tuple[float, float] | None:
        """The accuracy's 95% bootstrap interval over whole writers, or ``None`` for the reason in ``writer_note``."""
        column, right = self._clusters, self.labels == self.predictions
        if column is None or len(np.unique(self.columns[column])) < grouping.FEWEST_CLUSTERS:
            return None
        return None if right.all() or not right.any() else grouping.bootstrap_interval(right, self.columns[column])

    @cached_property
    def writer_note(self) -> str:
        """What ``writer_interval`` was drawn over, or why there is none."""
        column = self._clusters
        if column is None:
            return "the writers are not known"
        count = len(np.unique(self.columns[column]))
        if count < grouping.FEWEST_CLUSTERS:
            return f"{count} {column}s are fewer than the {grouping.FEWEST_CLUSTERS} that a bootstrap over them needs"
        if self.writer_interval is None:
            alike = "right" if self.accuracy else "wrong"
            return (
                f"every answer is {alike}, and a bootstrap over {count} {column}s knows none but those that were given"
            )
        return f"{count} {column}s"

    @property
    def _clusters(self) -> str | None:
        columns = {name: column for name, column in self.columns.items() if column.ndim == 1 and column.dtype != object}
        return next((name for name in grouping.CLUSTERS if name in columns), None)

    def by(self, column: str) -> tuple[grouping.GroupScore, ...]:
        """Return the accuracy for each entry of a column, such as ``"writer"``, ``"paper"`` or ``"form"``.

        Raises:
            UnknownNameError: If the report has no such column.
            DataError: If it has more than one value a picture, or entries of several kinds.
        """
        UnknownNameError.check("column", [column], known=self.columns)
        entries = group_column(column, self.columns[column])
        return grouping.group_scores(self.labels == self.predictions, entries)

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How often each class (row) got each answer (column), ``(num_classes, num_classes)``."""
        return metrics.confusion_matrix(self.labels, self.predictions, num_classes=len(self.alphabet))

    @cached_property
    def classes(self) -> metrics.ClassScores:
        """Precision, recall, F1, pictures and answers of each class."""
        return metrics.precision_recall_f1(self.confusion)

    @cached_property
    def macro(self) -> metrics.AverageScores:
        """The mean over the classes that have a picture or were an answer."""
        return metrics.macro_average(self.classes)

    @cached_property
    def weighted(self) -> metrics.AverageScores:
        """The mean over the classes, weighted by their pictures."""
        return metrics.weighted_average(self.classes)

    @cached_property
    def confused_pairs(self) -> tuple[metrics.ConfusedPair, ...]:
        """The look-alikes, all pairs of classes that were taken for each other, most mistakes first."""
        return metrics.confused_pairs(self.confusion)

    @cached_property
    def mistakes(self) -> LabelArray:
        """Positions of the pictures that were answered wrongly, the surest answers first where that is known."""
        wrong = np.flatnonzero(self.labels != self.predictions)
        if self.probabilities is None:
            return wrong
        return wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")]

    def __repr__(self) -> str:
        return f"EvaluationReport({self.name}: accuracy {self.accuracy:.4f} on {len(self):,} pictures)"

    def __str__(self) -> str:
        from .report_text import report_text

        return report_text(self)

    def summary(self) -> dict[str, Any]:
        """Return the main figures as JSON values, for a model's card."""
        return {
            "dataset": self.name,
            "protocol": self.protocol,
            "n": len(self),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "writer_interval": None if self.writer_interval is None else list(self.writer_interval),
            "top_k": self.top_k,
            "top_k_accuracy": self.top_k_accuracy,
            "macro_f1": self.macro.f1,
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything but pictures and probabilities as JSON values."""
        characters, names = self.alphabet.characters, self.alphabet.names
        columns = {name: column.tolist() for name, column in self.classes._asdict().items()}
        return {
            **self.summary(),
            "interval_method": "Wilson score interval, 95%",
            "writer_interval_method": f"bootstrap percentile interval, 95%: {self.writer_note}",
            "digest": self.digest,
            "macro": self.macro._asdict(),
            "weighted": self.weighted._asdict(),
            "alphabet": self.alphabet.to_json(),
            "classes": [
                {"character": character, "name": name, **dict(zip(columns, scores, strict=True))}
                for character, name, *scores in zip(characters, names, *columns.values(), strict=True)
            ],
            "confused_pairs": [
                {**pair._asdict(), "first": characters[pair.first], "second": characters[pair.second]}
                for pair in self.confused_pairs
            ],
            "confusion": self.confusion.tolist(),
            "labels": self.labels.tolist(),
            "predictions": self.predictions.tolist(),
            "columns": {name: grouping.column_to_json(column) for name, column in self.columns.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "EvaluationReport":
        """Make a report from what :meth:`to_json` returned; the metrics are computed again from the answers.

        Raises:
            DataError: If something is missing or cannot be.
            UnknownNameError: If the alphabet has a part that does not exist.
        """
        try:
            alphabet = Alphabet.from_json(values["alphabet"])
            labels, predictions = np.asarray(values["labels"]), np.asarray(values["predictions"])
            return cls(
                labels=checked_labels(labels, len(predictions), alphabet),
                predictions=checked_class_numbers(predictions, num_classes=len(alphabet)),
                alphabet=alphabet,
                name=values["dataset"],
                columns=checked_extra(values.get("columns", {}), len(predictions)),
                **{name: values[name] for name in ("protocol", "digest", "top_k", "top_k_accuracy")},
            )
        except HandwritingError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is no report: {type(error).__name__} {error}") from error

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write ``report.html`` (self-contained), ``report.json`` and the pictures into a folder.

        Other files there are left alone; those of an earlier report are replaced.

        Args:
            folder: Where to; made if it is missing.

        Returns:
            The path of ``report.html``.

        Raises:
            OutputError: If a file cannot be written.
        """
        from .saving import save_report

        return save_report(self, Path(folder))

    def plot_confusion(self, ax: "Axes | None" = None, *, normalize: bool = True) -> "Axes":
        """Draw the confusion matrix.

        Args:
            ax: Where to draw; ``None`` makes a new figure.
            normalize: Whether the colour of a mistake is its share of the letter's pictures, rather than its count.

        Returns:
            The axes.
        """
        from .plots import plot_confusion

        return plot_confusion(self.confusion, self.alphabet, normalize=normalize, ax=ax)

    def plot_scores(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each letter's F1 as a dot, the lowest first.

        Args:
            ax: Where to draw; ``None`` makes a new figure.

        Returns:
            The axes.
        """
        from .plots import plot_scores

        return plot_scores(self.classes, self.alphabet, ax=ax)

    def plot_mistakes(self, ax: "Axes | None" = None, *, rows: int = 4, columns: int = 5) -> "Axes":
        """Draw the surest mistakes: the picture, what it is, and the three most probable answers.

        Args:
            ax: Where to draw; ``None`` makes a new figure.
            rows: Most rows of pictures.
            columns: Pictures a row.

        Returns:
            The axes.

        Raises:
            DataError: If the report does not know the pictures.
            ConfigError: If ``rows`` or ``columns`` is no int of 1 or more.
        """
        from .plots import checked_places, plot_mistakes

        if self.take_images is None:
            raise DataError("this report does not know the pictures: give from_predictions its images")
        shown = self.mistakes[: checked_places(rows=rows, columns=columns)]
        return plot_mistakes(
            self.take_images(shown),
            self.labels[shown],
            [self.answers(int(position)) for position in shown],
            self.alphabet,
            columns=columns,
            ax=ax,
        )

    def answers(self, position: int, *, k: int = 3) -> list[tuple[int, float | None]]:
        """Return a picture's most probable answers, ``(class number, probability or None)`` each, the best first."""
        if self.probabilities is None:
            return [(int(self.predictions[position]), None)]
        row = self.probabilities[position]
        best = metrics.top_answers(row[np.newaxis], k)[0]
        return [(int(number), float(row[number])) for number in best]
