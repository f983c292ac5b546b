"""Types that the whole library shares."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

ImageArray: TypeAlias = npt.NDArray[np.uint8]
"""Grey pictures, uint8 of shape ``(n, height, width, 1)`` or one of ``(height, width, 1)``: ink 255, paper 0."""

LabelArray: TypeAlias = npt.NDArray[np.int64]
"""Class numbers, int64 of shape ``(n,)``, in ``0..num_classes-1``."""

ProbabilityArray: TypeAlias = npt.NDArray[np.float32]
"""Class probabilities, float32 of shape ``(n, num_classes)``, each row summing to 1."""

Shape: TypeAlias = tuple[int, int, int]
"""``(height, width, channels)`` of one picture."""


class Classifier(Protocol):
    """Anything that maps pictures to class probabilities.

    A ``keras.Model`` and a :class:`~handwriting_cnn.SavedModel` are classifiers, and so is any function.
    """

    def __call__(self, images: ImageArray, /) -> Any:
        """Return the class probabilities, ``(n, num_classes)``, of uint8 pictures ``(n, height, width, channels)``."""
        ...


if TYPE_CHECKING:

    class KerasBase:
        """Stands for the classes of Keras that ours extend, because Keras ships no types."""

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
        def call(self, *args: Any, **kwargs: Any) -> Any: ...
        def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any: ...
        def get_config(self) -> dict[str, Any]: ...
        def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None: ...
        def on_epoch_end(self, *args: Any, **kwargs: Any) -> None: ...
        def on_test_batch_end(self, *args: Any, **kwargs: Any) -> None: ...
        def on_test_begin(self, *args: Any, **kwargs: Any) -> None: ...
        def on_test_end(self, *args: Any, **kwargs: Any) -> None: ...
        def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None: ...
        def on_train_begin(self, *args: Any, **kwargs: Any) -> None: ...
