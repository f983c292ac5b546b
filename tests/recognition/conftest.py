"""A reader of digits and pages for it."""

import pytest

from handwriting_cnn.models.registry import build_model
from handwriting_cnn.recognition.recognizer import Recognizer
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.trainer import Trainer


@pytest.fixture(scope="session")
def trained(digits):
    train, validation = digits.train.split(0.2, seed=0)
    model = build_model("glyphnet", input_shape=train.input_shape, num_classes=10, width=8, seed=0)
    config = TrainConfig(epochs=10, batch_size=64, learning_rate=4e-3, seed=0, precision="float32")
    return Trainer(config).fit(model, train, validation=validation, progress=False)


@pytest.fixture(scope="session")
def reader(trained):
    return Recognizer(trained)
