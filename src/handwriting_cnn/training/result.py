"""What a training run leaves."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import keras

from handwriting_cnn.artifact.model_file import SavedModel
from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.storage.atomic import write_text
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.history import history_to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _Report(Protocol):
    def summary(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainResult:
    """A trained model and how it came about.

    Attributes:
        model: The model that was trained, with the chosen weights, in float32.
        config: The config with every ``"auto"`` resolved.
        history: A list of one value an epoch: ``loss``, ``accuracy``, ``learning_rate``, and ``val_loss`` and
            ``val_accuracy`` with a validation set. Training figures are those under augmentation and dropout. What
            callbacks of your own log is there too, NaN in epochs without it (``null`` in history.json).
        best_epoch: The epoch whose weights were kept, from 1.
        seconds: Seconds of training, without the time between the parts of a run that continued.
        alphabet: What the classes are.
        preprocessing: How a picture becomes the network's square.
        reading: How characters on paper are scaled for the model, from the training pictures, and its confidences
            calibrated, on the validation set where there is one.
        provenance: What the run was trained on: names, protocol, sizes and digests of the data.
    """

    model: keras.Model
    config: TrainConfig
    history: Mapping[str, list[float]]
    best_epoch: int
    seconds: float
    alphabet: Alphabet
    preprocessing: PreprocessSpec
    reading: ReadingRules = field(default_factory=ReadingRules)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_saved_model(
        self, *, metrics: "Mapping[str, Any] | _Report | None" = None, licence: str = "not stated"
    ) -> SavedModel:
        """Return the model with alphabet, preprocessing and card.

        Args:
            metrics: What an evaluation found, for the card: a report, or its ``summary()``.
            licence: The licence of the weights.
        """
        card = {
            "data": dict(self.provenance),
            "licence": licence,
            "metrics": dict((metrics if isinstance(metrics, Mapping) else metrics.summary()) if metrics else {}),
            "training": {**self.config.to_json(), "best_epoch": self.best_epoch},
        }
        return SavedModel(
            model=self.model,
            alphabet=self.alphabet,
            preprocessing=self.preprocessing,
            reading=self.reading,
            card=card,
        )

    def save(
        self,
        path: str | PathLike[str],
        *,
        metrics: "Mapping[str, Any] | _Report | None" = None,
        licence: str = "not stated",
    ) -> Path:
        """Write the model file.

        Args:
            path: Where to; the name ends in ``.safetensors``.
            metrics: What an evaluation found, for the card: a report, or its ``summary()``.
            licence: The licence of the weights.

        Returns:
            The path.

        Raises:
            ModelFileError: If the model is not of a registered architecture, or its weights are not finite.
            OutputError: If the file cannot be written.
        """
        return self.to_saved_model(metrics=metrics, licence=licence).save(path)

    def save_history(self, folder: str | PathLike[str]) -> None:
        """Write ``history.json`` and ``history.csv`` (a row an epoch) into a folder.

        Raises:
            OutputError: If a file cannot be written.
        """
        folder = Path(folder)
        write_text(folder / "history.json", json.dumps(history_to_json(self.history), indent=2) + "\n")
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["epoch", *self.history])
        writer.writerows([epoch, *row] for epoch, row in enumerate(zip(*self.history.values(), strict=True), start=1))
        write_text(folder / "history.csv", table.getvalue())

    def plot_history(self, metric: str = "accuracy", ax: "Axes | None" = None) -> "Axes":
        """Draw the learning curves of a metric.

        Args:
            metric: ``"accuracy"``, ``"loss"`` or ``"learning_rate"``.
            ax: Where to draw; ``None`` makes a new figure.

        Returns:
            The axes.

        Raises:
            UnknownNameError: If the history has no such metric.
        """
        from handwriting_cnn.training.curves import plot_history

        return plot_history(self.history, metric, best_epoch=self.best_epoch, ax=ax)
