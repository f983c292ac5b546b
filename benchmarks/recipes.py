"""Compare networks and training settings on held-out parts of several data sets; no test set is looked at.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/recipes.py --recipes "start,all three" --sizes 10

trains each recipe on so many pictures a class of each set's train part (``some``: on 5,000 pictures for 10 epochs;
``all``: on all for 20), scores the last epoch on the pictures held out by the set's own rule and the seed, and on 1,120
of these written on paper with pens of many widths and found there again (tests/recognition/pages.py); and adds the
rows to benchmarks/results/recipes.json. Rows that stand there are not made again. ``start`` is the recipe that the
others change in one point, and ``all three`` in three, which made the library's recipe. ``default with stroke 0.6`` is
that with strokes thicker or thinner by up to that share, whatever the set's size: 120 of the held-out characters, drawn
with each of five pens, show what it gives.
"""

import argparse
import json
import os
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "recognition"))

import keras
import numpy as np
from extents import PENS, drawn_with
from pages import draw_page, overlaps
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "recipes.json"
DATASETS = "ahcd,hijja,russian-letters,mnist"
PROTOCOLS = {"hijja": "isolated"}
STILL = hw.AugmentConfig(jitter=(0.0, 0.0), stroke=0.0)
START = {"learning_rate": 4e-3, "outliers": 0.0, "augment": STILL}
CHANGES: dict[str, dict[str, Any]] = {
    "start": {},
    "rate 0.002": {"learning_rate": 2e-3},
    "rate 0.008": {"learning_rate": 8e-3},
    "jitter": {"augment": hw.AugmentConfig(stroke=0.0)},
    "outliers 0.03": {"outliers": 0.03},
    "outliers 0.06": {"outliers": 0.06},
    "stroke 0.3": {"augment": replace(STILL, stroke=0.3)},
    "elastic 0.03": {"augment": replace(STILL, elastic=0.03)},
    "stronger": {"augment": replace(STILL, rotation=20.0, scale=0.25, shear=0.3)},
    "decay 0.1": {"weight_decay": 0.1},
    "smoothing 0.05": {"label_smoothing": 0.05},
}
RECIPES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    **{name: ("glyphnet", {}, {**START, **change}) for name, change in CHANGES.items()},
    "width 48": ("glyphnet", {"width": 48}, START),
    "cnn14_bn": ("cnn14_bn", {}, START),
    "moments-cnn14_bn": ("moments_cnn14_bn", {}, START),
    "all three": ("glyphnet", {}, {"augment": hw.AugmentConfig(stroke=0.0)}),
    **{
        f"default with stroke {share:g}": ("glyphnet", {}, {"augment": hw.AugmentConfig(stroke=share)})
        for share in (0.0, 0.3, 0.6, 1.0)
    },
    "default with stroke 0.6 and outliers 0.06": (
        "glyphnet",
        {},
        {"augment": hw.AugmentConfig(stroke=0.6), "outliers": 0.06},
    ),
}
SOME, PAGES, DRAWN = 5_000, 8, 120
EPOCHS = {"some": 10, "all": 20}


@hw.register_model("moments_cnn14_bn")
def moments_cnn14_bn(input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """CNN-14 with batch normalisation and its dense layer behind GlyphNet's first layer, at about GlyphNet's cost."""
    inputs = keras.Input(input_shape)
    network = hw.build_model("cnn14_bn", input_shape=(32, 32, input_shape[2]), num_classes=num_classes)
    return keras.Model(inputs, network(MomentNormalization(32)(inputs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="start,all three", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--datasets", default=DATASETS, help=f"by name (default {DATASETS})")
    parser.add_argument("--sizes", default="10,all", help="pictures a class, some, all (default 10,all)")
    parser.add_argument("--epochs", type=int, help="passes over a small set (default: the library's rule)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (default 1)")
    given = parser.parse_args()
    record = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {"rows": []}
    rows = {key(row): row for row in record["rows"]}
    for size in given.sizes.split(","):
        for name in given.datasets.split(","):
            for recipe in given.recipes.split(","):
                epochs = EPOCHS.get(size, given.epochs or "auto")
                row = {"dataset": name, "size": size, "recipe": recipe, "epochs": epochs}
                row = rows.setdefault(key(row), row | {"machine": machine(), "own": [], "paper": [], "pens": []})
                for seed in range(len(row["own"]), given.seeds):
                    whole = hw.load_dataset(name, protocol=PROTOCOLS.get(name)).train
                    shares = score(recipe, *parts(whole, size, seed), epochs, seed)
                    for kind, share in zip(("own", "paper", "pens"), shares, strict=True):
                        if kind in row:  # earlier rows have no pens
                            row[kind].append(round(share, 4))
                own, paper = statistics.mean(row["own"]), statistics.mean(row["paper"])
                print(f"{name:16} {size:>6} {recipe:22} {own:.2%}, on paper {paper:.2%}", flush=True)
                record = {
                    "versions": {name: installed(name) for name in ("keras", "tensorflow", "jax", "numpy")},
                    "rows": list(rows.values()),
                }
                FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("dataset", "size", "recipe", "epochs"))


def parts(whole: hw.Dataset, size: str, seed: int) -> tuple[hw.Dataset, hw.Dataset]:
    """Return what is learned from, and what is held out."""
    train, held_out = held_out_part(whole, seed=seed)
    if size == "some":
        train = train.subset(np.sort(np.random.default_rng(seed).permutation(len(train))[:SOME]))
    elif size != "all":
        train = a_class(train, int(size), seed)
    return train, held_out


def a_class(dataset: hw.Dataset, count: int, seed: int) -> hw.Dataset:
    """Return so many pictures of each class, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(dataset))
    labels = dataset.labels[order]
    return dataset.subset(np.sort(np.concatenate([order[labels == k][:count] for k in range(dataset.num_classes)])))


def score(recipe: str, train: hw.Dataset, validation: hw.Dataset, epochs: Any, seed: int) -> tuple[float, ...]:
    """Return the accuracy on held-out pictures, on those of them written on paper, and on some drawn with pens."""
    network, options, settings = RECIPES[recipe]
    sizes = {"input_shape": train.input_shape, "num_classes": train.num_classes, "seed": seed}
    model = hw.build_model(network, **sizes, **options)
    config = hw.TrainConfig(epochs=epochs, seed=seed, **settings)
    reader = hw.Recognizer(hw.Trainer(config).fit(model, train, progress=False), threshold=0)
    own = float(hw.Evaluator().evaluate(model, validation).accuracy)
    return own, on_paper(reader, validation), by_pens(reader, validation, seed)


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


def by_pens(reader: hw.Recognizer, dataset: hw.Dataset, seed: int) -> float:
    rows = np.random.default_rng(seed).permutation(len(dataset))[:DRAWN]
    drawn = [drawn_with(picture[..., 0], pen) for pen in PENS for picture in dataset.take(rows)]
    texts = [dataset.alphabet.characters[label] for label in dataset.labels[rows]] * len(PENS)
    return float(np.mean([reader.recognize_single(one).text == text for one, text in zip(drawn, texts, strict=True)]))


if __name__ == "__main__":
    main()
