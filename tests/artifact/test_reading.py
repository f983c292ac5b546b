import dataclasses
import json

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score

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
    assert rules.temperature == pytest.approx(2.5, rel=0.05)
    confidences = rules.confidences(probabilities)
    assert log_loss(labels, confidences) < log_loss(labels, honest) * 1.003
    assert log_loss(labels, probabilities) > log_loss(labels, honest) * 1.2
    plain = ReadingRules(temperature=2.5).confidences(probabilities)
    np.testing.assert_allclose(plain, honest, atol=1e-5)


def test_a_few_answers_that_are_all_right_do_not_make_a_model_sure_of_everything():
    random = np.random.default_rng(0)
    labels = np.arange(1_000) % 5
    logits = random.normal(0, 1, (1_000, 5)) + 8 * np.eye(5)[labels]
    logits[::50] = random.normal(0, 2, (20, 5))  # answers to pictures that tell nothing
    probabilities = softmax(logits, axis=1).astype(np.float32)
    few = np.flatnonzero(probabilities.argmax(axis=1) == labels)[:100]
    rules = fitted_rules(ReadingRules(), probabilities[few], labels[few])
    assert rules.temperature > 0.3
    assert rules.threshold < 0.999
    surest = dataclasses.replace(rules, temperature=0.1)  # the labels of these few are the most likely at 0
    rest = np.setdiff1d(np.arange(1_000), few)
    loss, surest_loss = (log_loss(labels[rest], one.confidences(probabilities[rest])) for one in (rules, surest))
    assert loss < 0.5 * surest_loss


def test_the_threshold_gives_up_half_a_percent_of_the_right_answers(answers):
    probabilities, labels, _ = answers
    rules = fitted_rules(ReadingRules(), probabilities, labels)
    confidences = rules.confidences(probabilities)
    right = confidences.argmax(axis=1) == labels
    refused = confidences.max(axis=1) < rules.threshold
    assert (refused & right).sum() == pytest.approx(0.005 * right.sum(), abs=1)


def test_no_threshold_refuses_answers_that_are_sure_by_another_measure_than_the_easiest_pictures():
    labels = np.arange(200) % 4
    probabilities = np.full((200, 4), 1e-6, np.float32)
    probabilities[np.arange(200), labels] = 1 - 3e-6
    rules = fitted_rules(ReadingRules(), probabilities, labels)
    assert rules.confidences(probabilities).max(axis=1).min() > 0.99
    assert rules.threshold == 0.8


def test_profiles_are_the_means_of_each_class_with_one_answer_more(answers):
    probabilities, labels, _ = answers
    kept = labels != 4
    rules = fitted_rules(ReadingRules(), probabilities[kept], labels[kept])
    logits = np.log(probabilities[kept])
    logits -= logits.mean(axis=1, keepdims=True)
    typical = np.full((6, 6), -logits[np.arange(kept.sum()), labels[kept]].mean() / 5)
    np.fill_diagonal(typical, -typical[0, 0] * 5)
    for number in range(6):
        own = [*logits[labels[kept] == number], typical[number]]
        np.testing.assert_allclose(rules.profiles[number], np.mean(own, axis=0), atol=0.006)
    distances = [np.mean((row - np.array(rules.profiles[row.argmax()])) ** 2) for row in logits]
    assert rules.spread == pytest.approx(np.median(distances), rel=1e-3)


def test_the_temperature_rises_with_the_distance_from_what_is_typical():
    profiles = np.log([[0.8, 0.1, 0.05, 0.05], [0.1, 0.8, 0.05, 0.05], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7]])
    profiles -= profiles.mean(axis=1, keepdims=True)
    rules = ReadingRules(temperature=0.5, profiles=profiles.tolist(), spread=0.1)
    typical, strange = np.float32([[0.8, 0.1, 0.05, 0.05], [0.8, 0.05, 0.05, 0.1]])
    distance = np.mean((np.log(strange) - np.log(strange).mean() - profiles[0]) ** 2)
    for row, away in ((typical, 0.0), (strange, distance)):
        factor = ((1 + away / 0.1) / 2) ** 0.1
        np.testing.assert_allclose(
            rules.confidences(row[np.newaxis])[0], softmax(np.log(row) / (0.5 * factor)), atol=1e-6
        )
    assert rules.confidences(strange[np.newaxis]).max() < rules.confidences(typical[np.newaxis]).max()


def test_answers_of_no_class_are_told_from_those_of_a_class():
    random = np.random.default_rng(0)
    labels = random.integers(0, 8, 6_000)
    likeness = random.normal(0, 1, (8, 8))  # which classes come up beside which
    own = softmax(6 * np.eye(8)[labels] + likeness[labels] + random.normal(0, 0.3, (6_000, 8)), axis=1)
    others = softmax(6 * np.eye(8)[labels] + random.permuted(likeness[labels], axis=1), axis=1)
    labels[::100] = (labels[::100] + 1) % 8  # some are answered wrongly
    rules = fitted_rules(ReadingRules(), own[:3_000].astype(np.float32), labels[:3_000])
    truth = np.repeat([1, 0], 3_000)
    sure = roc_auc_score(truth, np.r_[own[3_000:], others[3_000:]].max(axis=1))
    rather = roc_auc_score(truth, rules.confidences(np.r_[own[3_000:], others[3_000:]]).max(axis=1))
    assert rather > max(sure, 0.5) + 0.05


def test_many_classes_have_no_profiles():
    answers = np.random.default_rng(0).dirichlet(np.ones(300), 400).astype(np.float32)
    assert fitted_rules(ReadingRules(), answers, answers.argmax(axis=1)).profiles == ()
    assert len(fitted_rules(ReadingRules(), answers[:, :256], answers[:, :256].argmax(axis=1)).profiles) == 256


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


@pytest.mark.parametrize("deviation", [0.8, 1.5])
def test_blur_is_the_edges_deviation_as_a_share_of_the_strokes_width(deviation):
    sharp = np.zeros((64, 64))
    sharp[8:56, 28:36] = 255
    pictures = np.rint(scipy.ndimage.gaussian_filter([sharp] * 3, (0, deviation, deviation))).astype(np.uint8)
    rules = typical_rules(pictures[..., np.newaxis], np.zeros(3, np.int64))
    rows, columns = ((pictures[0] > 64).any(axis=axis).sum() for axis in (1, 0))
    stroke = rows * columns / (np.pi / 4 * (rows + columns))  # by Cauchy's formula
    assert rules.blur == pytest.approx(deviation / stroke, rel=0.1)


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
    rules = ReadingRules(
        extent=0.5,
        stroke=0.2,
        blur=0.1,
        gap=0.3,
        temperature=1.5,
        threshold=0.3,
        profiles=[[1.25, -1.25], [-2, 2]],
        spread=0.5,
    )
    assert ReadingRules.from_json(json.loads(json.dumps(rules.to_json()))) == rules
    with pytest.raises(UnknownNameError, match="reading rule"):
        ReadingRules.from_json({"treshold": 0.1})
    for values in (
        {"extent": 0},
        {"stroke": 2},
        {"blur": 1.5},
        {"gap": -0.1},
        {"temperature": float("nan")},
        {"threshold": "x"},
        {"threshold": True},
        {"spread": 0},
        {"profiles": [[1.0, -1.0], [-1.0]]},
        {"profiles": [[1.0, -1.0]]},
        {"profiles": [[1.0, float("nan")], [-1.0, 1.0]]},
        {"profiles": [["1", "2"], ["3", "4"]]},
        {"profiles": "1"},
        {"profiles": {}},
    ):
        with pytest.raises(ConfigError, match=next(iter(values))):
            dataclasses.replace(rules, **values)


@settings(max_examples=60)
@given(
    temperature=st.floats(0.1, 10),
    classes=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
    spread=st.none() | st.floats(1e-6, 10),
)
def test_confidences_are_probabilities_in_the_same_order(temperature, classes, seed, spread):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), 5).astype(np.float32)
    profiles = random.normal(0, 3, (classes, classes)).tolist() if spread else ()
    rules = ReadingRules(temperature=temperature, profiles=profiles, spread=spread or 1.0)
    confidences = rules.confidences(probabilities)
    np.testing.assert_allclose(confidences.sum(axis=1), 1, atol=1e-5)
    ranked = np.take_along_axis(confidences, probabilities.argsort(axis=1), axis=1)
    assert (np.diff(ranked, axis=1) >= -1e-7).all()
