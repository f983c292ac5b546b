"""Several processes that train one network together, on the JAX backend.

Each computes a part of every batch; gradients, batch-norm statistics and random numbers are those of the whole batch.
So all have the same weights after each update, and those that one process alone would have.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from handwriting_cnn.errors import ConfigError, RunFolderError
from handwriting_cnn.models.weights import weight_array


@dataclass(frozen=True, kw_only=True)
class Group:
    """The processes that train together.

    Attributes:
        size: How many they are.
        index: This one's number, from 0; number 0 alone writes.
    """

    size: int = 1
    index: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.index == 0

    def part(self, rows: Any) -> Any:
        """Return this process's part of rows that divide evenly."""
        each = len(rows) // self.size
        return rows[self.index * each : (self.index + 1) * each]

    def agreed(self, value: int) -> int:
        """Return what process 0 has; all wait for it here."""
        if self.size == 1:
            return value
        from jax.experimental import multihost_utils

        return int(multihost_utils.broadcast_one_to_all(np.int32(value)))

    def check_batch_size(self, batch_size: int) -> None:
        """Refuse batches that do not divide evenly.

        Raises:
            ConfigError: If they do not.
        """
        if batch_size % self.size:
            raise ConfigError(f"batch_size is {batch_size}, which {self.size} processes cannot share evenly")

    def check_place(self, epoch: int, step: int) -> None:
        """Refuse to go on elsewhere than the others.

        Raises:
            RunFolderError: If process 0 goes on after another epoch or update.
        """
        if (epoch, step) != (self.agreed(epoch), self.agreed(step)):
            raise RunFolderError("the run folder must be one that all processes see, but this one sees another")

    @contextmanager
    def sharing(self, model: keras.Model) -> Iterator[None]:
        """Let all processes update the same variables of a model inside the block; each has its own after it."""
        if self.size == 1:
            yield
            return
        from jax.experimental import multihost_utils

        distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        variables = model.variables
        values = multihost_utils.broadcast_one_to_all([weight_array(variable) for variable in variables])
        with distribution.scope():
            for variable, value in zip(variables, values, strict=True):
                _lay_out(variable, distribution.get_variable_layout(variable), value)
            try:
                yield
            finally:
                for variable in variables:
                    _lay_out(variable, None, weight_array(variable))


def current_group() -> Group:
    """Return the group that ``keras.distribution.initialize`` made this process a member of."""
    if keras.backend.backend() != "jax":
        return Group()
    import jax

    return Group(size=jax.process_count(), index=jax.process_index())


def leave_group() -> bool:
    """End the group, once all its processes have trained, and return whether this process is to go on.

    What comes after training is the first process's alone, and may take longer than a group waits for a member.
    """
    group = current_group()
    if group.size > 1:
        import jax

        jax.distributed.shutdown()
    return group.leads


def _lay_out(variable: Any, layout: Any, value: Any) -> None:
    # Keras lays a variable out when it is made, and has no public way for one that is there already.
    variable._layout = layout  # noqa: SLF001
    variable.assign(value)
