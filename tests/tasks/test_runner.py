import json
from dataclasses import replace

import numpy as np
import pytest

from handwriting_cnn.artifact.model_file import load_model
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import RunFolderError, UnknownNameError
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.tasks.definitions import find_task, find_tasks, list_tasks
from handwriting_cnn.tasks.runner import run_task, run_tasks
from handwriting_cnn.tasks.sources import find_material
from handwriting_cnn.tasks.task_training import held_out_part
from handwriting_cnn.training.config import Stage


@pytest.fixture(scope="module")
def splits():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = rng.integers(0, 40, (80, 16, 16), dtype=np.uint8)
    images[labels == 0, 3:6] = 220
    images[labels == 1, 10:13] = 220
    whole = Dataset.from_arrays(images, labels, alphabet="ab", writers=np.arange(80) // 8, name="strokes")
    return DatasetSplits(whole.subset(range(64)), whole.subset(range(64, 80)))


REFERENCE = {
    "task1": 0.9640,
    "task2": 0.9810,
    "task3-lenet5": 0.8741,
    "task3-vgg": 0.9622,
    "task4-source": None,
    "task4-frozen": 0.9464,
    "task4-fine-tuned": None,
    "task4-scratch": None,
}


def test_the_tasks_are_the_references():
    tasks = {task.name: task for task in list_tasks()}
    assert {name: task.reference_accuracy for name, task in tasks.items()} == REFERENCE
    assert [task.config.batch_size for task in tasks.values()] == [32] + [100] * 7
    assert tasks["task1"].config.augment is None
    assert all(tasks[name].config.augment.shift == (0.2, 0.1) for name in REFERENCE if name != "task1")
    assert {task.config.learning_rate for task in tasks.values()} == {1e-3}
    assert tasks["task2"].continues == "task1"
    counted = {"task1": 351_484, "task2": 351_484, "task3-lenet5": 63_236, "task3-vgg": 273_532}
    for name, parameters in counted.items():
        network = build_model(tasks[name].model, input_shape=(32, 32, 1), num_classes=28, **tasks[name].options)
        assert network.count_params() == parameters


def test_a_name_may_stand_for_several():
    assert [task.name for task in find_tasks("task1")] == ["task1"]
    assert [task.name for task in find_tasks("task3")] == ["task3-lenet5", "task3-vgg"]
    assert [task.name for task in find_tasks("all")] == list(REFERENCE)
    with pytest.raises(UnknownNameError, match=r"unknown task 'task3'; .*known: task3-lenet5, task3-vgg$"):
        find_task("task3")
    with pytest.raises(UnknownNameError, match="unknown task 'al'; did you mean 'all'"):
        find_tasks("al")


def of_size(size, classes, *, name, seed=0):
    """Bars at as many heights as there are classes, with writers of eight pictures each."""
    rng = np.random.default_rng(seed)
    labels = np.arange(40 * classes) % classes
    images = rng.integers(0, 40, (len(labels), size, size), dtype=np.uint8)
    for picture, label in zip(images, labels, strict=True):
        picture[(label + 1) * size // (classes + 2) :][:3] = 220
    whole = Dataset.from_arrays(
        images, labels, alphabet="abcdef"[:classes], writers=np.arange(len(labels)) // 8, name=name
    )
    return DatasetSplits(*whole.split(0.2, by="writer"))


@pytest.fixture(scope="module")
def transferred(tmp_path_factory):
    """Task 4 on small pictures, with every epoch's trunk."""
    folder = tmp_path_factory.mktemp("task4")
    data = {"dataset": of_size(20, 2, name="target"), "source": of_size(16, 3, name="source", seed=1)}
    return run_tasks("task4", epochs=3, out=folder, **data), folder, data


def trunk(result):
    return [weight_array(weight) for weight in result.training.model.get_layer("trunk").weights]


def test_task4_transfers_what_the_source_taught(transferred):
    (source, frozen, tuned, scratch), _, _ = transferred
    assert [result.dataset for result in (source, frozen, tuned, scratch)] == ["source", "target", "target", "target"]
    taught = [weight_array(weight) for weight in source.training.model.weights[:6]]
    assert all(np.array_equal(one, other) for one, other in zip(trunk(frozen), taught, strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(trunk(tuned), taught, strict=True))
    assert tuned.training.config.stages == (Stage(epochs=1, freeze=("trunk",)), Stage(epochs=2))
    assert frozen.training.config.stages == (Stage(epochs=3, freeze=("trunk",)),)
    assert scratch.training.config.stages == ()
    networks = [result.training.model for result in (frozen, tuned, scratch)]
    assert len({network.count_params() for network in networks}) == 1
    assert any(
        "resize" in operation.name for operation in networks[0].operations
    )  # 20x20 pictures for a trunk of 16x16


def test_several_tasks_end_with_a_comparison(transferred):
    results, folder, data = transferred
    content = json.loads((folder / "comparison.json").read_text("utf-8"))
    assert [run["task"] for run in content["runs"]] == [result.task.name for result in results]
    # The source is another alphabet: only the three on the target are compared in pairs.
    assert [(pair["first"], pair["second"]) for pair in content["pairs"]] == [
        ("task4-frozen", "task4-fine-tuned"),
        ("task4-frozen", "task4-scratch"),
        ("task4-fine-tuned", "task4-scratch"),
    ]
    first, second = results[1].report, results[2].report
    assert content["pairs"][0]["difference"] == pytest.approx(second.accuracy - first.accuracy)
    page = (folder / "comparison.html").read_text("utf-8")
    for result in results:
        assert f'href="{result.task.name}/report/report.html"' in page
        assert (folder / result.task.name / "report" / "report.html").is_file()
        assert f"{result.report.accuracy:.2%}" in page
    assert page.count("<svg") == len(results)
    # A single experiment finds the others' folders inside its own, and a finished one is not run again.
    again = run_tasks("task4-frozen", epochs=3, out=folder, **data)
    assert again[0].training.history == results[1].training.history
    assert again[0].training.seconds == pytest.approx(results[1].training.seconds, abs=60)


def test_task4_on_digits_goes_from_one_half_to_the_other(digits):
    material = find_material(digits, None)
    learned, read = material.of(find_task("task4-source")), material.of(find_task("task4-frozen"))
    assert learned.train.alphabet.characters == tuple("01234")
    assert read.test.alphabet.characters == tuple("56789")
    assert len(read.test) == (digits.test.labels >= 5).sum()
    assert material.of(find_task("task1")) is digits


def test_a_set_of_ones_own_is_not_taken_for_a_published_one(splits):
    named = DatasetSplits(*(replace(part, name="digits") for part in splits))
    assert find_material(named, None).of(find_task("task4-frozen")) is named
    named = DatasetSplits(*(replace(part, name="ahcd") for part in splits))
    assert run_task("task1", dataset=named, epochs=1).reference_accuracy is None


def test_blocks_stand_for_writers_where_these_are_not_known():
    whole = Dataset.from_arrays(
        np.zeros((80, 4, 4), np.uint8), np.arange(80) % 2, alphabet="ab", extra={"block": np.arange(80) // 8}
    )
    rest, part = held_out_part(whole, seed=0)
    assert not set(rest.extra["block"]) & set(part.extra["block"])


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


@pytest.mark.parametrize(("protocol", "rate"), [("honest", 4e-3), ("reference", 1e-3)])
def test_a_rate_that_was_chosen_on_held_out_pictures_is_the_honest_protocols_alone(splits, protocol, rate):
    config = run_task("task3-lenet5", dataset=splits, protocol=protocol, epochs=1).training.config
    assert config.learning_rate == rate
    assert (find_task("task3-lenet5").honest_rate, find_task("task1").honest_rate) == (4e-3, None)


def test_unknown_names(splits):
    with pytest.raises(UnknownNameError, match="unknown task 'task9'; did you mean 'task"):
        find_task("task9")
    with pytest.raises(UnknownNameError, match="did you mean 'honest'"):
        run_task("task1", dataset=splits, protocol="onest")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        run_task("task1", dataset="digit")
