"""Task 4 in earnest: what a trunk that learned Russian letters gives Arabic ones, by the number of labels.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/few_labels.py --seeds 3 --runs runs

trains a network on the Russian letters, then AHCD's from 5, 10, 20, 50 and all labels a letter in three ways with the
same epochs: from scratch; a new head on the frozen trunk; and fine-tuned, the trunk frozen for the first third of the
epochs. The recipe is one for any number of labels: the library's for few pictures, with twice the outliers. The labels
are drawn from the train part of the official split by the seed, and the last epoch counts: nothing is held out, nothing
is chosen. It writes benchmarks/results/few-labels.json and docs/_static/few-labels.png. A run that was stopped
continues.
"""

import argparse
import dataclasses
import json
import statistics
from pathlib import Path
from typing import Any

import keras
import numpy as np
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.training.resolve import resolved

HERE = Path(__file__).parent
LABELS = (5, 10, 20, 50, None)
WAYS = ("scratch", "frozen", "fine-tuned")
SOURCE, TARGET = "russian-letters", "ahcd"
RECIPE: dict[str, Any] = {"augment": hw.AugmentConfig(stroke=0.6), "outliers": 0.06}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="glyphnet", help="the network (default glyphnet)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default 3)")
    parser.add_argument("--labels", type=int, nargs="*", help="labels a letter; 0 for all (default 5 10 20 50 0)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders (default runs)")
    given = parser.parse_args()
    labels = LABELS if given.labels is None else [count or None for count in given.labels]
    rows = [row for seed in range(given.seeds) for row in runs(given.model, seed, labels, given.runs / "few-labels")]
    record = {
        "command": f"python benchmarks/few_labels.py --model {given.model} --seeds {given.seeds}"
        + ("" if given.labels is None else f" --labels {' '.join(map(str, given.labels))}"),
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "jax", "numpy")},
        "points": rows,
    }
    (HERE / "results" / "few-labels.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(rows, HERE.parent / "docs" / "_static" / "few-labels.png")


def runs(model: str, seed: int, labels: Any, folder: Path) -> list[dict[str, Any]]:
    """Train the trunk, then every way with every number of labels."""
    source, target = hw.load_dataset(SOURCE), hw.load_dataset(TARGET)
    base = build(model, source.train, seed)
    hw.Trainer(hw.TrainConfig(seed=seed, **RECIPE)).fit(base, source.train, run_dir=folder / f"seed{seed}" / "source")
    found = []
    for count in labels:
        train = target.train if count is None else draw_labels(target.train, count, seed)
        for way in WAYS:
            network = (
                build(model, train, seed)
                if way == "scratch"
                else hw.transfer(base, num_classes=train.num_classes, input_shape=train.input_shape, seed=seed)
            )
            place = folder / f"seed{seed}" / f"{way}-{count or 'all'}"
            result = hw.Trainer(settings(way, network, len(train), seed)).fit(network, train, run_dir=place)
            accuracy = hw.Evaluator().evaluate(result.model, target.test).accuracy
            found.append({"labels": count or len(train) // train.num_classes, "way": way, "seed": seed})
            found[-1] |= {"accuracy": accuracy, "epochs": result.config.epochs, "seconds": round(result.seconds, 1)}
            print(found[-1], flush=True)
    return found


def build(model: str, train: hw.Dataset, seed: int) -> keras.Model:
    return hw.build_model(model, input_shape=train.input_shape, num_classes=train.num_classes, seed=seed)


def settings(way: str, network: keras.Model, count: int, seed: int) -> hw.TrainConfig:
    """Return the recipe in the way's stages."""
    config = resolved(hw.TrainConfig(seed=seed, **RECIPE), model=network, num_images=count)
    epochs = int(config.epochs)
    frozen = {"scratch": 0, "frozen": epochs, "fine-tuned": epochs // 3}[way]
    parts = (hw.Stage(epochs=frozen, freeze=("trunk",)),) if frozen else ()
    rest = (hw.Stage(epochs=epochs - frozen),) if frozen < epochs else ()
    return dataclasses.replace(config, stages=(*parts, *rest) if frozen else ())


def draw_labels(train: hw.Dataset, count: int, seed: int) -> hw.Dataset:
    """Return ``count`` pictures of each letter."""
    random = np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(train.labels == letter))[:count] for letter in range(train.num_classes)]
    return train.subset(np.sort(np.concatenate(rows)))


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    labels = sorted({row["labels"] for row in rows})
    for way in WAYS:
        accuracies = [
            [row["accuracy"] * 100 for row in rows if (row["way"], row["labels"]) == (way, count)] for count in labels
        ]
        (line,) = axes.plot(labels, [statistics.mean(values) for values in accuracies], marker="o", label=way)
        low, high = [min(values) for values in accuracies], [max(values) for values in accuracies]
        axes.fill_between(labels, low, high, color=line.get_color(), alpha=0.2)
    axes.set(xscale="log", xlabel="labels a letter", ylabel="accuracy, %")
    axes.set_xticks(labels, map(str, labels))
    axes.legend(title="mean and range over seeds")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
