import json
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from handwriting_cnn.cli.processes import run_group
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError, RunFolderError
from handwriting_cnn.training.batches import Batches, HeldOut
from handwriting_cnn.training.group import Group, current_group
from handwriting_cnn.training.run_folder import RunFolder

PAIR = [Group(size=2, index=0), Group(size=2, index=1)]


@pytest.fixture
def dataset():
    images = np.zeros((11, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(11)
    return Dataset.from_arrays(images, np.arange(11) % 3, alphabet="abc")


def test_the_parts_of_a_batch_are_the_whole(dataset):
    parts = [Batches(dataset, batch_size=4, seed=5, outliers=0.6, group=group) for group in PAIR]
    whole = Batches(dataset, batch_size=4, seed=5, outliers=0.5)
    assert [len(batches) for batches in (*parts, whole)] == [3, 3, 3]
    for index in range(2):  # 4 characters and 2 others
        for joined, wanted in zip(zip(*(part[index] for part in parts), strict=True), whole[index], strict=True):
            np.testing.assert_array_equal(np.concatenate(joined), wanted)
    assert [len(part[2][0]) for part in parts] == [2, 2]  # of three characters one is left over; and an outlier


def test_what_is_left_over_is_another_in_each_epoch(dataset):
    batches, seen = Batches(dataset, batch_size=4, seed=5, group=PAIR[0]), []
    for epoch in range(1, 9):
        batches.begin(epoch)
        other = Batches(dataset, batch_size=4, seed=5, group=PAIR[1])
        other.begin(epoch)
        rows = [row for part in (batches, other) for index in range(3) for row in part[index][0][:, 0, 0, 0]]
        assert len(set(rows)) == 10
        seen.append(({*range(11)} - set(rows)).pop())
    assert len(set(seen)) > 3


@pytest.mark.core
@pytest.mark.parametrize("count", [10, 11])
def test_validation_in_parts_finds_what_the_whole_finds(dataset, count):
    held_out = dataset.subset(range(count))
    answers = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    answers.compile(loss=keras.losses.CategoricalCrossentropy(), weighted_metrics=[], metrics=["accuracy"])
    wanted = answers.evaluate(HeldOut(held_out, batch_size=4), verbose=0)[0]
    parts = [HeldOut(held_out, batch_size=5, group=group) for group in PAIR]
    total, rows = 0.0, 0
    for index in range(len(parts[0])):
        pictures, labels, *weights = (
            np.concatenate(joined) for joined in zip(*(part[index] for part in parts), strict=True)
        )
        total += float(
            answers.evaluate(pictures, labels, sample_weight=weights[0] if weights else None, verbose=0)[0]
        ) * (len(labels))
        rows += len(labels)
    assert total / rows == pytest.approx(wanted, rel=1e-5)


def test_one_process_is_a_group_of_its_own():
    group = current_group()
    assert (group.size, group.leads, group.agreed(7)) == (1, True, 7)
    group.check_batch_size(7)
    with pytest.raises(ConfigError, match="batch_size is 7, which 2 processes cannot share evenly"):
        PAIR[0].check_batch_size(7)


def test_a_folder_that_another_process_does_not_see_is_refused(monkeypatch):
    monkeypatch.setattr(Group, "agreed", lambda self, value: 3)
    PAIR[1].check_place(3, 3)
    with pytest.raises(RunFolderError, match="must be one that all processes see"):
        PAIR[1].check_place(0, 0)


def test_only_the_first_process_writes_the_run(tmp_path):
    RunFolder(tmp_path).claim({"config": {"seed": 0}}, leads=False)
    assert list(tmp_path.iterdir()) == []


MEMBER = """
import hashlib, json, os, signal, sys
import numpy as np
import keras
from handwriting_cnn.cli.processes import join_group, member_of_group
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.training.checkpoints import CheckpointStore
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.group import current_group, leave_group
from handwriting_cnn.training.trainer import Trainer

class EndAt(keras.callbacks.Callback):
    def __init__(self, epoch, batch, number, index):
        super().__init__()
        self.at, self.number, self.mine = (epoch, batch), number, current_group().index == index

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.mine and (self.epoch, batch) >= self.at:
            os.kill(os.getpid(), self.number)

def train(folder, end):
    join_group(keras)
    if not current_group().leads:
        CheckpointStore.save = None  # who calls it fails
    random = np.random.default_rng(0)
    labels = np.arange(95) % 2
    images = random.integers(0, 40, (95, 16, 16, 1), dtype=np.uint8)
    images[labels == 0, 3:6] = 220
    images[labels == 1, 10:13] = 220
    whole = Dataset.from_arrays(images, labels, alphabet="ab", name="strokes")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((16, 16, 1)), layers.Rescaling(1 / 255), layers.Conv2D(3, 3, strides=2),
        layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.3), layers.Dense(2, activation="softmax"),
    ])
    config = TrainConfig(
        epochs=3, batch_size=16, optimizer="sgd", learning_rate=1e-3, outliers=0.13, augment=None,
        precision="float32", steps_per_execution=1, keep="best",
    )
    result = Trainer(config).fit(
        model, whole.subset(range(80)), validation=whole.subset(range(80, 95)), run_dir=f"{folder}/run",
        callbacks=[EndAt(*end)] if end else [],
    )
    index, leads = current_group().index, leave_group()
    weights = {f"{number:02d}": np.asarray(weight.value) for number, weight in enumerate(model.weights)}
    np.savez(f"{folder}/weights{index}.npz", **weights)
    if leads:
        with open(f"{folder}/history.json", "w") as file:
            json.dump(result.history, file)

with member_of_group():
    train(sys.argv[1], json.loads(sys.argv[2]))
"""


def member(folder, end=None):
    folder.mkdir(exist_ok=True)
    return [sys.executable, "-c", MEMBER, str(folder), json.dumps(end)]


def left(folder, index=0):
    with np.load(folder / f"weights{index}.npz") as arrays:
        return json.loads((folder / "history.json").read_text()), dict(arrays)


@pytest.mark.core
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="several processes need JAX")
def test_two_processes_train_as_one_and_go_on_after_deaths(tmp_path, capfd):
    subprocess.run(member(tmp_path / "one"), check=True)
    assert run_group(member(tmp_path / "two"), size=2) == 0
    history, weights = left(tmp_path / "two")
    alone_history, alone = left(tmp_path / "one")
    for name, array in weights.items():
        np.testing.assert_array_equal(left(tmp_path / "two", 1)[1][name], array)
        np.testing.assert_allclose(array, alone[name], atol=1e-5)
    for name, values in history.items():
        np.testing.assert_allclose(values, alone_history[name], rtol=1e-4)

    folder = tmp_path / "ended"
    assert run_group(member(folder, [1, 2, signal.SIGTERM, 0]), size=2) == 128 + signal.SIGTERM
    assert max(path.name for path in (folder / "run" / "checkpoints").iterdir()).startswith("epoch-00001-step-")
    assert run_group(member(folder, [2, 1, signal.SIGKILL, 1]), size=2) == 128 + signal.SIGKILL
    assert "process 1 of 2 was ended by SIGKILL" in capfd.readouterr().err
    assert max(path.name for path in (folder / "run" / "checkpoints").iterdir()) == "epoch-00002"
    assert run_group(member(folder), size=2) == 0
    assert left(folder)[0] == history
    for name, array in left(folder)[1].items():
        np.testing.assert_array_equal(array, weights[name])


@pytest.mark.core
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="several processes need JAX")
def test_the_programs_status_is_the_groups():
    words = ["train", "--dataset", "nope", "--processes", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "handwriting_cnn", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("handwriting-cnn: unknown dataset 'nope'; known: ahcd, ")
