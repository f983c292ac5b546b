import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss

from handwriting_cnn.artifact.reading import ReadingRules, fitted_rules, typical_rules
from handwriting_cnn.errors import ConfigError, UnknownNameError


@pytest.fixture(scope="module")
def answers():
    """Answers that are 2.5 times surer than they may be, and labels drawn from the honest ones."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 6))
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(axis=1) > random.random((len(honest), 1))).argmax(axis=1)
    return softmax(logits * 2.5, axis=1).astype(np.float32), labels, honest


def test_the_temperature_undoes_overconfidence(answers):
    probabilities, labels, honest = answers
    rules = fitted_rules(ReadingRules(), probabilities, labels)
    assert rules.temperature == pytest.approx(2.5, rel=0.03)
    confidences = rules.confidences(probabilities)
    np.testing.assert_allclose(confidences, honest, atol=0.03)
    assert log_loss(labels, confidences) < log_loss(labels, probabilities)


def test_the_threshold_gives_up_half_a_percent_of_the_right_answers(answers):
    probabilities, labels, _ = answers
    rules = fitted_rules(ReadingRules(), probabilities, labels)
    confidences = rules.confidences(probabilities)
    right = confidences.argmax(axis=1) == labels
    refused = confidences.max(axis=1) < rules.threshold
    assert (refused & right).sum() == pytest.approx(0.005 * right.sum(), abs=1)


def test_confidences_are_softmax_at_the_temperature():
    probabilities = np.float32([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    expected = softmax(np.log(np.maximum(probabilities, 1e-30)) / 2, axis=1)
    np.testing.assert_allclose(ReadingRules(temperature=2.0).confidences(probabilities), expected, atol=1e-6)
    assert ReadingRules().confidences(probabilities) is probabilities


def test_extent_and_stroke_are_those_of_the_pictures():
    images = np.zeros((5, 40, 40, 1), np.uint8)
    for picture, side in zip(images, (10, 20, 24, 30), strict=False):  # the last stays blank
        picture[4 : 4 + side, 10:14] = 255
    rules = typical_rules(images, np.zeros(5, np.int64))
    assert rules.extent == pytest.approx(22 / 40)
    assert rules.stroke == pytest.approx(4 / 22, rel=0.2)
    assert rules.gap == 0
    assert typical_rules(images[4:], np.zeros(1, np.int64)) == ReadingRules()


def test_the_gap_is_that_of_classes_whose_characters_have_parts_beside_each_other():
    images = np.zeros((40, 32, 32, 1), np.uint8)
    labels = np.arange(40) % 4
    images[:, 6:26, 4:7] = 255
    for number in range(3, 40, 4):  # the last class has a second stroke, 5 to 14 columns away
        images[number, 6:26, 12 + number // 4] = 255
    images[0, 6:26, 20] = 255  # and one picture of another class is broken
    gaps = (np.arange(10) + 5) / np.maximum(np.arange(10) + 9, 20)
    assert typical_rules(images, labels).gap == pytest.approx(np.quantile(gaps, 0.95), abs=1e-6)
    assert typical_rules(images[labels < 3], labels[labels < 3]).gap == 0


def test_rules_survive_json_and_refuse_what_is_none():
    rules = ReadingRules(extent=0.5, stroke=0.2, gap=0.3, temperature=1.5, threshold=0.3)
    assert ReadingRules.from_json(rules.to_json()) == rules
    with pytest.raises(UnknownNameError, match="reading rule"):
        ReadingRules.from_json({"treshold": 0.1})
    for values in (
        {"extent": 0},
        {"stroke": 2},
        {"gap": -0.1},
        {"temperature": float("nan")},
        {"threshold": "x"},
        {"threshold": True},
    ):
        with pytest.raises(ConfigError, match=next(iter(values))):
            dataclasses.replace(rules, **values)


@settings(max_examples=60)
@given(temperature=st.floats(0.1, 10), classes=st.integers(2, 6), seed=st.integers(0, 2**32 - 1))
def test_confidences_are_probabilities_in_the_same_order(temperature, classes, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(classes), 5).astype(np.float32)
    confidences = ReadingRules(temperature=temperature).confidences(probabilities)
    np.testing.assert_allclose(confidences.sum(axis=1), 1, atol=1e-5)
    ranked = np.take_along_axis(confidences, probabilities.argsort(axis=1), axis=1)
    assert (np.diff(ranked, axis=1) >= -1e-7).all()
