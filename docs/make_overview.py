"""Draw docs/_static/overview.png from a finished run: python docs/make_overview.py runs/digits."""

import json
import sys
from pathlib import Path

from matplotlib.figure import Figure

import handwriting_cnn as hw
from handwriting_cnn.training.curves import plot_history

run = Path(sys.argv[1])
history = json.loads((run / "history.json").read_text(encoding="utf-8"))
report = hw.Evaluator().evaluate(hw.load_model(run / "model.safetensors"), hw.load_dataset("digits").test)

figure = Figure(figsize=(15, 4.6), layout="constrained")
curves, mistakes, confusion = figure.subplots(1, 3, width_ratios=(1.15, 1, 1))
plot_history(history, "accuracy", ax=curves)
curves.set_title("learning curves")
report.plot_mistakes(ax=mistakes, rows=2, columns=3)
report.plot_confusion(ax=confusion)
figure.savefig(Path(__file__).parent / "_static" / "overview.png", dpi=110)
