"""Ask whether turning the Russian photographs into ink loses accuracy.

    python benchmarks/russian_ink.py --seeds 1 --runs runs

trains ``cnn14_bn`` with augmentation by the honest protocol twice a seed: on the data set's ink, and on the raw
photographs as grey (luma, turned over), the same pictures in the same split. It writes
benchmarks/results/russian-ink.json. A run that was stopped continues.
"""

import argparse
import csv
import io
import json
import statistics
from pathlib import Path

import numpy as np
from PIL import Image
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.data.catalog import CATALOG
from handwriting_cnn.data.download import fetch_members
from handwriting_cnn.data.russian import draw_test_rows
from handwriting_cnn.tasks.task_training import held_out_part

RESULTS = Path(__file__).parent / "results"
NAME = "russian-letters"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default 1)")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the training set (default 30)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders (default runs)")
    given = parser.parse_args()
    ink = hw.load_dataset(NAME)
    kinds = {"ink": ink, "grey": as_grey(ink)}
    runs = [
        {"pictures": kind, "seed": seed, **train(splits, seed, given.epochs, given.runs / f"{NAME}-{kind}-seed{seed}")}
        for seed in range(given.seeds)
        for kind, splits in kinds.items()
    ]
    means = {kind: statistics.mean(run["accuracy"] for run in runs if run["pictures"] == kind) for kind in kinds}
    record = {
        "command": f"python benchmarks/russian_ink.py --seeds {given.seeds} --epochs {given.epochs}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "jax", "numpy")},
        "means": means,
        "pictures": runs,
    }
    (RESULTS / "russian-ink.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(means, indent=1))


def train(splits: hw.DatasetSplits, seed: int, epochs: int, folder: Path) -> dict[str, object]:
    part, validation = held_out_part(splits.train, seed=seed)
    model = hw.build_model("cnn14_bn", input_shape=part.input_shape, num_classes=part.num_classes, seed=seed)
    # The recipe of the published figures: the best epoch on the held-out part, as the honest protocol says.
    config = hw.TrainConfig(
        epochs=epochs,
        learning_rate=4e-3,
        outliers=0.0,
        keep="best",
        seed=seed,
    )
    result = hw.Trainer(config).fit(model, part, validation=validation, run_dir=folder)
    report = hw.Evaluator().evaluate(result.model, splits.test)
    by_paper = {score.name: score.accuracy for score in report.by("paper")}
    return {**report.summary(), "by_paper": by_paper, "seconds": round(result.seconds, 1)}


def as_grey(ink: hw.DatasetSplits) -> hw.DatasetSplits:
    """Return the same pictures in the same split, as their photographs' luma turned over."""
    members = fetch_members(CATALOG[NAME].files[0])
    pictures, labels, papers = [], [], []
    for table in ("letters", "letters2", "letters3"):
        for row in csv.DictReader(io.StringIO(members[f"data/{table}.csv"].decode())):
            with Image.open(io.BytesIO(members[f"data/{table}/{row['file']}"])) as image:
                pictures.append(255 - np.asarray(image.convert("RGB").convert("L").resize((32, 32))))
            labels.append(int(row["label"]) - 1)
            papers.append(int(row["background"]))
    whole = hw.Dataset.from_arrays(
        np.stack(pictures), labels, alphabet=ink.train.alphabet, extra={"paper": papers}, name=f"{NAME} (grey)"
    )
    test = draw_test_rows(whole.labels, whole.extra["paper"])
    splits = hw.DatasetSplits(whole.subset(np.delete(np.arange(len(whole)), test)), whole.subset(test))
    if not all(np.array_equal(one.labels, other.labels) for one, other in zip(splits, ink, strict=True)):
        raise ValueError("the grey pictures are not in the order of the ink")
    return splits


if __name__ == "__main__":
    main()
