"""Compare networks and training settings on held-out parts of several data sets; no test set is looked at.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/recipes.py --recipes cnn14_bn,glyphnet --sizes 10,50,0

trains each recipe on so many pictures a class of each set's train part (0: on 5,000 pictures for 10 epochs), scores the
last epoch on up to 1,500 of the pictures held out by the set's own rule, and on 1,120 of these written on paper with
pens of many widths and found there again (tests/recognition/pages.py); and adds the rows to
benchmarks/results/recipes.json. Rows that stand there are not made again.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "recognition"))

import keras
import numpy as np
from pages import draw_page, overlaps
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "recipes.json"
DATASETS = "ahcd,hijja,russian-letters,mnist"
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "cnn14_bn": ("cnn14_bn", {}),
    "glyphnet": ("glyphnet", {}),
    "moments-cnn14_bn": ("moments_cnn14_bn", {}),
    "rate-0.002": ("glyphnet", {"learning_rate": 2e-3}),
    "rate-0.008": ("glyphnet", {"learning_rate": 8e-3}),
    "rate-0.016": ("glyphnet", {"learning_rate": 1.6e-2}),
    "no-augmentation": ("glyphnet", {"augment": None}),
    "stroke-0.4": ("glyphnet", {"augment": hw.AugmentConfig(stroke=0.4)}),
    "outliers-0.06": ("glyphnet", {"outliers": 0.06}),
    "elastic-0.03": ("glyphnet", {"augment": hw.AugmentConfig(elastic=0.03)}),
    "decay-0.1": ("glyphnet", {"weight_decay": 0.1}),
    "batch-32": ("glyphnet", {"batch_size": 32}),
    "ema-0.99": ("glyphnet", {"ema": 0.99}),
}
LARGE, EPOCHS, HELD_OUT, PAGES = 5_000, 10, 1_500, 8


@hw.register_model("moments_cnn14_bn")
def moments_cnn14_bn(input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """CNN-14 with batch normalisation and its dense layer behind GlyphNet's first layer, at about GlyphNet's cost."""
    inputs = keras.Input(input_shape)
    network = hw.build_model("cnn14_bn", input_shape=(32, 32, input_shape[2]), num_classes=num_classes)
    return keras.Model(inputs, network(MomentNormalization(32)(inputs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="cnn14_bn,glyphnet", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--datasets", default=DATASETS, help=f"by name (default {DATASETS})")
    parser.add_argument("--sizes", default="10,50,0", help="pictures a class (default 10,50,0)")
    parser.add_argument("--epochs", type=int, help="passes over a small set (default: the library's rule)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default 1)")
    given = parser.parse_args()
    record = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {"rows": []}
    rows = {key(row): row for row in record["rows"]}
    for size in map(int, given.sizes.split(",")):
        for name in given.datasets.split(","):
            train, validation = held_out_part(hw.load_dataset(name).train, seed=0)
            validation = part(validation, HELD_OUT)
            for recipe in given.recipes.split(","):
                epochs = (given.epochs or "auto") if size else EPOCHS
                row = {"dataset": name, "a_class": size, "recipe": recipe, "epochs": epochs}
                row = rows.setdefault(key(row), row | {"own": [], "paper": []})
                for seed in range(len(row["own"]), given.seeds):
                    few = part(train, LARGE) if size == 0 else a_class(train, size, seed)
                    own, paper = score(recipe, few, validation, epochs, seed)
                    row["own"].append(round(own, 4))
                    row["paper"].append(round(paper, 4))
                own, paper = statistics.mean(row["own"]), statistics.mean(row["paper"])
                print(f"{name:16} {size or 'large':>6} {recipe:22} {own:.2%}, on paper {paper:.2%}", flush=True)
                record = {
                    "machine": machine(),
                    "versions": {name: installed(name) for name in ("keras", "tensorflow", "jax", "numpy")},
                    "rows": list(rows.values()),
                }
                FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("dataset", "a_class", "recipe", "epochs"))


def part(dataset: hw.Dataset, count: int) -> hw.Dataset:
    """Return so many of the pictures, drawn from seed 0."""
    if len(dataset) <= count:
        return dataset
    return dataset.subset(np.sort(np.random.default_rng(0).permutation(len(dataset))[:count]))


def a_class(dataset: hw.Dataset, count: int, seed: int) -> hw.Dataset:
    """Return so many pictures of each class, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(dataset))
    labels = dataset.labels[order]
    return dataset.subset(np.sort(np.concatenate([order[labels == k][:count] for k in range(dataset.num_classes)])))


def score(recipe: str, train: hw.Dataset, validation: hw.Dataset, epochs: Any, seed: int) -> tuple[float, float]:
    """Return the accuracy on held-out pictures, and on those of them that were written on paper."""
    network, settings = RECIPES[recipe]
    model = hw.build_model(network, input_shape=train.input_shape, num_classes=train.num_classes, seed=seed)
    config = hw.TrainConfig(**{"epochs": epochs, "keep": "last", "seed": seed, **settings})
    reader = hw.Recognizer(hw.Trainer(config).fit(model, train, progress=False), threshold=0)
    return float(hw.Evaluator().evaluate(model, validation).accuracy), on_paper(reader, validation)


def on_paper(reader: hw.Recognizer, dataset: hw.Dataset) -> float:
    right = []
    for seed in range(PAGES):
        rows = np.random.default_rng(seed).permutation(len(dataset))[:140]
        condition = ("clean", "texture")[seed % 2]
        page = draw_page(dataset.take(rows), dataset.labels[rows], condition=condition, seed=seed)
        read = reader.recognize(page.image)
        best = overlaps(page.boxes, np.array([one.box for one in read]).reshape(-1, 4)).argmax(axis=1)
        texts = [dataset.alphabet.characters[label] for label in page.labels]
        right += [read[place].text == text for place, text in zip(best, texts, strict=True)]
    return float(np.mean(right))


if __name__ == "__main__":
    main()
