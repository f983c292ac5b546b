import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import DataError
from handwriting_cnn.evaluation.comparison import compare_reports
from handwriting_cnn.evaluation.evaluator import Evaluator


def report(right, labels=None):
    """A report that is right where it is told to be."""
    right = np.asarray(right, bool)
    labels = np.zeros(len(right), int) if labels is None else labels
    return Evaluator().from_predictions(labels, np.where(right, labels, 1 - labels), alphabet="ab")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_p_value_is_the_binomial_tails(answers):
    first, second = np.array(answers).T
    found = compare_reports(report(first), report(second))
    only = int((first & ~second).sum()), int((second & ~first).sum())
    assert (found.first_only, found.second_only, found.pictures) == (*only, len(answers))
    # Two-sided and symmetric: twice the smaller tail of a fair coin's throws.
    expected = min(1.0, 2 * binom.cdf(min(only), sum(only), 0.5))
    assert found.p_value == pytest.approx(expected)
    assert found.difference == pytest.approx(second.mean() - first.mean())


def test_an_example_of_the_literature():
    # Ten pictures on which they differ, nine of them won by the second: p = 2 (1 + 10) / 2**10.
    first, second = np.zeros(50, bool), np.zeros(50, bool)
    second[:9], first[9] = True, True
    assert compare_reports(report(first), report(second)).p_value == pytest.approx(22 / 1024)


def test_bare_answers_and_evaluated_ones_are_compared():
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 4), np.uint8)
    labels = np.arange(12) % 2
    dataset = Dataset.from_arrays(images, labels, alphabet="ab")
    evaluated = Evaluator().evaluate(lambda images: np.tile([0.6, 0.4], (len(images), 1)), dataset)  # always an "a"
    found = compare_reports(evaluated, Evaluator().from_predictions(labels, labels, alphabet="ab"))
    assert (found.first_only, found.second_only, found.pictures) == (0, 6, 12)
    other = Dataset.from_arrays(images[::-1].copy(), labels, alphabet="ab")
    with pytest.raises(DataError, match="other pictures"):
        compare_reports(evaluated, Evaluator().evaluate(lambda images: np.full((len(images), 2), 0.5), other))


def test_a_classifier_that_knows_further_letters_is_compared():
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 4), np.uint8)
    dataset = Dataset.from_arrays(images, np.arange(12) % 2, alphabet="ac")

    class Knowing:
        def __init__(self, alphabet, answer):
            self.alphabet = Alphabet.of(alphabet)
            self.probabilities = np.eye(len(alphabet))[alphabet.index(answer)]

        def __call__(self, images):
            return np.tile(self.probabilities, (len(images), 1))

    reports = [Evaluator().evaluate(Knowing(*settings), dataset) for settings in (("ac", "c"), ("abc", "a"))]
    found = compare_reports(*reports)
    assert (found.first_only, found.second_only, found.pictures) == (6, 6, 12)


def test_other_pictures_are_refused():
    with pytest.raises(DataError, match="other pictures"):
        compare_reports(report([1, 0, 1]), report([1, 0]))
    with pytest.raises(DataError, match="other pictures"):
        compare_reports(report([1, 0, 1]), report([1, 0, 1], labels=np.array([0, 1, 0])))
