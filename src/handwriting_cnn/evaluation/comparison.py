"""Two classifiers on the same pictures."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError

from .report import EvaluationReport


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """How often either of two classifiers alone was right.

    Attributes:
        first_only: Pictures that the first alone read right.
        second_only: Pictures that the second alone read right.
        pictures: All pictures.
        p_value: McNemar's exact test: how probable it is that pictures on which the two differ fall at least as
            unevenly, if neither is better.
    """

    first_only: int
    second_only: int
    pictures: int
    p_value: float

    @property
    def difference(self) -> float:
        """The second's accuracy minus the first's, -1..1."""
        return (self.second_only - self.first_only) / self.pictures


def compare_reports(first: EvaluationReport, second: EvaluationReport) -> PairedComparison:
    """Compare two classifiers' answers on the same pictures by McNemar's test.

    Exact, two-sided: of the pictures that one alone read right, the first's share is held against one half. Source:
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947). It takes the pictures for independent of each other.

    Args:
        first: A classifier's report.
        second: Another's, on the same pictures in the same order. That they are the same is known by the data's digest
            where both reports have one, else by the labels alone.

    Returns:
        The counts and the p-value.

    Raises:
        DataError: If the reports are of other pictures, or are none.
    """
    from scipy.stats import binomtest

    for report in (first, second):
        if not isinstance(report, EvaluationReport):
            raise DataError(f"two reports are compared, but one is a {type(report).__name__}: {report!r:.80}")

    # Bare answers have no digest: then the labels in their order tell.
    differ = first.digest != second.digest if first.digest and second.digest else False
    if differ or not np.array_equal(_texts(first), _texts(second)):
        raise DataError(f"the reports are of other pictures: {first!r} and {second!r} cannot be compared in pairs")
    right = first.predictions == first.labels, second.predictions == second.labels
    first_only, second_only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    differing = first_only + second_only
    p_value = float(binomtest(first_only, differing, 0.5).pvalue) if differing else 1.0
    return PairedComparison(first_only=first_only, second_only=second_only, pictures=len(first), p_value=p_value)


def _texts(report: EvaluationReport) -> npt.NDArray[np.str_]:
    """Return the true characters: class numbers differ where one of two classifiers knows further classes."""
    return np.array(report.alphabet.characters)[report.labels]
