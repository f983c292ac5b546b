"""Running a task from data to a folder of results."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.evaluation.report import EvaluationReport
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.tasks.definitions import PROTOCOLS, Task, find_task
from handwriting_cnn.tasks.outcome import save_outcome
from handwriting_cnn.training.result import TrainResult
from handwriting_cnn.training.trainer import Trainer

HELD_OUT: Final = 0.125


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
            "reference_accuracy": self.task.reference_accuracy if self.dataset == "ahcd" else None,
            "seconds": round(self.training.seconds, 1),
            "folder": None if self.folder is None else str(self.folder),
        }


def run_task(
    name: str,
    *,
    dataset: str | DatasetSplits = "digits",
    protocol: str = "honest",
    epochs: int = 30,
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    deterministic: bool = False,
    progress: bool | None = None,
) -> TaskResult:
    """Run a task, and the task that it continues.

    Args:
        name: A task's name, see :func:`list_tasks`.
        dataset: A catalogued data set's name, or splits of your own.
        protocol: ``"honest"`` holds an eighth of train out (whole writers where they are known), keeps the epoch that
            is best on it, lets the learning rate rise and fall (one-cycle), and scores the test set once.
            ``"reference"`` does what the notebook did: it trains on all of train, **watches the test set as its
            validation curve**, and keeps the last epoch.
        epochs: Passes over the training set, for this task and the one that it continues.
        seed: Seed of the held-out part, the first weights, and the training.
        out: Folder for report, curves, config, history, model and checkpoints; a run that was stopped continues there.
        deterministic: See :class:`~handwriting_cnn.TrainConfig`.
        progress: Whether to draw a progress bar; ``None`` draws it where standard error is a terminal.

    Returns:
        The result.

    Raises:
        UnknownNameError: If there is no such task, data set or protocol.
        RunFolderError: If ``out`` holds another run.
        OutputError: If ``out`` cannot be written.
        DownloadError: If the data set cannot be fetched.
    """
    task = find_task(name)
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    splits = load_dataset(dataset) if isinstance(dataset, str) else dataset
    folder = None if out is None else Path(out)
    settings = {"epochs": epochs, "seed": seed, "deterministic": deterministic, "progress": progress}
    training = _train(task, splits, protocol, folder, settings)
    report = Evaluator().evaluate(training.model, splits.test)
    if folder is not None:
        save_outcome(training, report, folder)
    return TaskResult(
        task=task,
        protocol=protocol,
        dataset=splits.train.name,
        seed=seed,
        training=training,
        report=report,
        folder=folder,
    )


def held_out_part(train: Dataset, *, fraction: float = HELD_OUT, seed: int) -> tuple[Dataset, Dataset]:
    """Split a training set into what is learned from and what every choice is made on.

    Whole writers are held out where they are known: an unseen page by a seen hand flatters.
    """
    return train.split(fraction, by="class" if train.writers is None else "writer", seed=seed)


def _train(
    task: Task, splits: DatasetSplits, protocol: str, folder: Path | None, settings: Mapping[str, Any]
) -> TrainResult:
    seed = settings["seed"]
    honest = protocol == "honest"
    train, validation = held_out_part(splits.train, seed=seed) if honest else (splits.train, splits.test)
    config = dataclasses.replace(
        task.config,
        epochs=settings["epochs"],
        seed=seed,
        deterministic=settings["deterministic"],
        keep="best" if honest else "last",
        # At a constant rate the last epochs' held-out accuracies swing by two points, so that the best is a lucky one;
        # and without a warm-up a draw of the weights may die in the first updates and stay at chance.
        schedule="one-cycle" if honest else task.config.schedule,
    )
    if task.continues is None:
        model = build_model(task.model, input_shape=train.input_shape, num_classes=train.num_classes, seed=seed)
    else:
        first = None if folder is None else folder / task.continues
        model = _train(find_task(task.continues), splits, protocol, first, settings).model
    return Trainer(config).fit(model, train, validation=validation, run_dir=folder, progress=settings["progress"])
