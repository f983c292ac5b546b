import keras
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handwriting_cnn.artifact.model_file import SavedModel
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.evaluation.classifiers import Ensemble, ShiftAveraging
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.models.registry import build_model

pytestmark = pytest.mark.core


@pytest.fixture
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    return Dataset.from_arrays(images, np.arange(40) % 3, alphabet="abc", name="noise")


def network(seed):
    return build_model("cnn14", input_shape=(16, 16, 1), num_classes=3, width=2, seed=seed)


def probabilities(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def test_an_ensemble_answers_with_the_mean_of_its_members(dataset):
    members = [network(seed) for seed in range(3)]
    saved = SavedModel(model=members[0], alphabet=dataset.alphabet, preprocessing=dataset.preprocessing)
    expected = np.mean([probabilities(model, dataset.images) for model in members], axis=0)
    ensemble = Ensemble([saved, members[1], lambda images: probabilities(members[2], images)])
    np.testing.assert_allclose(ensemble(dataset.images), expected, atol=1e-6)
    report = Evaluator(batch_size=7).evaluate(ensemble, dataset)
    np.testing.assert_allclose(report.probabilities, expected, atol=1e-6)


@pytest.mark.parametrize("pixels", [1, 3])
def test_shift_averaging_answers_with_the_mean_over_shifted_pictures(dataset, pixels):
    model = network(0)
    shifts = [(0, 0, 0, 0), (0, pixels, 0, 0), (0, -pixels, 0, 0), (0, 0, pixels, 0), (0, 0, -pixels, 0)]
    views = [scipy.ndimage.shift(dataset.images, shift, order=0, mode="constant", cval=0) for shift in shifts]
    expected = np.mean([probabilities(model, view) for view in views], axis=0)
    np.testing.assert_allclose(ShiftAveraging(model, pixels=pixels)(dataset.images), expected, atol=1e-6)


def test_classifiers_of_classifiers_are_compared_with_the_data(dataset):
    small = Dataset.from_arrays(np.zeros((3, 20, 20), np.uint8), [0, 1, 2], alphabet="abc")
    other = SavedModel(model=network(0), alphabet=Alphabet.of("xyz"), preprocessing=dataset.preprocessing)
    with pytest.raises(ShapeMismatchError, match="16x16x1"):
        Evaluator().evaluate(ShiftAveraging(Ensemble([network(0)])), small)
    with pytest.raises(ShapeMismatchError, match="knows 3 letters"):
        Evaluator().evaluate(Ensemble([network(0), ShiftAveraging(other)]), dataset)


def test_members_that_do_not_agree_are_refused(dataset):
    with pytest.raises(ShapeMismatchError, match=r"\(40, 3\), but have \(40, 2\)"):
        Ensemble([network(0), lambda images: np.full((len(images), 2), 0.5)])(dataset.images)
    with pytest.raises(DataError, match="softmax"):
        Ensemble([lambda images: np.ones((len(images), 3))])(dataset.images)


def test_what_is_no_classifier_is_refused(dataset, small_model):
    with pytest.raises(DataError, match="a classifier must be a function of pictures, but is a str"):
        Evaluator().evaluate("mnist-digits", dataset)
    with pytest.raises(DataError, match=r"is a Recipe: give its \.model"):
        Evaluator().evaluate(type("Recipe", (), {"model": small_model})(), dataset)


def test_what_cannot_be_averaged_is_refused(dataset):
    with pytest.raises(ConfigError, match="at least one member"):
        Ensemble([])
    for pixels in (0, -1, 1.0, True):
        with pytest.raises(ConfigError, match="1 or more pixels"):
            ShiftAveraging(network(0), pixels=pixels)
    with pytest.raises(ConfigError, match="leaves nothing"):
        ShiftAveraging(network(0), pixels=16)(dataset.images)


@settings(max_examples=60)
@given(
    images=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=0, max_dims=5, min_side=1, max_side=4)),
    pixels=st.integers(1, 4),
    members=st.integers(1, 3),
)
def test_any_pictures_are_averaged_or_refused(images, pixels, members):
    def first_pixels(pictures):
        level = pictures.reshape(len(pictures), -1)[:, 0] / 255
        return np.stack([level, 1 - level], axis=1)

    averaged = ShiftAveraging(Ensemble([first_pixels] * members), pixels=pixels)
    try:
        answers = averaged(images)
    except (ConfigError, ShapeMismatchError):
        assert images.ndim != 4 or pixels >= min(images.shape[1:3])
        return
    levels = images[:, 0, 0, 0], images[:, pixels, 0, 0], images[:, 0, pixels, 0]  # moved down or right it is paper
    np.testing.assert_allclose(answers[:, 0], np.sum(levels, axis=0, dtype=float) / 255 / 5, atol=1e-6)
