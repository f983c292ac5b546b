"""What a run leaves in its folder besides its checkpoints."""

from pathlib import Path
from typing import Final

from handwriting_cnn.evaluation.report import EvaluationReport
from handwriting_cnn.models.registry import model_spec
from handwriting_cnn.storage.atomic import staged_file
from handwriting_cnn.training.result import TrainResult

_CURVES: Final = ("accuracy", "loss")


def save_outcome(result: TrainResult, report: EvaluationReport, folder: Path) -> None:
    """Write ``report/``, ``accuracy.png``, ``loss.png`` and, for a registered architecture, ``model.safetensors``.

    Raises:
        OutputError: If something cannot be written.
    """
    from matplotlib.figure import Figure

    report.save(folder / "report")
    for metric in _CURVES:
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        result.plot_history(metric, ax=figure.add_subplot())
        with staged_file(folder / f"{metric}.png") as staged:
            figure.savefig(staged, format="png", dpi=150)
    if model_spec(result.model) is not None:
        result.save(folder / "model.safetensors", metrics=report.summary())
