"""Batches in an order that follows from seed and epoch alone."""

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from typing_extensions import override

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.types import ImageArray

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _PyDataset
else:
    _PyDataset = keras.utils.PyDataset


class Batches(_PyDataset):
    """Uint8 pictures and one-hot labels of a data set, batch by batch.

    The last batch of an epoch is as short as it is: every picture is seen once. Pixels are read when a batch is asked
    for, so that a memory map stays on disk.

    Args:
        dataset: The pictures.
        batch_size: Pictures a batch.
        seed: Seed of the order, or ``None`` to keep the data set's own.
        epoch: The first epoch's number, from 0.
    """

    def __init__(self, dataset: Dataset, *, batch_size: int, seed: int | None = None, epoch: int = 0) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._dataset, self._batch_size, self._seed, self._epoch = dataset, batch_size, seed, epoch
        self._labels = dataset.labels
        # TensorFlow reads a batch before the first epoch begins: its order must be there.
        self._order = self._make_order()

    def __len__(self) -> int:
        return math.ceil(len(self._dataset) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[ImageArray, Any]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        one_hot = np.zeros((len(rows), self._dataset.num_classes), np.float32)
        one_hot[np.arange(len(rows)), self._labels[rows]] = 1.0
        return self._dataset.take(rows), one_hot

    @override
    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._epoch += 1
        self._order = self._make_order()

    def _make_order(self) -> Any:
        if self._seed is None:
            return np.arange(len(self._dataset))
        return np.random.default_rng([self._seed, self._epoch]).permutation(len(self._dataset))
