"""The reference tasks, as data.

They are those of a public notebook on AHCD: CNN-14 trained with constant Adam; the same weights trained on with
augmentation; two published networks; and a trunk that learned Russian letters under a new head. See the documentation's
page on protocols for what the notebook did and what these tasks keep of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.training.config import TrainConfig

Protocol: TypeAlias = Literal["honest", "reference"]
PROTOCOLS: Final = get_args(Protocol)
ALL: Final = "all"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How a task uses another alphabet.

    Attributes:
        source: The task that trains the base.
        learned: Whether the trunk begins with what the base learned; ``False`` is the same network from scratch.
        head: The head that is put on the trunk.
        frozen: Share of the epochs in which the trunk stays as it is, 0..1.
    """

    source: str
    learned: bool
    head: str
    frozen: float


@dataclass(frozen=True, kw_only=True)
class Task:
    """An experiment; several may belong to one task of the reference.

    Attributes:
        name: What users type: the reference's task, then what tells its experiments apart.
        title: What it does, in a line.
        model: A registered model.
        options: The model's own options where they are not its defaults.
        honest_rate: The honest protocol's highest learning rate where it is not the notebook's, chosen on held-out
            pictures; or ``None``.
        config: The recipe; epochs, seed and which epoch is kept come from the run and its protocol.
        continues: The task whose trained weights this one starts from, or ``None``.
        transfer: How a base of another alphabet is used, or ``None``.
        on_source: Whether it learns the other alphabet rather than the data set that was asked for.
        reference_accuracy: The reference's top-1 accuracy on AHCD's official test set, 0..1, or ``None``.
    """

    name: str
    title: str
    model: str
    config: TrainConfig
    options: Mapping[str, Any] = field(default_factory=dict)
    honest_rate: float | None = field(default=None)
    continues: str | None = field(default=None)
    transfer: Transfer | None = field(default=None)
    on_source: bool = field(default=False)
    reference_accuracy: float | None = field(default=None)

    @property
    def group(self) -> str:
        """The reference's task that it belongs to, such as ``"task3"``."""
        return self.name.partition("-")[0]


def _notebook_recipe(*, batch_size: int, augment: AugmentConfig | None) -> TrainConfig:
    return TrainConfig(
        batch_size=batch_size,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        weight_decay=0.0,
        label_smoothing=0.0,
        outliers=0.0,
        augment=augment,
    )


# The notebook shifted its pictures, which lie transposed in the file, by 0.2 of their height and 0.1 of their width:
# upright that is 0.2 to the sides and 0.1 up and down. A zoom of 0.1 reaches from 0.9 to 1.1.
_NOTEBOOK_AUGMENT: Final = AugmentConfig(rotation=20.0, scale=0.1, shear=0.0, shift=(0.2, 0.1), stroke=0.0)
_AUGMENTED: Final = _notebook_recipe(batch_size=100, augment=_NOTEBOOK_AUGMENT)

_TASKS: Final = (
    Task(
        name="task1",
        title="A custom CNN, no augmentation",
        model="cnn14",
        config=_notebook_recipe(batch_size=32, augment=None),
        reference_accuracy=0.9640,
    ),
    Task(
        name="task2",
        title="Task 1's network, trained on with augmentation",
        model="cnn14",
        config=_AUGMENTED,
        continues="task1",
        reference_accuracy=0.9810,
    ),
    Task(
        name="task3-lenet5",
        title="A published network: LeNet-5",
        model="lenet5",
        options={"activation": "relu", "pooling": "max"},
        honest_rate=4e-3,
        config=_AUGMENTED,
        reference_accuracy=0.8741,
    ),
    Task(
        name="task3-vgg",
        title="A published network, after VGG",
        model="vgg_mini",
        config=_AUGMENTED,
        reference_accuracy=0.9622,
    ),
    Task(
        name="task4-source",
        title="The base that is transferred learns another alphabet",
        model="cnn3",
        config=_AUGMENTED,
        on_source=True,
    ),
    Task(
        name="task4-frozen",
        title="Transfer: a new head on the frozen trunk",
        model="transfer",
        config=_AUGMENTED,
        transfer=Transfer(source="task4-source", learned=True, head="conv", frozen=1.0),
        reference_accuracy=0.9464,
    ),
    Task(
        name="task4-fine-tuned",
        title="Transfer: the trunk is frozen for a third of the epochs, then trained, too",
        model="transfer",
        config=_AUGMENTED,
        transfer=Transfer(source="task4-source", learned=True, head="conv", frozen=1 / 3),
    ),
    Task(
        name="task4-scratch",
        title="The same network and budget without transfer",
        model="transfer",
        config=_AUGMENTED,
        transfer=Transfer(source="task4-source", learned=False, head="conv", frozen=0.0),
    ),
)


def list_tasks() -> tuple[Task, ...]:
    """Return the tasks in order."""
    return _TASKS


def find_task(name: str) -> Task:
    """Return the task of a name.

    Raises:
        UnknownNameError: If there is none; the name of several lists them.
    """
    tasks = {task.name: task for task in _TASKS}
    if name not in tasks:
        raise UnknownNameError("task", name, [task.name for task in _TASKS if task.group == name] or tasks)
    return tasks[name]


def find_tasks(name: str) -> tuple[Task, ...]:
    """Return the tasks that a name stands for: one of its own, those of ``"task3"`` or ``"task4"``, or ``"all"``.

    Raises:
        UnknownNameError: If there is none.
    """
    found = tuple(task for task in _TASKS if name in (task.name, task.group, ALL))
    if not found:
        groups = (task.group for task in _TASKS)
        raise UnknownNameError("task", name, dict.fromkeys((*groups, ALL, *(task.name for task in _TASKS))))
    return found
