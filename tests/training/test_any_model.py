import keras
import pytest

from handwriting_cnn.errors import DataError
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.trainer import Trainer

pytestmark = pytest.mark.core

QUICK = {"epochs": 2, "batch_size": 32, "precision": "float32", "steps_per_execution": 1, "augment": None}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.answer = keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")

    def call(self, images):
        return self.answer(self.flatten(keras.ops.cast(images, "float32") / 255))


def unbuilt():
    dense = keras.layers.Dense(2, activation="softmax")
    return keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), dense])


def of_any_size():
    inputs = keras.Input((None, None, 1))
    maps = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
    mean = keras.layers.GlobalAveragePooling2D()(maps)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(mean))


@pytest.mark.parametrize("make", [Subclassed, unbuilt, of_any_size])
def test_a_model_need_not_tell_what_it_takes(make, strokes, tmp_path):
    keras.utils.set_random_seed(0)
    settings, parts = TrainConfig(**QUICK, learning_rate=0.02), strokes.split(0.25, seed=0)
    result = Trainer(settings).fit(make(), parts[0], validation=parts[1], run_dir=tmp_path)
    assert result.history["loss"][1] < result.history["loss"][0]
    assert Trainer(settings).fit(make(), parts[0], validation=parts[1], run_dir=tmp_path).history == result.history


def test_logits_are_refused(strokes, tmp_path):
    dense = keras.layers.Dense(2, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), dense])
    with pytest.raises(DataError, match=r"of picture 0 sum to .*, not to 1: a classifier must end in softmax"):
        Trainer(TrainConfig(**QUICK)).fit(model, strokes, run_dir=tmp_path / "run")
    assert not list(tmp_path.iterdir())
