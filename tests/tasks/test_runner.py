import json

import numpy as np
import pytest

from handwriting_cnn.artifact.model_file import load_model
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import RunFolderError, UnknownNameError
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.tasks.definitions import find_task, list_tasks
from handwriting_cnn.tasks.runner import run_task


@pytest.fixture(scope="module")
def splits():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = rng.integers(0, 40, (80, 16, 16), dtype=np.uint8)
    images[labels == 0, 3:6] = 220
    images[labels == 1, 10:13] = 220
    whole = Dataset.from_arrays(images, labels, alphabet="ab", writers=np.arange(80) // 8, name="strokes")
    return DatasetSplits(whole.subset(range(64)), whole.subset(range(64, 80)))


def test_the_tasks_are_the_references():
    first, second = list_tasks()
    assert (first.reference_accuracy, second.reference_accuracy) == (0.9640, 0.9810)
    assert (first.config.batch_size, second.config.batch_size) == (32, 100)
    assert first.config.augment is None
    assert second.config.augment.shift == (0.2, 0.1)
    assert second.continues == "task1"
    model = build_model(first.model, input_shape=(32, 32, 1), num_classes=28)
    assert model.count_params() == 351_484


def test_honest_task2_leaves_a_folder_and_never_sees_the_test_set(splits, tmp_path):
    result = run_task("task2", dataset=splits, epochs=1, out=tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"report", "accuracy.png", "loss.png", "history.json", "history.csv", "model.safetensors"} <= names
    assert {"run.json", "task1"} <= names
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    # 1 of 8 writers, whole, is held out of the 64 training pictures.
    assert (run["data"]["train"]["images"], run["data"]["validation"]["images"]) == (56, 8)
    assert run["data"]["validation"]["digest"] != splits.test.digest
    assert (run["config"]["keep"], run["config"]["schedule"]) == ("best", "one-cycle")
    summary = result.summary()
    assert (summary["protocol"], summary["watched_test_set"], summary["reference_accuracy"]) == ("honest", False, None)
    saved = load_model(tmp_path / "run" / "model.safetensors")
    accuracy = (saved(splits.test.images).argmax(axis=1) == splits.test.labels).mean()
    assert saved.card["metrics"]["accuracy"] == pytest.approx(accuracy) == pytest.approx(summary["accuracy"])
    with pytest.raises(RunFolderError, match=r"config\.epochs was 1, now 2"):
        run_task("task2", dataset=splits, epochs=2, out=tmp_path / "run")


def test_the_reference_protocol_says_that_it_watches_the_test_set(splits):
    result = run_task("task1", dataset=splits, protocol="reference", epochs=1)
    assert result.training.provenance["validation"]["digest"] == splits.test.digest
    assert result.training.provenance["train"]["images"] == 64
    assert (result.training.config.keep, result.training.config.schedule) == ("last", "constant")
    assert result.summary()["watched_test_set"] is True
    assert result.folder is None


def test_unknown_names(splits):
    with pytest.raises(UnknownNameError, match="unknown task 'task9'; did you mean 'task"):
        find_task("task9")
    with pytest.raises(UnknownNameError, match="did you mean 'honest'"):
        run_task("task1", dataset=splits, protocol="onest")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        run_task("task1", dataset="digit")
