import csv
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import (
    ConfigError,
    DataError,
    RunFolderError,
    ShapeMismatchError,
    TrainingError,
    UnknownNameError,
)
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training.config import Stage, TrainConfig
from handwriting_cnn.training.trainer import Trainer

pytestmark = pytest.mark.core

QUICK = {"epochs": 2, "batch_size": 32, "precision": "float32", "steps_per_execution": 1}


def config(**settings):
    return TrainConfig(**{**QUICK, **settings})


def weights(model):
    return [weight_array(weight) for weight in model.weights]


def ruined(model):
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.5))
    return model


def assert_equal(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


class StopAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_any_model_learns_and_the_best_epoch_is_kept(plain_net, strokes):
    model = plain_net()
    train, validation = strokes.split(0.25, seed=0)
    seen = []
    result = Trainer(config(epochs=6, learning_rate=0.01, keep="best", augment=None)).fit(
        model,
        train,
        validation=validation,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"]))],
    )
    history = result.history
    assert result.model is model
    assert history["loss"][-1] < history["loss"][0]
    assert seen == pytest.approx(history["val_loss"])
    ranks = list(zip(history["val_accuracy"], [-loss for loss in history["val_loss"]], strict=True))
    assert result.best_epoch == ranks.index(max(ranks)) + 1
    probabilities = model.predict(validation.images, verbose=0)
    accuracy = (probabilities.argmax(axis=1) == validation.labels).mean()
    assert accuracy == pytest.approx(history["val_accuracy"][result.best_epoch - 1])


def test_the_last_epoch_of_a_falling_rate_is_kept(plain_net, strokes):
    train, validation = strokes.split(0.25, seed=0)
    assert Trainer(config(epochs=4, augment=None)).fit(plain_net(), train, validation=validation).best_epoch == 4


def test_stops_early_and_keeps_the_best(plain_net, strokes):
    train, validation = strokes.split(0.25, seed=0)
    settings = config(epochs=12, learning_rate=1e-9, schedule="constant", early_stopping=2, augment=None)
    result = Trainer(settings).fit(plain_net(), train, validation=validation)
    assert len(result.history["loss"]) == result.best_epoch + 2 < 12
    with pytest.raises(ConfigError, match="early_stopping needs a validation set"):
        Trainer(settings).fit(plain_net(), train)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="a killed process shows it; JAX compiles for minutes here")
def test_a_stopped_run_continues_to_the_same_weights(net, strokes, tmp_path):
    settings = config(epochs=3, deterministic=True, ema=0.9, keep="best", augment=AugmentConfig(elastic=0.01))
    train, validation = strokes.split(0.25, seed=0)
    whole = Trainer(settings).fit(net(), train, validation=validation, run_dir=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        Trainer(settings).fit(net(), train, validation=validation, run_dir=tmp_path / "parts", callbacks=[StopAt(2)])
    # The weights of this moment must not matter: everything is in the checkpoint.
    rest = Trainer(settings).fit(ruined(net()), train, validation=validation, run_dir=tmp_path / "parts")
    assert rest.history == whole.history
    assert rest.best_epoch == whole.best_epoch
    kept = weights(whole.model)
    assert_equal(weights(rest.model), kept)

    again = Trainer(settings).fit(ruined(whole.model), train, validation=validation, run_dir=tmp_path / "whole")
    assert again.history == whole.history
    assert_equal(weights(again.model), kept)

    with pytest.raises(RunFolderError, match=r"config\.seed was 0, now 1"):
        Trainer(config(**{**settings.to_json(), "augment": settings.augment, "seed": 1})).fit(
            net(), train, validation=validation, run_dir=tmp_path / "whole"
        )
    with pytest.raises(RunFolderError, match=r"data\.train\.digest"):
        Trainer(settings).fit(net(), validation, validation=validation, run_dir=tmp_path / "whole")
    with pytest.raises(RunFolderError, match=r"architecture\.options\.width was 2, now 3"):
        Trainer(settings).fit(net(width=3), train, validation=validation, run_dir=tmp_path / "whole")
    with pytest.raises(RunFolderError, match=r"\(start\.seed was 0, now 9\)"):
        Trainer(settings).fit(net(seed=9), train, validation=validation, run_dir=tmp_path / "whole")


def test_steps_per_execution_changes_the_speed_only(net, strokes):
    results = [
        Trainer(config(deterministic=True, steps_per_execution=steps)).fit(net(), strokes, progress=False)
        for steps in (1, 2)
    ]
    assert_equal(*(weights(result.model) for result in results))


SCRIPT = """
import hashlib, os, signal, sys
import numpy as np
import keras
import handwriting_cnn as hw

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

train = hw.load_dataset("digits").train.subset(range(160))
model = hw.build_model("lenet5", input_shape=train.input_shape, num_classes=10, seed=0)
config = hw.TrainConfig(epochs=3, batch_size=64, deterministic=True, precision="float32", steps_per_execution=1)
callbacks = [Kill()] if sys.argv[2] == "kill" else []
result = hw.Trainer(config).fit(model, train, run_dir=sys.argv[1], callbacks=callbacks)
digest = hashlib.sha256(b"".join(np.asarray(w.value).tobytes() for w in model.weights))
print(digest.hexdigest(), result.history)
"""


def test_a_killed_process_continues_to_the_same_weights(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))

    def run(folder, mode):
        command = [sys.executable, str(script), str(tmp_path / folder), mode]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})

    whole = run("whole", "go")
    assert whole.returncode == 0, whole.stderr
    assert run("killed", "kill").returncode == -signal.SIGKILL
    assert max(path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()) == "epoch-00002"
    assert run("killed", "go").stdout == whole.stdout


def test_bfloat16_trains_and_leaves_float32(net, strokes):
    model = net()
    result = Trainer(config(precision="bfloat16", epochs=1)).fit(model, strokes, validation=strokes)
    assert np.isfinite(result.history["loss"][0])
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    logits = model(strokes.images[:4])
    assert str(logits.dtype).endswith("float32'>") or str(logits.dtype) == "float32"


def test_averages_are_made_ready_in_float32_whatever_the_training_computes_in(net, strokes):
    settings = config(precision="bfloat16", epochs=1, ema=0.9, augment=None, outliers=0.0)
    model = Trainer(settings).fit(net(), strokes).model
    normalised = model.get_layer("stage1_conv1_bn")
    maps = keras.Model(model.input, model.get_layer("stage1_conv1").output)(strokes.images)
    expected = keras.ops.convert_to_numpy(maps).mean(axis=(0, 1, 2))  # three equal batches are the whole set
    np.testing.assert_allclose(weight_array(normalised.moving_mean), expected, rtol=1e-4)  # bfloat16: 1e-2


def test_auto_is_resolved_once_and_kept(plain_net, strokes, tmp_path):
    settings = TrainConfig(augment=None, epochs=3)
    first = Trainer(settings).fit(plain_net(), strokes, run_dir=tmp_path)
    assert "auto" not in first.config.to_json().values()
    assert (first.config.learning_rate, first.config.keep) == (0.004, "last")
    assert Trainer(settings).fit(plain_net(), strokes, run_dir=tmp_path).config == first.config
    assert json.loads((tmp_path / "history.json").read_text()) == first.history
    rows = list(csv.reader((tmp_path / "history.csv").read_text().splitlines()))
    assert rows[0] == ["epoch", *first.history]
    assert len(rows) == 4


def test_a_loss_that_is_not_finite_stops_the_run(plain_net, strokes):
    with pytest.raises(TrainingError, match=r"loss became (nan|inf) in epoch 1, update [23]"):
        Trainer(config(augment=None, learning_rate=1e38, schedule="constant")).fit(plain_net(), strokes)


class AskToStop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def test_a_callback_that_stops_the_run_finishes_it(plain_net, strokes, tmp_path):
    settings = config(epochs=5, augment=None)
    for _ in range(2):  # a finished run returns its result
        result = Trainer(settings).fit(plain_net(), strokes, run_dir=tmp_path / "run", callbacks=[AskToStop()])
        assert len(result.history["loss"]) == 2
    stages = config(epochs=5, augment=None, stages=(Stage(epochs=3), Stage(epochs=2)))
    assert len(Trainer(stages).fit(plain_net(), strokes, callbacks=[AskToStop()]).history["loss"]) == 2


class Destroy(keras.callbacks.Callback):
    """Makes the weights infinite in the second epoch's last update."""

    def on_train_batch_end(self, batch, logs=None):
        if self.params["steps"] == batch + 1 and self.seen == 1:
            for weight in self.model.trainable_weights:
                weight.assign(keras.ops.full_like(weight, np.inf))

    def on_epoch_begin(self, epoch, logs=None):
        self.seen = epoch


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX's loop does not see weights that a callback sets")
def test_a_network_that_its_last_update_ruined_is_no_result(plain_net, strokes, tmp_path):
    train, validation = strokes.split(0.25, seed=0)
    with pytest.raises(TrainingError, match=r"val_loss became (nan|inf) in epoch 2: a lower learning_rate"):
        Trainer(config(epochs=3, augment=None)).fit(
            plain_net(), train, validation=validation, run_dir=tmp_path, callbacks=[Destroy()]
        )
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-00001"]


def test_alphabets_that_differ_are_refused(plain_net, strokes):
    turned = Dataset.from_arrays(strokes.images, strokes.labels, alphabet=strokes.alphabet.characters[::-1])
    with pytest.raises(ShapeMismatchError, match="different alphabets"):
        Trainer(config()).fit(plain_net(), strokes, validation=turned)


def test_splits_are_no_data_set(plain_net, strokes):
    splits = DatasetSplits(*strokes.split(0.25, seed=0))
    with pytest.raises(DataError, match=r"train must be a Dataset, but is DatasetSplits: pass one of its parts"):
        Trainer().fit(plain_net(), splits)
    with pytest.raises(DataError, match="validation must be a Dataset, but is ndarray"):
        Trainer().fit(plain_net(), strokes, validation=strokes.images)


def test_what_does_not_fit_is_refused(net, plain_net, strokes, tmp_path):
    digits = Dataset.from_arrays(np.zeros((4, 16, 16), np.uint8), [0, 1, 2, 0], alphabet="abc")
    wide = Dataset.from_arrays(np.zeros((4, 16, 20), np.uint8), [0, 1, 1, 0], alphabet="ab")
    one = strokes.subset([0])
    with pytest.raises(ShapeMismatchError, match="2 classes, but the training set has 3"):
        Trainer(config()).fit(plain_net(), digits)
    with pytest.raises(ShapeMismatchError, match=r"\(16, 16, 1\), but the validation set has \(16, 20, 1\)"):
        Trainer(config()).fit(plain_net(), strokes, validation=wide)
    with pytest.raises(ConfigError, match="1 pictures are fewer than the 2 classes"):
        Trainer(config()).fit(plain_net(), one)
    with pytest.raises(ConfigError, match="class_weights must have one number for each of the 2 classes"):
        Trainer(config(class_weights=(1.0, 2.0, 3.0))).fit(plain_net(), strokes, run_dir=tmp_path)
    with pytest.raises(UnknownNameError, match=r"layer of sequential.* 'trunk'"):
        Trainer(config(epochs=1, stages=(Stage(epochs=1, freeze=("trunk",)),))).fit(
            plain_net(), strokes, run_dir=tmp_path / "run"
        )
    assert not list(tmp_path.iterdir())


def test_progress_shows_figures_and_logs_an_epoch_a_line(plain_net, strokes, monkeypatch, capsys, caplog):
    monkeypatch.setattr("handwriting_cnn.training.callbacks._QUIET_SECONDS", -1.0)
    with caplog.at_level(logging.INFO, logger="handwriting_cnn"):
        Trainer(config(augment=None)).fit(plain_net(), strokes, progress=True)
    assert "epoch 2/2" in capsys.readouterr().err
    assert [record.getMessage().split("  ")[0] for record in caplog.records] == ["epoch 1/2", "epoch 2/2"]
    caplog.clear()
    Trainer(config(augment=None, epochs=1)).fit(plain_net(), strokes, progress=False)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_a_report_goes_into_the_card_as_its_summary(plain_net, strokes):
    result = Trainer(config(augment=None)).fit(plain_net(), strokes)
    report = Evaluator().evaluate(result.model, strokes)
    for metrics in (report, report.summary()):
        assert result.to_saved_model(metrics=metrics).card["metrics"] == report.summary()
    assert result.to_saved_model().card["metrics"] == {}


def test_learning_curves(plain_net, strokes):
    result = Trainer(config(augment=None)).fit(plain_net(), strokes, validation=strokes)
    ax = result.plot_history("loss")
    assert [line.get_label() for line in ax.lines] == ["training", "validation", f"kept: epoch {result.best_epoch}"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), result.history["loss"])
    assert result.plot_history("learning_rate", ax=ax) is ax
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        result.plot_history("acuracy")
    with pytest.raises(UnknownNameError, match="val_loss"):  # its curve is drawn with the training's
        result.plot_history("val_loss")


def settling_net():
    """A network that brings characters to one place and size itself, and that layer."""
    keras.utils.set_random_seed(0)
    normalise = MomentNormalization(8)
    layers = [keras.Input((16, 16, 1)), normalise, keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")]), normalise


@pytest.mark.parametrize("augment", [AugmentConfig(jitter=(0.5, 0.2)), AugmentConfig(jitter=(0.0, 0.0)), None])
def test_place_and_size_vary_inside_the_network_while_it_trains(strokes, augment):
    def train(augment):
        model, normalise = settling_net()
        seen = []
        watch = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(normalise.jitter))
        result = Trainer(config(augment=augment, outliers=0.0)).fit(model, strokes, callbacks=[watch])
        assert normalise.jitter == (0.0, 0.0)
        return result.history["loss"], set(seen)

    losses, seen = train(augment)
    assert seen == {(0.0, 0.0) if augment is None else augment.jitter}
    assert train(augment)[0] == losses
    if augment is not None:
        assert (train(AugmentConfig(jitter=(0.0, 0.0)))[0] == losses) == (augment.jitter == (0.0, 0.0))


def test_a_stopped_run_continues_where_place_and_size_vary(strokes, tmp_path):
    settings = config(epochs=3, deterministic=True, augment=AugmentConfig(jitter=(0.5, 0.2)))
    whole = Trainer(settings).fit(settling_net()[0], strokes)
    with pytest.raises(KeyboardInterrupt):
        Trainer(settings).fit(settling_net()[0], strokes, run_dir=tmp_path, callbacks=[StopAt(2)])
    rest = Trainer(settings).fit(ruined(settling_net()[0]), strokes, run_dir=tmp_path)
    assert rest.history == whole.history
    assert_equal(weights(rest.model), weights(whole.model))
