import dataclasses
import json

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, top_k_accuracy_score

from handwriting_cnn.artifact.model_file import SavedModel
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.evaluation.classifiers import Ensemble, ShiftAveraging
from handwriting_cnn.evaluation.comparison import compare_reports
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.evaluation.report import EvaluationReport
from handwriting_cnn.recognition.recognizer import Recognizer

ANYTHING = hnp.arrays(
    st.sampled_from([np.uint8, np.int32, np.uint64, np.float32, np.bool_, "U1"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@pytest.fixture
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    return Dataset.from_arrays(
        images,
        np.arange(50) % 3,
        alphabet="abc",
        name="noise",
        protocol="own",
    )


def classifier(images):
    """Answers by the brightness of the picture's left upper corner."""
    scores = np.stack([images[:, 0, 0, 0], images[:, 0, 1, 0], images[:, 1, 0, 0]], axis=1).astype(np.float64) + 1
    return scores / scores.sum(axis=1, keepdims=True)


def test_a_function_is_judged_in_batches(dataset):
    sizes = []

    def watched(images):
        sizes.append(len(images))
        return classifier(images)

    report = Evaluator(batch_size=16).evaluate(watched, dataset)
    assert sizes == [16, 16, 16, 2]
    expected = accuracy_score(dataset.labels, classifier(dataset.images).argmax(axis=1))
    assert report.accuracy == pytest.approx(expected)
    assert (report.name, report.protocol, report.digest) == ("noise", "own", dataset.digest)


def test_scattered_pictures_are_read_where_they_are_shown_only(dataset, tmp_path, monkeypatch):
    part, taken = dataset.subset(np.arange(49, -1, -2)), []
    original = Dataset.take
    monkeypatch.setattr(Dataset, "images", property(lambda _: pytest.fail("all pictures were copied")))
    monkeypatch.setattr(Dataset, "take", lambda self, positions: taken.append(positions) or original(self, positions))
    report = Evaluator(batch_size=25).evaluate(classifier, part)
    assert len(taken) == 1
    report.save(tmp_path)
    shown = {int(position) for positions in taken[1:] for position in positions}
    assert shown >= set(report.mistakes.tolist())
    monkeypatch.undo()
    np.testing.assert_array_equal(report.images, part.images)


def test_a_keras_model_is_judged(dataset):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs)))
    report = Evaluator(batch_size=20).evaluate(model, dataset)
    answers = keras.ops.convert_to_numpy(model(dataset.images)).argmax(axis=1)
    np.testing.assert_array_equal(report.predictions, answers)
    model.compile(steps_per_execution=3)  # must not change what a batch's answers are
    np.testing.assert_array_equal(Evaluator().evaluate(model, dataset).predictions, answers)
    with pytest.raises(ShapeMismatchError, match="8x8x1"):
        Evaluator().evaluate(model, Dataset.from_arrays(np.zeros((3, 9, 9), np.uint8), [0, 1, 2], alphabet="abc"))
    with pytest.raises(ShapeMismatchError, match="3"):
        Evaluator().evaluate(model, Dataset.from_arrays(np.zeros((2, 8, 8), np.uint8), [0, 1], alphabet="ab"))


def test_a_saved_model_of_other_letters_is_refused(dataset):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs)))
    saved = SavedModel(model=model, alphabet=Alphabet.of("acd"), preprocessing=dataset.preprocessing)
    with pytest.raises(ShapeMismatchError, match=r"knows 3 letters \(a c d\), but noise has 3 letters \(a b c\)"):
        Evaluator().evaluate(saved, dataset)
    fitting = dataclasses.replace(saved, alphabet=dataset.alphabet)
    np.testing.assert_array_equal(
        Evaluator().evaluate(fitting, dataset).predictions, Evaluator().evaluate(model, dataset).predictions
    )


@pytest.mark.parametrize("wrap", [lambda saved: saved, lambda saved: ShiftAveraging(Ensemble([saved])), Recognizer])
def test_a_model_that_knows_further_letters_or_another_order_is_judged_letter_by_letter(dataset, wrap):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Dense(5, activation="softmax")(keras.layers.Flatten()(inputs)))
    saved = SavedModel(model=model, alphabet=Alphabet.of("xcaby"), preprocessing=dataset.preprocessing)
    judged = wrap(saved)
    report = Evaluator().evaluate(judged, dataset)
    letters = np.array(list("xcaby"))[np.asarray(judged(dataset.images)).argmax(axis=1)]
    assert report.alphabet.characters == tuple("xcaby")
    assert report.accuracy == np.mean(letters == np.array(list("abc"))[dataset.labels])
    assert report.classes.support.tolist() == [0, *dataset.class_counts[[2, 0, 1]], 0]


def test_pictures_made_by_other_rules_earn_a_warning(dataset):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs)))
    cropping = dataclasses.replace(dataset.preprocessing, crop=True)
    saved = SavedModel(model=model, alphabet=dataset.alphabet, preprocessing=cropping)
    with pytest.warns(UserWarning, match="noise were made by other rules .*: crop False, not True"):
        Evaluator().evaluate(saved, dataset)


def test_splits_are_no_data_set(dataset):
    splits = DatasetSplits(*dataset.split(0.2, seed=0))
    with pytest.raises(DataError, match="dataset must be a Dataset, but is DatasetSplits: pass one of its parts"):
        Evaluator().evaluate(classifier, splits)


def test_a_refusal_names_the_picture_in_the_whole_set(dataset):
    def broken(images):
        answers = classifier(images)
        if len(images) == 2:
            answers[1] = [np.inf, -np.inf, 1]
        return answers

    with pytest.raises(DataError, match="picture 49 are not all finite"):
        Evaluator(batch_size=16).evaluate(broken, dataset)


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        (lambda images: np.zeros((len(images), 4)), ShapeMismatchError, r"\(50, 3\), but have \(50, 4\)"),
        (lambda images: np.zeros((1, 3)), ShapeMismatchError, r"\(1, 3\)"),
        (lambda images: np.full((len(images), 3), np.nan), DataError, "picture 0 are not all finite"),
        (lambda images: np.full((len(images), 3), 0.5), DataError, "sum to 1.5, not to 1"),
        (lambda images: np.tile([2.0, -0.5, -0.5], (len(images), 1)), DataError, "partly negative"),
        (lambda images: np.full((len(images), 3), "x"), DataError, "must be numbers"),
    ],
)
def test_answers_that_are_no_probabilities_are_refused(dataset, answers, error, message):
    with pytest.raises(error, match=message):
        Evaluator().evaluate(answers, dataset)


def test_bare_answers():
    report = Evaluator().from_predictions([0, 1, 2, 1], [0, 1, 1, 1])
    assert (report.accuracy, report.top_k, report.top_k_accuracy) == (0.75, None, None)
    assert report.alphabet.characters == ("0", "1", "2")
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
    with_top = Evaluator(top_k=2).from_predictions([1, 2], probabilities, alphabet="abc")
    assert (with_top.accuracy, with_top.top_k_accuracy) == (0.5, 1.0)
    among_all = Evaluator(top_k=3).from_predictions([1, 2], probabilities, alphabet="abc")
    assert (among_all.top_k, among_all.top_k_accuracy) == (None, None)


@pytest.mark.parametrize(
    ("labels", "predictions", "options", "error", "message"),
    [
        ([0, 1], [0], {}, ShapeMismatchError, "2 labels, but 1 predictions"),
        ([], [], {}, DataError, "at least one label"),
        ([[0]], [0], {}, ShapeMismatchError, "shape"),
        ([0, 3], [0, 1], {"alphabet": "abc"}, DataError, "3"),
        ([0, 1], [0, 3], {"alphabet": "abc"}, DataError, "prediction 3 at position 1"),
        ([0, 1], [0.0, 1.0], {"alphabet": "abc"}, DataError, "whole class numbers"),
        ([0, 1], [0.0, 1.0], {}, DataError, "whole class numbers"),
        ([0, -1], [0, 1], {}, DataError, "label -1 at position 1"),
        ([0, 10**9], [0, 1], {}, DataError, "1000000000 is no likely class number"),
        ([0, 1], [[0.5, 0.5]] * 2, {"alphabet": "abc"}, ShapeMismatchError, r"\(2, 3\)"),
        ([0, 1], [0, 1], {"images": np.zeros((1, 4, 4), np.uint8)}, ShapeMismatchError, "1 pictures"),
    ],
)
def test_bare_answers_that_do_not_fit_are_refused(labels, predictions, options, error, message):
    with pytest.raises(error, match=message):
        Evaluator().from_predictions(labels, predictions, **options)


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="batch_size"):
        Evaluator(batch_size=0)


@settings(max_examples=40)
@given(classes=st.integers(2, 6), count=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_a_report_of_probabilities_agrees_with_scikit_learn(classes, count, seed):
    random = np.random.default_rng(seed)
    labels, probabilities = random.integers(classes, size=count), random.dirichlet(np.ones(classes), count)
    report = Evaluator(top_k=2).from_predictions(labels, probabilities)
    answers = probabilities.argmax(axis=1)
    assert report.accuracy == pytest.approx(accuracy_score(labels, answers))
    np.testing.assert_array_equal(report.confusion, confusion_matrix(labels, answers, labels=range(classes)))
    assert report.macro.f1 == pytest.approx(f1_score(labels, answers, average="macro", zero_division=0))
    assert report.weighted.f1 == pytest.approx(f1_score(labels, answers, average="weighted", zero_division=0))
    if classes > 2:
        expected = top_k_accuracy_score(labels, probabilities, k=2, labels=range(classes))
        assert report.top_k_accuracy == pytest.approx(expected)
    again = EvaluationReport.from_json(json.loads(json.dumps(report.to_json())))
    assert again.to_json() == report.to_json()
    assert compare_reports(report, again).p_value == 1


@settings(max_examples=150)
@given(
    labels=ANYTHING,
    predictions=ANYTHING,
    images=st.none() | ANYTHING,
    column=ANYTHING,
    alphabet=st.none() | st.text(max_size=3),
)
def test_any_answers_are_judged_or_refused(labels, predictions, images, column, alphabet):
    try:
        report = Evaluator().from_predictions(
            labels, predictions, alphabet=alphabet, images=images, columns={"paper": column}
        )
    except DataError:
        return
    assert 0 <= report.interval[0] <= report.accuracy <= report.interval[1] <= 1
    assert report.confusion.sum() == len(report) == len(labels)
    assert report.to_json()["accuracy"] == pytest.approx(report.accuracy)
    assert str(report)
