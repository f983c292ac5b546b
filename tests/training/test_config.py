import json

import pytest

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.resolve import auto_epochs


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("learning_rate", -1),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("label_smoothing", 1.0),
        ("label_smoothing", 1.5),
        ("ema", 1.0),
        ("clip_norm", 0),
        ("early_stopping", 0),
        ("steps_per_execution", 0),
        ("seed", -1),
        ("class_weights", (1.0, 0.0)),
    ],
)
def test_values_outside_their_range_are_refused_by_name(setting, value):
    with pytest.raises(ConfigError, match=rf"{setting} must be .*{value!r}".replace("(", r"\(").replace(")", r"\)")):
        TrainConfig(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "nearest"),
    [
        ("optimizer", "adamww", "adamw"),
        ("schedule", "onecycle", "one-cycle"),
        ("precision", "float16", "bfloat16"),
        ("keep", "bests", "best"),
        ("class_weights", "balance", "balanced"),
    ],
)
def test_unknown_choices_name_the_nearest(setting, value, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'"):
        TrainConfig(**{setting: value})


def test_json_round_trip():
    config = TrainConfig(augment=AugmentConfig(shift=(0.1, 0.2)), class_weights=(1.0, 2.5), ema=0.99, epochs=3)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert TrainConfig.from_json({"augment": None}).augment is None
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        TrainConfig.from_json({"epoch": 3})


@pytest.mark.parametrize(
    ("images", "epochs"), [(13_440, 30), (6_400, 30), (3_840, 50), (1_257, 60), (100, 60), (10**6, 30)]
)
def test_epochs_by_the_documented_rule(images, epochs):
    assert auto_epochs(images, 128) == epochs
