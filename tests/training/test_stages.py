import keras
import numpy as np
import pytest

from handwriting_cnn.errors import ConfigError, RunFolderError, UnknownNameError
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.transfer_learning import transfer
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training.config import Stage, TrainConfig
from handwriting_cnn.training.trainer import Trainer

pytestmark = pytest.mark.core

STAGES = (Stage(epochs=1, freeze=("trunk",)), Stage(epochs=2, learning_rate=1e-3))


def config(**settings):
    known = {
        "batch_size": 32,
        "precision": "float32",
        "steps_per_execution": 1,
        "schedule": "constant",
        "stages": STAGES,
    }
    return TrainConfig(**{**known, **settings})


@pytest.fixture
def make(strokes):
    """Makes a transfer model that is frozen, always the same one, of another base or of another seed."""

    def transferred(seed=0, base_seed=3, freeze="trunk"):
        base = build_model("lenet5", input_shape=strokes.input_shape, num_classes=5, seed=base_seed)
        return transfer(base, num_classes=strokes.num_classes, head="linear", seed=seed, freeze=freeze)

    return transferred


def values(layer):
    return [weight_array(weight) for weight in layer.weights]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


class Watch(keras.callbacks.Callback):
    """Notes the trunk and the head after each epoch."""

    def __init__(self, network):
        super().__init__()
        self.network, self.trunks, self.heads = network, [], []

    def on_epoch_end(self, epoch, logs=None):
        self.trunks.append(values(self.network.get_layer("trunk")))
        self.heads.append(values(self.network.get_layer("probabilities")))


def test_a_frozen_stage_trains_the_head_alone_and_the_next_everything(make, strokes):
    model = make()
    before, watch = values(model.get_layer("trunk")), Watch(model)
    result = Trainer(config()).fit(model, strokes, callbacks=[watch])
    assert equal(watch.trunks[0], before)
    assert not equal(watch.trunks[1], before)
    assert not equal(watch.heads[0], watch.heads[1])
    assert len(result.history["loss"]) == result.config.epochs == 3
    assert result.history["learning_rate"] == pytest.approx([4e-3, 1e-3, 1e-3])
    assert not model.get_layer("trunk").trainable  # as it was before


def test_without_stages_the_models_own_choice_holds(make, strokes):
    model = make()
    before = values(model.get_layer("trunk"))
    Trainer(config(stages=(), epochs=1)).fit(model, strokes)
    assert equal(values(model.get_layer("trunk")), before)


def test_a_stages_schedule_runs_over_its_own_updates(make, strokes):
    stages = (Stage(epochs=2, freeze=("trunk",)), Stage(epochs=2, learning_rate=1e-4))
    rates = Trainer(config(stages=stages, schedule="cosine")).fit(make(), strokes).history["learning_rate"]
    # Half of a cosine after one epoch of two, its end after the second.
    assert rates == pytest.approx([2e-3, 0, 0.5e-4, 0], abs=1e-9)


class StopAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX compiles for minutes here")
@pytest.mark.parametrize("stopped_at", [1, 2])
def test_a_stopped_run_continues_in_its_stage(make, strokes, tmp_path, stopped_at):
    settings = config(deterministic=True, ema=0.9)
    whole = Trainer(settings).fit(make(), strokes, run_dir=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        Trainer(settings).fit(make(), strokes, run_dir=tmp_path / "parts", callbacks=[StopAt(stopped_at)])
    rest = Trainer(settings).fit(make(), strokes, run_dir=tmp_path / "parts")
    assert rest.history == whole.history
    assert equal(values(rest.model), values(whole.model))
    again = Trainer(settings).fit(make(), strokes, run_dir=tmp_path / "whole")
    assert equal(values(again.model), values(whole.model))


def test_freezing_everything_is_refused_before_anything_is_written(make, strokes, tmp_path):
    everything = tuple(layer.name for layer in make().layers)
    stages = (Stage(epochs=1), Stage(epochs=1, freeze=everything))
    with pytest.raises(ConfigError, match="stage 2 freezes every weight of 'transfer'"):
        Trainer(config(stages=stages)).fit(make(), strokes, run_dir=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()
    model = make()
    model.trainable = False
    with pytest.raises(ConfigError, match="the model freezes every weight"):
        Trainer(config(stages=(), epochs=1)).fit(model, strokes)


def test_what_the_training_began_with_is_part_of_the_run(make, strokes, tmp_path):
    settings = config(stages=(), epochs=1)
    first = Trainer(settings).fit(make(), strokes, run_dir=tmp_path)
    with pytest.raises(RunFolderError, match=r"another run \(start\.learned was \"[0-9a-f]+\.\.\., now \"[0-9a-f]+"):
        Trainer(settings).fit(make(base_seed=4), strokes, run_dir=tmp_path)
    with pytest.raises(RunFolderError, match=r'start\.layers was "2 frozen, 1 trained", now "3 trained"'):
        Trainer(settings).fit(make(freeze="none"), strokes, run_dir=tmp_path)
    for model in (make(), first.model):  # the run's own beginning, and its result
        assert equal(values(Trainer(settings).fit(model, strokes, run_dir=tmp_path).model), values(first.model))


def test_a_network_without_a_seed_continues(make, strokes, tmp_path):
    settings = config(stages=(), epochs=2)
    with pytest.raises(KeyboardInterrupt):
        Trainer(settings).fit(make(seed=None), strokes, run_dir=tmp_path, callbacks=[StopAt(1)])
    assert len(Trainer(settings).fit(make(seed=None), strokes, run_dir=tmp_path).history["loss"]) == 2


def test_a_layer_that_does_not_exist(make, strokes):
    with pytest.raises(UnknownNameError, match="layer of transfer 'trunks'; did you mean 'trunk'"):
        Trainer(config(stages=(Stage(epochs=1, freeze=("trunks",)),))).fit(make(), strokes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 4}, "the stages have 3 epochs together, but epochs is 4"),
        ({"early_stopping": 3}, "does not stop early"),
        ({"stages": ({"epochs": 1},)}, "tuple of Stage"),
    ],
)
def test_settings_that_contradict_stages(settings, message):
    with pytest.raises(ConfigError, match=message):
        config(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "at least 1, but are 0"),
        ({"epochs": 1, "freeze": "trunk"}, "tuple of layers' names, not 'trunk'"),
        ({"epochs": 1, "learning_rate": -1.0}, "above 0"),
    ],
)
def test_stages_that_are_none(settings, message):
    with pytest.raises(ConfigError, match=message):
        Stage(**settings)


def test_stages_survive_json():
    assert TrainConfig.from_json(config().to_json()) == config()
    with pytest.raises(UnknownNameError, match="setting of a stage 'epoch'; did you mean 'epochs'"):
        TrainConfig.from_json({"stages": [{"epoch": 1}]})
    with pytest.raises(ConfigError, match="must have epochs"):
        TrainConfig.from_json({"stages": [{}]})
