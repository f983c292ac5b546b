import json
import logging
import signal
import sys
import threading

import keras
import numpy as np
import pytest

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import ConfigError, OutputError, TrainingError
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.training import checkpointing
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.interruption import Interruption
from handwriting_cnn.training.trainer import Trainer

SETTINGS = TrainConfig(
    epochs=3,
    batch_size=16,
    precision="float32",
    steps_per_execution=1,
    deterministic=True,
    ema=0.9,
    keep="best",
    augment=AugmentConfig(elastic=0.01),
)


@pytest.fixture(autouse=True)
def interrupt():
    """Make SIGINT raise KeyboardInterrupt, as it does in a terminal: a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class SignalAt(keras.callbacks.Callback):
    """Asks the process to end at a moment of an epoch, the second one if not told otherwise."""

    def __init__(self, moment, number=signal.SIGINT, epoch=1):
        super().__init__()
        self.moment, self.number, self.wanted, self.epoch, self.sent = moment, number, epoch, 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def send(self, *moment):
        if self.epoch == self.wanted and self.moment == moment and not self.sent:
            self.sent = True
            signal.raise_signal(self.number)

    def on_train_batch_begin(self, batch, logs=None):
        self.send("update", batch)

    def on_test_batch_begin(self, batch, logs=None):
        self.send("validation")

    def on_epoch_end(self, epoch, logs=None):
        self.send("end")


def train(net, splits, *, settings=SETTINGS, **options):
    train, validation = splits
    return Trainer(settings).fit(net(), train, validation=validation, **options)


@pytest.fixture
def splits(strokes):
    return strokes.split(0.25, seed=0)


def newest(folder):
    return max(path.name for path in (folder / "checkpoints").iterdir())


def assert_same_run(run, other):
    assert run.history == other.history
    assert run.best_epoch == other.best_epoch
    for weight, wanted in zip(run.model.weights, other.model.weights, strict=True):
        np.testing.assert_array_equal(weight_array(weight), weight_array(wanted))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX compiles for minutes here")
def test_a_run_that_is_stopped_again_and_again_continues_there(small_net, splits, tmp_path):
    whole = train(small_net, splits)
    steps = -(-len(splits[0]) // SETTINGS.batch_size)
    assert steps == 5
    for epoch, moment, saved in (
        (0, ("validation",), "epoch-00000-step-000005"),
        (1, ("update", 2), "epoch-00001-step-000003"),
        (1, ("update", 1), "epoch-00001-step-000005"),  # the second and last of this process, the fifth of the epoch
        (2, ("end",), "epoch-00003"),
    ):
        with pytest.raises(KeyboardInterrupt):
            train(small_net, splits, run_dir=tmp_path, callbacks=[SignalAt(moment, epoch=epoch)])
        assert newest(tmp_path) == saved
    assert_same_run(train(small_net, splits, run_dir=tmp_path), whole)


@pytest.mark.core
def test_a_stop_within_an_epoch_is_continued_there(plain_net, strokes, tmp_path):
    settings = TrainConfig(epochs=2, batch_size=16, precision="float32", steps_per_execution=2, deterministic=True)
    whole = train(plain_net, (strokes, None), settings=settings)
    with pytest.raises(KeyboardInterrupt):
        train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path, callbacks=[SignalAt(("update", 2))])
    assert newest(tmp_path) == "epoch-00001-step-000004"
    assert_same_run(train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path), whole)


class FailAt(keras.callbacks.Callback):
    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise RuntimeError("power cut")


def test_long_epochs_are_saved_in_between(plain_net, strokes, tmp_path, monkeypatch):
    settings = TrainConfig(epochs=2, batch_size=16, precision="float32", steps_per_execution=1, deterministic=True)
    whole = train(plain_net, (strokes, None), settings=settings)
    monkeypatch.setattr(checkpointing, "SAVE_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="power cut"):
        train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path, callbacks=[FailAt(0, 2)])
    assert newest(tmp_path) == "epoch-00000-step-000003"
    assert_same_run(train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path), whole)


class Counting(keras.callbacks.Callback):
    """Counts epochs; Keras starts it anew with each call of ``fit``."""

    def __init__(self):
        super().__init__()
        self.seen = -1

    def on_train_begin(self, logs=None):
        self.seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


@pytest.mark.parametrize("moment", [("update", 2), ("end",)])
def test_a_callback_that_tells_its_state_gets_it_back(plain_net, strokes, tmp_path, moment):
    settings = TrainConfig(epochs=4, batch_size=16, precision="float32", steps_per_execution=1)
    callbacks = [Counting(), SignalAt(moment)]
    with pytest.raises(KeyboardInterrupt):
        train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path, callbacks=callbacks)
    manifest = json.loads((tmp_path / "checkpoints" / newest(tmp_path) / "manifest.json").read_text())
    assert manifest["state"]["callbacks"][1] is None
    counting = Counting()
    train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path, callbacks=[counting])
    assert counting.seen == 4


class Best(keras.callbacks.Callback):
    def state_dict(self):
        assert self.model is not None
        return {"best": -np.inf}


def test_a_callback_whose_state_is_no_json_is_refused_before_the_first_epoch(plain_net, strokes, tmp_path):
    seen = Counting()
    settings = TrainConfig(epochs=1, batch_size=16, precision="float32", steps_per_execution=1)
    with pytest.raises(ConfigError, match=r"state_dict\(\) of callback Best gives no JSON values: "):
        train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path, callbacks=[seen, Best()])
    assert seen.seen == 0


class Spoil(keras.callbacks.Callback):
    """Leaves a weight that is no number where the loss does not show it any more."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.nan))


def test_weights_that_are_not_finite_are_not_saved(plain_net, strokes, tmp_path):
    with pytest.raises(TrainingError, match="the weights are no longer finite in epoch 2"):
        train(plain_net, (strokes, None), run_dir=tmp_path, callbacks=[Spoil()])
    assert newest(tmp_path) == "epoch-00001"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a file's size")
def test_a_disk_that_takes_no_more_leaves_the_checkpoints_before_it(plain_net, strokes, tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill = keras.callbacks.LambdaCallback(  # the kernel itself breaks off a write, as it does on a full disk
        on_epoch_begin=lambda epoch, logs: resource.setrlimit(resource.RLIMIT_FSIZE, (4096 if epoch else -1, before[1]))
    )
    try:
        with pytest.raises(OutputError, match=r"cannot write .*: File too large$"):
            train(plain_net, (strokes, None), run_dir=tmp_path, callbacks=[fill])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-00001"]
    whole = train(plain_net, (strokes, None))
    assert_same_run(train(plain_net, (strokes, None), run_dir=tmp_path), whole)


def test_signals_are_as_before_when_a_run_is_over(plain_net, strokes, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    train(plain_net, (strokes, None), run_dir=tmp_path)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.fixture
def heard():
    """Signals that a handler of the user's heard."""
    numbers = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_a_handler_that_returns_lets_the_run_go_on(plain_net, strokes, tmp_path, heard):
    stopping = SignalAt(("update", 2), signal.SIGTERM)
    result = train(plain_net, (strokes, None), run_dir=tmp_path, callbacks=[stopping])
    assert heard == [signal.SIGTERM]
    assert len(result.history["loss"]) == SETTINGS.epochs


def test_a_second_signal_acts_at_once(heard):
    interruption = Interruption()
    interruption.hold()
    signal.raise_signal(signal.SIGTERM)
    assert (interruption.asked, heard) == (signal.SIGTERM, [])
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    interruption.obey()
    assert (interruption.asked, heard) == (None, [signal.SIGTERM] * 2)


def test_ignored_signals_and_other_threads_are_left_alone(heard):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption = Interruption()
    try:
        thread = threading.Thread(target=interruption.hold)
        thread.start()
        thread.join()
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        interruption.hold()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked is None
    finally:
        interruption.release()
        signal.signal(signal.SIGINT, before)


def test_what_is_skipped_is_said(plain_net, strokes, tmp_path, caplog):
    """A torn checkpoint costs the work since the one before, and a line."""
    settings = TrainConfig(epochs=2, batch_size=16, precision="float32", steps_per_execution=1, deterministic=True)
    whole = train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path)
    (tmp_path / "checkpoints" / "epoch-00002" / "manifest.json").unlink()
    with caplog.at_level(logging.WARNING):
        again = train(plain_net, (strokes, None), settings=settings, run_dir=tmp_path)
    assert "epoch-00002 was skipped" in caplog.text
    assert_same_run(again, whole)
