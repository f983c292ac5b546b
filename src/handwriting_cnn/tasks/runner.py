"""Running a task from data to a folder of results."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.evaluation.report import EvaluationReport
from handwriting_cnn.tasks.definitions import Task, find_task, find_tasks
from handwriting_cnn.tasks.outcome import save_outcome
from handwriting_cnn.tasks.sources import Material, find_material
from handwriting_cnn.tasks.task_training import Settings, TaskTraining
from handwriting_cnn.training.result import TrainResult


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskResult:
    """What running a task found.

    Attributes:
        task: The task.
        protocol: ``"honest"`` or ``"reference"``.
        dataset: The data set's name.
        seed: The run's seed.
        training: The training's result.
        report: The evaluation on the test set.
        folder: Where report, curves, config, history and model are, or ``None``.
    """

    task: Task
    protocol: str
    dataset: str
    seed: int
    training: TrainResult
    report: EvaluationReport
    folder: Path | None

    @property
    def reference_accuracy(self) -> float | None:
        """The reference's accuracy, 0..1, where this is its data set and its split, and it published one."""
        same = self.dataset == "ahcd" and self.report.protocol == "official"
        return self.task.reference_accuracy if same else None

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **self.report.summary(),
            "split": self.report.protocol,
            "task": self.task.name,
            "title": self.task.title,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "watched_test_set": self.protocol == "reference",
            "seed": self.seed,
            "epochs": self.training.config.epochs,
            "kept_epoch": self.training.best_epoch,
            "parameters": self.training.model.count_params(),
            "reference_accuracy": self.reference_accuracy,
            "seconds": round(self.training.seconds, 1),
            "folder": None if self.folder is None else str(self.folder),
        }


def run_task(
    name: str,
    *,
    dataset: str | DatasetSplits = "digits",
    source: str | DatasetSplits | None = None,
    protocol: str = "honest",
    epochs: int = 30,
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    deterministic: bool = False,
    progress: bool | None = None,
) -> TaskResult:
    """Run a task, and first the one that it continues or transfers from.

    Args:
        name: A task's name, see :func:`list_tasks`.
        dataset: A catalogued data set's name, or splits of your own.
        source: The alphabet that task 4 transfers from, by name or as splits. ``None`` takes ``"russian-letters"``; but
            for ``"digits"`` and ``"russian-letters"`` themselves the first half of their classes, and the second half
            is what task 4 reads.
        protocol: ``"honest"`` holds an eighth of train out (whole writers, or blocks of them, where they are known),
            keeps the epoch that is best on it, lets the learning rate rise and fall (one-cycle), and scores the test
            set once. ``"reference"`` does what the notebook did: it trains on all of train, **watches the test set as
            its validation curve**, and keeps the last epoch.
        epochs: Passes over the training set, for this task and the one before it.
        seed: Seed of the held-out part, the first weights, and the training.
        out: Folder for report, curves, config, history, model and checkpoints, and a folder in it for the task before;
            a run that was stopped continues there.
        deterministic: See :class:`~handwriting_cnn.TrainConfig`.
        progress: Whether to draw a progress bar; ``None`` draws it where standard error is a terminal.

    Returns:
        The result.

    Raises:
        UnknownNameError: If there is no such task, data set or protocol.
        RunFolderError: If ``out`` holds another run.
        OutputError: If ``out`` cannot be written.
        ConfigError: If ``epochs`` or ``seed`` is outside its range.
        DataError: If ``dataset`` or ``source`` is neither a name nor splits.
        DownloadError: If the data set cannot be fetched.
    """
    task = find_task(name)
    settings = Settings(protocol=protocol, epochs=epochs, seed=seed, deterministic=deterministic, progress=progress)
    material = find_material(dataset, source)
    place = _inside(out, lambda other: Path() if other == name else Path(other))
    return _run(task, TaskTraining(material, settings, place), material)


def run_tasks(
    name: str = "all",
    *,
    dataset: str | DatasetSplits = "digits",
    source: str | DatasetSplits | None = None,
    protocol: str = "honest",
    epochs: int = 30,
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    deterministic: bool = False,
    progress: bool | None = None,
) -> tuple[TaskResult, ...]:
    """Run all tasks of a name, each once: ``"task3"``, ``"task4"``, or ``"all"``.

    Args:
        name: What to run.
        dataset: A catalogued data set's name, or splits of your own.
        source: The alphabet that task 4 transfers from.
        protocol: ``"honest"`` or ``"reference"``.
        epochs: Passes over the training set, for each task.
        seed: Seed of everything.
        out: A folder for a folder of each task, with ``comparison.html`` and ``comparison.json`` beside them.
        deterministic: See :class:`~handwriting_cnn.TrainConfig`.
        progress: Whether to draw progress bars.

    Returns:
        The results in order.

    Raises:
        UnknownNameError: As :func:`run_task`, and so the others.
        RunFolderError: As there.
        OutputError: As there.
        ConfigError: As there.
        DataError: As there.
        DownloadError: As there.
    """
    from handwriting_cnn.tasks.comparison_page import save_comparison

    tasks = find_tasks(name)
    settings = Settings(protocol=protocol, epochs=epochs, seed=seed, deterministic=deterministic, progress=progress)
    material = find_material(dataset, source)
    training = TaskTraining(material, settings, _inside(out, Path))
    results = tuple(_run(task, training, material) for task in tasks)
    if out is not None:
        save_comparison(results, Path(out))
    return results


def _run(task: Task, training: TaskTraining, material: Material) -> TaskResult:
    splits, result = material.of(task), training.result(task)
    report = Evaluator().evaluate(result.model, splits.test)
    folder = training.folder(task.name)
    if folder is not None:
        save_outcome(result, report, folder)
    return TaskResult(
        task=task,
        protocol=training.settings.protocol,
        dataset=splits.name,
        seed=training.settings.seed,
        training=result,
        report=report,
        folder=folder,
    )


def _inside(out: str | PathLike[str] | None, place: Callable[[str], Path]) -> Callable[[str], Path | None]:
    return lambda name: None if out is None else Path(out) / place(name)
