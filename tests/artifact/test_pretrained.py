import numpy as np
import pytest
import scipy.ndimage
from PIL import Image, ImageDraw
from sklearn.metrics import roc_auc_score

from handwriting_cnn.artifact.model_file import load_model
from handwriting_cnn.artifact.pretrained import FOLDER, list_pretrained
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.errors import ModelFileError
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.recognition.recognizer import Recognizer

MODELS = list_pretrained()


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def pretrained(request, mirror, monkeypatch):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
    return request.param


def test_the_card_claims_what_the_model_does(pretrained):
    for claimed in pretrained.tests:
        test = load_dataset(claimed["dataset"], protocol=claimed["protocol"]).test
        report = Evaluator().evaluate(load_model(pretrained.name), test)
        assert report.accuracy == pytest.approx(claimed["accuracy"], abs=5e-4)
        assert claimed["n"] == len(test)


def test_cards_are_whole_and_files_small():
    assert [model.name for model in MODELS] == sorted(path.stem for path in FOLDER.glob("*.safetensors"))
    for model in MODELS:
        assert model.path.stat().st_size <= 1.5e6
        assert {"data", "training", "metrics", "limits", "licence", "command", "versions"} <= set(model.card)
        assert set(model.card["data"]) >= {"name", "protocol", "train", "validation"}  # the test part is no part of it


def blots(random, shape):
    smooth = scipy.ndimage.gaussian_filter(random.normal(size=shape), random.uniform(2, 5))
    return (smooth > np.quantile(smooth, random.uniform(0.6, 0.9))) * 255


def scribbles(random, shape):
    image = Image.new("L", (shape[1] * 4, shape[0] * 4))
    points = random.uniform(0.2, 0.8, (random.integers(12, 30), 2)) * image.size
    ImageDraw.Draw(image).line([tuple(point) for point in points], fill=255, width=int(random.integers(5, 10)))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BILINEAR))


def noise(random, shape):
    return random.integers(0, 256, shape)


@pytest.mark.parametrize("other", [blots, scribbles, noise])
def test_confidence_tells_letters_from_what_is_none(other, pretrained):
    reader = Recognizer.load(pretrained.name)
    test = load_dataset(pretrained.card["metrics"]["dataset"]).test
    letters = test.take(np.linspace(0, len(test) - 1, 300).astype(int))
    random = np.random.default_rng(0)
    none = np.stack([other(random, letters.shape[1:3]).astype(np.uint8) for _ in range(300)])
    confidences = [reader.predict_proba(images).max(axis=1) for images in (letters, none)]
    # A blot looks more like a digit than like a letter: 0.969.
    least = 0.96 if pretrained.name == "mnist-digits" else 0.97
    assert roc_auc_score(np.repeat([1, 0], 300), np.concatenate(confidences)) >= least


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(ModelFileError, match="'arabic' is neither a model file nor a pretrained model; there are: "):
        load_model("arabic")
    with pytest.raises(ModelFileError, match=r"none\.safetensors"):
        load_model("none.safetensors")


def test_a_file_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letters").write_bytes(b"none")
    with pytest.raises(ModelFileError, match="letters"):
        load_model("letters")
