"""Batches in an order that follows from seed and epoch alone."""

import math
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np
import numpy.typing as npt
from typing_extensions import override

from handwriting_cnn.augment.outliers import make_outliers
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.training.group import Group

_KNOWN: Final = 0.5
_ALONE: Final = Group()

if TYPE_CHECKING:
    from handwriting_cnn.types import KerasBase as _CategoricalAccuracy
    from handwriting_cnn.types import KerasBase as _PyDataset
else:
    _CategoricalAccuracy, _PyDataset = keras.metrics.CategoricalAccuracy, keras.utils.PyDataset


class Batches(_PyDataset):
    """Uint8 pictures and one-hot labels of a data set, batch by batch.

    The last batch of an epoch is as short as it is: every picture is seen once. Pixels are read when a batch is asked
    for, so that a memory map stays on disk.

    Args:
        dataset: The pictures.
        batch_size: Pictures a batch.
        seed: Seed of the order, or ``None`` to keep the data set's own.
        first: Batches of an epoch that are left out, for a run that goes on in its middle.
        outliers: So many more pictures a batch, as a share of it, that are no characters: their label is spread evenly
            over all classes. They follow from seed, epoch and batch.
        weights: Each class's weight in the loss, or ``None``; an outlier weighs 1.
        group: The processes that share each batch. What does not divide evenly is left out: at most one picture less
            than processes, others in each epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        seed: int | None = None,
        first: int = 0,
        outliers: float = 0.0,
        weights: npt.NDArray[np.float32] | None = None,
        group: Group = _ALONE,
    ) -> None:
        # Two threads make Keras bring the batches itself, where tf.data would tune its prefetching in a thread that the
        # end of an epoch waits for. On JAX they would mix up what Keras reads to learn the shapes with the first epoch.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1, use_multiprocessing=False)
        self._group = group
        self._outliers, self._weights = outliers, weights
        self._dataset, self._batch_size, self._seed, self._epoch = dataset, batch_size, seed, 0
        self._first = first
        self._labels = dataset.labels
        # TensorFlow reads batches before the first epoch begins, for their shapes.
        self._order = self._make_order()

    @property
    def per_epoch(self) -> int:
        """Batches of a whole epoch."""
        return math.ceil(len(self._order) / self._batch_size)

    def __len__(self) -> int:
        return self.per_epoch - self._first

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(self._group.part(rows) for rows in self._whole(index + self._first))

    def _whole(self, index: int) -> tuple[Any, ...]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        count, size, classes = len(rows), self._group.size, self._dataset.num_classes
        more = round(self._outliers * count / size) * size
        labels = np.full((count + more, classes), 1 / classes, np.float32)
        labels[:count] = np.eye(classes, dtype=np.float32)[self._labels[rows]]
        pictures = self._dataset.take(rows)
        if more:
            random = np.random.default_rng([self._seed or 0, self._epoch, index])
            made = make_outliers(pictures[random.permutation(count)[:more]], random)
            pictures = np.concatenate([pictures, made])
        if self._weights is None:
            return pictures, labels
        return pictures, labels, np.concatenate([self._weights[self._labels[rows]], np.ones(more, np.float32)])

    def begin(self, epoch: int) -> None:
        """Draw an epoch's order; epochs are counted from 1.

        Keras's own calls would not do: it ends an epoch that never began before the first.
        """
        self._epoch = epoch
        self._order = self._make_order()

    def _make_order(self) -> Any:
        count = len(self._dataset)
        if self._seed is None:
            return np.arange(count)
        order = np.random.default_rng([self._seed, self._epoch]).permutation(count)
        return order[: count // self._group.size * self._group.size]


class HeldOut(Batches):
    """Batches to validate on, in the data set's order; for a group, rows that weigh nothing fill the last one up.

    Args:
        dataset: The pictures.
        batch_size: Pictures a batch, or a little fewer for a group.
        group: The processes that share each batch.
    """

    def __init__(self, dataset: Dataset, *, batch_size: int, group: Group = _ALONE) -> None:
        super().__init__(dataset, batch_size=batch_size // group.size * group.size, group=group)
        self._missing = -len(dataset) % group.size

    @override
    def _whole(self, index: int) -> tuple[Any, ...]:
        pictures, labels = super()._whole(index)
        if self._missing == 0:
            return pictures, labels
        # Keras divides the loss by all rows, not by their weights; and all batches have weights, or none.
        count = len(self._order)
        weights = np.full(len(labels), (count + self._missing) / count, np.float32)
        if index + 1 == len(self):
            blank = np.zeros((self._missing, *pictures.shape[1:]), pictures.dtype)
            unknown = np.full((self._missing, labels.shape[1]), 1 / labels.shape[1], np.float32)
            nothing = np.zeros(self._missing, np.float32)
            pictures, labels = np.concatenate([pictures, blank]), np.concatenate([labels, unknown])
            weights = np.concatenate([weights, nothing])
        return pictures, labels, weights


class CharacterAccuracy(_CategoricalAccuracy):
    """The share of characters that are answered rightly; rows whose label is spread over the classes do not count."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch."""
        known = keras.ops.cast(keras.ops.max(y_true, axis=-1) > _KNOWN, "float32")
        weight = known if sample_weight is None else known * sample_weight
        return keras.metrics.CategoricalAccuracy.update_state(self, y_true, y_pred, weight)
