import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as truth

from handwriting_cnn.errors import ConfigError
from handwriting_cnn.evaluation import metrics
from handwriting_cnn.evaluation.intervals import wilson_interval


@st.composite
def answers(draw):
    """Labels and predictions in which classes may be absent on either side."""
    classes = draw(st.integers(2, 7))
    count = draw(st.integers(1, 40))
    numbers = st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)
    return np.array(draw(numbers)), np.array(draw(numbers)), classes


@settings(max_examples=40, deadline=None)
@given(answers())
def test_every_figure_is_scikit_learns(drawn):
    labels, predictions, classes = drawn
    confusion = metrics.confusion_matrix(labels, predictions, num_classes=classes)
    np.testing.assert_array_equal(confusion, truth.confusion_matrix(labels, predictions, labels=range(classes)))
    assert metrics.accuracy(labels, predictions) == pytest.approx(truth.accuracy_score(labels, predictions))
    scores = metrics.precision_recall_f1(confusion)
    each = truth.precision_recall_fscore_support(labels, predictions, labels=range(classes), zero_division=0)
    for ours, theirs in zip(scores[:4], each, strict=True):
        np.testing.assert_allclose(ours, theirs)
    for average, ours in {"macro": metrics.macro_average(scores), "weighted": metrics.weighted_average(scores)}.items():
        theirs = truth.precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)[:3]
        np.testing.assert_allclose(ours, theirs)


@settings(max_examples=40, deadline=None)
@given(answers())
def test_confused_pairs_are_the_matrix_off_its_diagonal(drawn):
    labels, predictions, classes = drawn
    confusion = metrics.confusion_matrix(labels, predictions, num_classes=classes)
    pairs = metrics.confused_pairs(confusion)
    assert sum(pair.mistakes for pair in pairs) == (labels != predictions).sum()
    assert [pair.mistakes for pair in pairs] == sorted((pair.mistakes for pair in pairs), reverse=True)
    for pair in pairs:
        assert pair.first_as_second == ((labels == pair.first) & (predictions == pair.second)).sum()
        assert pair.first_as_second >= pair.second_as_first
        assert pair.rate == pair.mistakes / np.isin(labels, [pair.first, pair.second]).sum()


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_top_k_is_scikit_learns(k):
    rng = np.random.default_rng(k)
    probabilities = rng.dirichlet(np.ones(6), size=200).astype(np.float32)
    labels = rng.integers(0, 6, 200)
    expected = truth.top_k_accuracy_score(labels, probabilities, k=k, labels=range(6))
    assert metrics.top_k_accuracy(labels, probabilities, k=k) == pytest.approx(expected)


def test_top_0_is_refused():
    with pytest.raises(ConfigError, match="k must be 1 or more"):
        metrics.top_k_accuracy(np.array([0]), np.ones((1, 1), np.float32), k=0)


@pytest.mark.parametrize(("right", "total"), [(0, 10), (10, 10), (353, 360), (3306, 3360), (1, 2)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilsons_interval_is_scipys(right, total, confidence):
    expected = binomtest(right, total).proportion_ci(confidence_level=confidence, method="wilson")
    np.testing.assert_allclose(wilson_interval(right, total, confidence=confidence), expected, atol=1e-12)
