import dataclasses
import json

import keras
import numpy as np
import pytest

from handwriting_cnn.artifact.model_file import SavedModel, load_model
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.errors import (
    ConfigError,
    DataError,
    ExportError,
    ModelFileError,
    OutputError,
    ShapeMismatchError,
)
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.exporting import formats
from handwriting_cnn.exporting.exporter import export, open_export
from handwriting_cnn.exporting.formats import LiteRT
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.answers import network_answers
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.transfer_learning import transfer
from handwriting_cnn.recognition.recognizer import Recognizer

NEEDS = {".onnx": ("onnx", "onnxruntime", "tf2onnx"), ".tflite": ("ai_edge_litert",)}


def saved_model(num_classes=3, seed=0):
    model = build_model("glyphnet", input_shape=(16, 16, 1), num_classes=num_classes, width=2, seed=seed)
    alphabet = Alphabet.of("ابجدهوزحطي"[:num_classes])
    return SavedModel(model=model, alphabet=alphabet, preprocessing=PreprocessSpec(height=16, width=16))


@pytest.fixture(scope="module")
def saved():
    return saved_model()


@pytest.fixture(scope="module")
def images(digits):
    return digits.test.images[:40, ::2, ::2]


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".keras", ""])
def test_the_formats_own_runtime_gives_the_same_answers(suffix, saved, images, tmp_path):
    for module in NEEDS.get(suffix, ()):
        pytest.importorskip(module)
    path = tmp_path / f"letters{suffix}"
    report = export(saved, path, images=images)
    assert path.exists()
    assert report.images == 40
    assert report.different_answers == 0
    assert report.largest_difference <= 1e-4
    beside = json.loads((tmp_path / f"{path.name}.json").read_text("utf-8"))
    assert beside["comparison"] == report.to_json()
    assert beside["alphabet"]["characters"] == ["ا", "ب", "ج"]
    assert beside["preprocessing"]["height"] == 16


def test_onnx_carries_the_alphabet_and_takes_any_number_of_pictures(saved, images, tmp_path):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    export(saved, tmp_path / "letters.onnx")
    properties = {item.key: json.loads(item.value) for item in onnx.load(tmp_path / "letters.onnx").metadata_props}
    assert properties["alphabet"] == saved.alphabet.to_json()
    assert properties["reading"] == saved.reading.to_json()
    session = onnxruntime.InferenceSession(tmp_path / "letters.onnx")
    name = session.get_inputs()[0].name
    for count in (1, 7):
        (answers,) = session.run(None, {name: images[:count].astype(np.float32)})
        np.testing.assert_allclose(answers, network_answers(saved.model, images[:count]), atol=1e-5)
    part = Dataset.from_arrays(images, np.arange(40) % 3, alphabet=saved.alphabet)
    judged = Evaluator().evaluate(lambda pictures: session.run(None, {name: pictures.astype(np.float32)})[0], part)
    assert judged.accuracy == Evaluator().evaluate(saved.model, part).accuracy


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_an_exported_file_reads_as_the_model_does(suffix, saved, images, tmp_path):
    for module in NEEDS[suffix]:
        pytest.importorskip(module)
    export(saved, tmp_path / f"letters{suffix}")
    exported = open_export(tmp_path / f"letters{suffix}")
    for classifier in (exported, saved):
        for other in (images[:, :8], images[0], images[..., 0], np.repeat(images, 3, axis=3), np.uint8(3)):
            with pytest.raises(ShapeMismatchError, match="the network takes pictures of 16x16x1"):
                classifier(other)
    own, other = Recognizer(saved), Recognizer(saved, classifier=exported)
    np.testing.assert_allclose(other.predict_proba(images), own.predict_proba(images), atol=1e-5)
    picture = 255 - np.kron(images[0, ..., 0], np.ones((9, 9), np.uint8))
    one, same = own.recognize_single(picture), other.recognize_single(picture)
    assert [each.text for each in one.candidates] == [each.text for each in same.candidates]


def test_what_is_no_exported_file_is_refused(saved, images, tmp_path):
    for module in NEEDS[".onnx"]:
        pytest.importorskip(module)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    for path, error, words in (
        (broken, ModelFileError, r"broken\.onnx is not opened by ONNX"),
        (tmp_path / "none.onnx", ModelFileError, r"none\.onnx is no file"),
        (tmp_path / "letters.keras", ConfigError, r"letters\.keras is opened neither as ONNX"),
    ):
        with pytest.raises(error, match=words):
            open_export(path)
    with pytest.raises(ShapeMismatchError, match=r"must have the shape \(40, 3\)"):
        Recognizer(saved, classifier=lambda pictures: np.ones((len(pictures), 4)) / 4).predict_proba(images)


def test_a_keras_file_of_a_transferred_network_opens_without_this_library(saved, tmp_path):
    model = transfer(saved.model, num_classes=4, input_shape=(20, 24, 3), seed=0)
    report = export(model, tmp_path / "letters.keras")
    assert report.different_answers == 0


def test_int8_is_a_third_of_the_size_and_reads_as_well(mirror, monkeypatch, tmp_path):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
    model, splits = load_model("arabic-letters-ahcd"), load_dataset("ahcd")
    whole = export(model, tmp_path / "whole.tflite", images=splits.test)
    small = export(model, tmp_path / "small.tflite", images=splits.train.subset(range(0, 13_440, 96)), int8=True)
    assert small.bytes < whole.bytes / 3
    assert small.int8
    accuracies = [Evaluator().evaluate(ask, splits.test).accuracy for ask in (model, LiteRT().open(small.path))]
    assert accuracies[1] >= accuracies[0] - 0.003


class _Wrong(formats.SavedModelFolder):
    def open(self, path):
        answer = super().open(path)
        return lambda pictures: np.roll(answer(pictures), 1, axis=1)


def test_a_mismatch_is_an_error_and_leaves_nothing(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("handwriting_cnn.exporting.exporter._FORMATS", (_Wrong,))
    with pytest.raises(ExportError, match=r"SavedModel differs from the original: \d+ of 64 answers"):
        export(saved, tmp_path / "letters")
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_kept_unless_it_may_be_replaced(saved, images, tmp_path):
    path = tmp_path / "letters"
    path.mkdir()
    (path / "mine.txt").write_text("kept")
    with pytest.raises(OutputError, match="exists already"):
        export(saved, path, images=images)
    with pytest.raises(OutputError, match="other things than a SavedModel: it is not replaced"):
        export(saved, path, images=images, overwrite=True)
    assert [item.name for item in path.iterdir()] == ["mine.txt"]
    (path / "mine.txt").unlink()
    for _ in range(2):
        export(saved, path, images=images, overwrite=True)
    assert (path / "saved_model.pb").is_file()


def test_a_network_of_any_size_is_compared_on_pictures(images, tmp_path):
    inputs = keras.Input((None, None, 1))
    answers = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalMaxPooling2D()(inputs))
    model = keras.Model(inputs, answers)
    with pytest.raises(ConfigError, match="takes pictures of any size: give images"):
        export(model, tmp_path / "letters.onnx")
    assert export(model, tmp_path / "letters.onnx", images=images).different_answers == 0


def test_a_network_that_does_not_tell_what_it_takes_is_refused(images, tmp_path):
    class Own(keras.Model):
        def call(self, pictures):
            return pictures

    with pytest.raises(ConfigError, match="does not tell what pictures it takes"):
        export(Own(), tmp_path / "letters.onnx", images=images)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("letters.h5", {}, ConfigError, "suffix of no format: .onnx, .tflite, .keras, or none"),
        ("letters", {"int8": True}, ConfigError, "int8 is possible for .tflite alone"),
        ("letters.tflite", {"int8": True}, ConfigError, "needs pictures"),
        ("letters", {"images": np.zeros((2, 8, 8, 1), np.uint8)}, DataError, r"\(n, 16, 16, 1\)"),
        ("letters", {"images": np.zeros((2, 16, 16, 1))}, DataError, "float64"),
    ],
)
def test_mistakes_are_refused(name, options, error, words, saved, tmp_path):
    with pytest.raises(error, match=words):
        export(saved, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_runtime_is_named(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"ONNX needs onnx, onnxruntime, tf2onnx: pip install 'handwriting-cnn\[export\]'"
    ):
        export(saved, tmp_path / "letters.onnx")


def test_only_models_are_exported(saved, tmp_path):
    with pytest.raises(ConfigError, match="not dict"):
        export({}, tmp_path / "letters")
    assert dataclasses.is_dataclass(saved)
