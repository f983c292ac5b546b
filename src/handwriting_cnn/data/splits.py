"""The two parts of a data set."""

from typing import NamedTuple

from handwriting_cnn.data.dataset import Dataset


class DatasetSplits(NamedTuple):
    """The two parts of a data set: one to learn from, and one to score once.

    Attributes:
        train: What is learned from, and what every choice is made on.
        test: What the result is scored on.
    """

    train: Dataset
    test: Dataset

    @property
    def name(self) -> str:
        """What the data are, such as ``"ahcd"``."""
        return self.train.name

    @property
    def protocol(self) -> str:
        """How they were split, such as ``"official"``."""
        return self.train.protocol
