import json

import pytest

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.transfer_learning import transfer
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.resolve import resolved


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("learning_rate", -1),
        ("learning_rate", "fast"),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("weight_decay", 10**400),
        ("label_smoothing", 1.0),
        ("label_smoothing", 1.5),
        ("ema", 1.0),
        ("outliers", 1.5),
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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"augment": 5}, "augment must be an AugmentConfig or None, but is 5"),
        ({"augment": True}, "augment must be"),
        ({"class_weights": 5}, "class_weights must be a tuple of positive numbers, but are 5"),
        ({"class_weights": ["a"]}, "class_weights must be"),
        ({"stages": 5}, "stages must be a tuple of Stage, but are 5"),
        ({"stages": [5]}, "a stage must be an object of settings, but is 5"),
        ({"stages": None}, "stages must be"),
        ({"deterministic": "yes"}, "deterministic must be true or false, but is 'yes'"),
    ],
)
def test_settings_of_another_kind_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig.from_json(values)


def test_early_stopping_contradicts_keeping_the_last_epoch():
    with pytest.raises(ConfigError, match="keep must be 'best' or 'auto'"):
        TrainConfig(early_stopping=2, keep="last")


def test_json_round_trip():
    config = TrainConfig(augment=AugmentConfig(shift=(0.1, 0.2)), class_weights=(1.0, 2.5), ema=0.99, epochs=3)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert TrainConfig.from_json({"augment": None}).augment is None
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        TrainConfig.from_json({"epoch": 3})


def network(name):
    return build_model(name, input_shape=(32, 32, 1), num_classes=5, **({"width": 4} if name == "glyphnet" else {}))


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, "last"),
        ({"schedule": "cosine"}, "last"),
        ({"schedule": "constant"}, "best"),
        ({"early_stopping": 3}, "best"),
        ({"keep": "best"}, "best"),
        ({"schedule": "constant", "keep": "last"}, "last"),
    ],
)
def test_a_falling_rate_keeps_the_last_epoch(settings, kept):
    assert resolved(TrainConfig(**settings), model=network("cnn3"), num_images=100).keep == kept


@pytest.mark.parametrize(("name", "rate"), [("glyphnet", 0.008), ("cnn3", 0.004)])
def test_the_rate_follows_from_whether_the_network_normalises(name, rate):
    assert resolved(TrainConfig(), model=network(name), num_images=100).learning_rate == rate
    inside = transfer(network(name), num_classes=3, freeze="none", seed=0)
    assert resolved(TrainConfig(), model=inside, num_images=100).learning_rate == rate
    frozen = transfer(network(name), num_classes=3, freeze="trunk", seed=0)
    assert resolved(TrainConfig(), model=frozen, num_images=100).learning_rate == 0.004
    assert resolved(TrainConfig(learning_rate=0.1), model=inside, num_images=100).learning_rate == 0.1


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs"),
    [
        (10**6, 128, 30),
        (13_440, 128, 30),
        (5_000, 128, 30),
        (4_999, 64, 30),
        (1_257, 64, 30),
        (640, 64, 60),
        (50, 64, 120),
    ],
)
def test_batch_size_and_epochs_follow_the_documented_rule(images, batch_size, epochs):
    config = resolved(TrainConfig(), model=network("cnn3"), num_images=images)
    assert (config.batch_size, config.epochs) == (batch_size, epochs)


def test_few_pictures_are_shown_with_strokes_of_other_widths():
    for images, stroke in ((4_999, 0.6), (5_000, 0.0)):
        assert resolved(TrainConfig(), model=network("cnn3"), num_images=images).augment.stroke == stroke
    own = resolved(TrainConfig(augment=AugmentConfig(stroke=0.2)), model=network("cnn3"), num_images=100)
    assert own.augment.stroke == 0.2
    assert resolved(TrainConfig(augment=None), model=network("cnn3"), num_images=100).augment is None
