"""Training a task's network by a protocol, after the networks that it builds on."""

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import keras

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.transfer_learning import TRUNK, transfer
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.tasks.definitions import PROTOCOLS, Task, find_task
from handwriting_cnn.tasks.sources import Material
from handwriting_cnn.training.config import Stage, TrainConfig
from handwriting_cnn.training.result import TrainResult
from handwriting_cnn.training.trainer import Trainer

HELD_OUT: Final = 0.125

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run is told beside its data: see :func:`~handwriting_cnn.run_task`."""

    protocol: str
    epochs: int
    seed: int
    deterministic: bool
    progress: bool | None

    def __post_init__(self) -> None:
        UnknownNameError.check("protocol", [self.protocol], known=PROTOCOLS)


@dataclass(frozen=True, eq=False)
class TaskTraining:
    """Trains tasks, each once.

    Args:
        material: The data.
        settings: Protocol, epochs, seed.
        folder: The folder of a task's run, or ``None``.
    """

    material: Material
    settings: Settings
    folder: Callable[[str], Path | None]
    _done: dict[str, TrainResult] = field(default_factory=dict)

    def result(self, task: Task) -> TrainResult:
        """Return the task's training, which is run now unless it was before."""
        if task.name not in self._done:
            splits = self.material.of(task)
            honest = self.settings.protocol == "honest"
            train, validation = held_out_part(splits.train, seed=self.settings.seed) if honest else splits
            trainer, network = Trainer(self._config(task)), self._network(task, train)
            _LOG.info("%s: %s", task.name, task.title)
            self._done[task.name] = trainer.fit(
                network,
                train,
                validation=validation,
                run_dir=self.folder(task.name),
                progress=self.settings.progress,
            )
        return self._done[task.name]

    def _config(self, task: Task) -> TrainConfig:
        honest = self.settings.protocol == "honest"
        return dataclasses.replace(
            task.config,
            epochs=self.settings.epochs,
            stages=_stages(task, self.settings.epochs),
            seed=self.settings.seed,
            deterministic=self.settings.deterministic,
            keep="best" if honest else "last",
            # At a constant rate the last epochs' held-out accuracies swing by two points, so that the best is a lucky
            # one; and without a warm-up a draw of the weights may die in the first updates and stay at chance.
            schedule="one-cycle" if honest else task.config.schedule,
            learning_rate=task.honest_rate if honest and task.honest_rate else task.config.learning_rate,
        )

    def _network(self, task: Task, train: Dataset) -> keras.Model:
        """Return the task's network as its training begins with it."""
        sizes: dict[str, Any] = {
            "input_shape": train.input_shape,
            "num_classes": train.num_classes,
            "seed": self.settings.seed,
        }
        if task.transfer is not None:
            source = find_task(task.transfer.source)
            base = (
                self.result(source).model
                if task.transfer.learned
                else self._network(source, self.material.of(source).train)
            )
            return transfer(base, head=task.transfer.head, freeze="none", **sizes)
        network = build_model(task.model, **sizes, **task.options)
        if task.continues is not None:
            before = self.result(find_task(task.continues)).model
            for weight, learned in zip(network.weights, before.weights, strict=True):
                weight.assign(weight_array(learned))
        return network


def held_out_part(train: Dataset, *, fraction: float = HELD_OUT, seed: int) -> tuple[Dataset, Dataset]:
    """Split a training set into what is learned from and what every choice is made on.

    Whole writers are held out where they are known, or the blocks that stand for them (a column ``block`` of
    ``extra``): an unseen page by a seen hand flatters.
    """
    by = "writer" if train.writers is not None else "block" if "block" in train.extra else "class"
    return train.split(fraction, by=by, seed=seed)


def _stages(task: Task, epochs: int) -> tuple[Stage, ...]:
    if task.transfer is None or task.transfer.frozen == 0:
        return ()
    most = epochs if task.transfer.frozen == 1 else epochs - 1
    frozen = min(max(round(task.transfer.frozen * epochs), 1), most)
    if frozen == 0:
        return ()
    rest = (Stage(epochs=epochs - frozen),) if frozen < epochs else ()
    return (Stage(epochs=frozen, freeze=(TRUNK,)), *rest)
