"""The reference tasks, as data.

They are those of a public notebook on AHCD: CNN-14 trained with constant Adam, then the same weights trained on with
augmentation. See the documentation's page on protocols for what the notebook did and what these tasks keep of it.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from handwriting_cnn.augment.config import AugmentConfig
from handwriting_cnn.errors import UnknownNameError
from handwriting_cnn.training.config import TrainConfig

Protocol: TypeAlias = Literal["honest", "reference"]
PROTOCOLS: Final = get_args(Protocol)


@dataclass(frozen=True, kw_only=True)
class Task:
    """An experiment whose result the reference published.

    Attributes:
        name: What users type.
        title: What it does, in a line.
        model: A registered model.
        config: The recipe; epochs, seed and which epoch is kept come from the run and its protocol.
        continues: The task whose trained weights this one starts from, or ``None``.
        reference_accuracy: The reference's top-1 accuracy on AHCD's official test set, 0..1.
    """

    name: str
    title: str
    model: str
    config: TrainConfig
    continues: str | None = field(default=None)
    reference_accuracy: float


def _notebook_recipe(*, batch_size: int, augment: AugmentConfig | None) -> TrainConfig:
    return TrainConfig(
        batch_size=batch_size,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        weight_decay=0.0,
        label_smoothing=0.0,
        augment=augment,
    )


# The notebook shifted its pictures, which lie transposed in the file, by 0.2 of their height and 0.1 of their width:
# upright that is 0.2 to the sides and 0.1 up and down. A zoom of 0.1 reaches from 0.9 to 1.1.
_NOTEBOOK_AUGMENT: Final = AugmentConfig(rotation=20.0, scale=0.1, shear=0.0, shift=(0.2, 0.1))

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
        config=_notebook_recipe(batch_size=100, augment=_NOTEBOOK_AUGMENT),
        continues="task1",
        reference_accuracy=0.9810,
    ),
)


def list_tasks() -> tuple[Task, ...]:
    """Return the tasks in order."""
    return _TASKS


def find_task(name: str) -> Task:
    """Return the task of a name.

    Raises:
        UnknownNameError: If there is none.
    """
    tasks = {task.name: task for task in _TASKS}
    if name not in tasks:
        raise UnknownNameError("task", name, tasks)
    return tasks[name]
