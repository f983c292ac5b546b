"""How confidences should be fitted, by held-out pictures of several sets.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/confidences.py

fits the reading rules of each trained model of the package to one half of its held-out pictures, from which it did not
learn, and asks them about the other half, and the other way round, with several exponents by which confidences fall
where an answer is unlike its class's profile (0 is the temperature alone). Then it fits them to few of those pictures,
drawn a dozen times, with several numbers of wrong answers counted besides, and asks them about the rest. No test part
is looked at. Writes benchmarks/results/confidences.json: the log loss and the expected calibration error of the
pictures asked about, and the area under the ROC curve of the confidence against scribbles and other scripts.
"""

import json
import os
import statistics
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from abstaining import KINDS, SCRIPTS, area, calibration_error, drawn, fitted
from round_trip import SETS
from seeds import installed, machine
from sklearn.metrics import log_loss

import handwriting_cnn as hw
from handwriting_cnn.artifact import reading
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "confidences.json"
FALLS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
DOUBTS = (0.0, 0.1, 0.25, 0.5, 1.0)
FEW = (60, 120, 250)
DRAWS = 12


def main() -> None:
    rows = []
    for model, name, protocol in SETS:
        saved = hw.load_model(model)
        held_out = held_out_part(hw.load_dataset(name, protocol=protocol).train, seed=0)[1]
        held_out = held_out.with_alphabet(saved.alphabet)
        side = held_out.input_shape[:2]
        foreign = [fitted(hw.load_dataset(one).train, side) for one in SCRIPTS if SCRIPTS[one] != SCRIPTS[name]]
        pictures = (held_out.images, drawn(KINDS["scribbles"], side), np.concatenate(foreign))
        own, scribbles, others = map(saved, pictures)
        row = {"model": model, "dataset": name, "falls": {}, "doubts": {}}
        for fall in FALLS:
            with mock.patch.object(reading, "_FALL", fall):
                row["falls"][fall] = judged(own, held_out.labels, scribbles, others)
            print(name, fall, row["falls"][fall], flush=True)
        for doubt in DOUBTS:
            with mock.patch.object(reading, "_DOUBT", doubt):
                row["doubts"][doubt] = {count: of_few(own, held_out.labels, count) for count in FEW}
            print(name, doubt, row["doubts"][doubt], flush=True)
        rows.append(row)
    record = {
        "command": "python benchmarks/confidences.py",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "scikit-learn")},
        "rows": rows,
    }
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def judged(own: Any, labels: Any, scribbles: Any, others: Any) -> dict[str, float]:
    order = np.random.default_rng(0).permutation(len(own))
    found = []
    for one, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        rules = reading.fitted_rules(hw.ReadingRules(), own[one], labels[one])
        answers = rules.confidences(own[other])
        found.append(
            {
                "log_loss": surprise(answers, labels[other]),
                "calibration_error": calibration_error(answers, labels[other]),
                "scribbles": area(answers, rules.confidences(scribbles)),
                "other_scripts": area(answers, rules.confidences(others)),
            }
        )
    return {name: round(statistics.mean(half[name] for half in found), 4) for name in found[0]}


def of_few(own: Any, labels: Any, count: int) -> float:
    """Return the mean log loss of the other pictures where the rules are fitted to so many."""
    losses = []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(own))
        few, other = order[:count], order[count:]
        rules = reading.fitted_rules(hw.ReadingRules(), own[few], labels[few])
        losses.append(surprise(rules.confidences(own[other]), labels[other]))
    return round(statistics.mean(losses), 4)


def surprise(answers: Any, labels: Any) -> float:
    exact = answers.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # to 1, but for the rounding of float32
    return float(log_loss(labels, exact, labels=range(exact.shape[1])))


if __name__ == "__main__":
    main()
