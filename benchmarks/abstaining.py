"""How well a model's confidence tells characters from what is none, and how often it is right when it says so.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/abstaining.py --model arabic-letters --dataset ahcd

takes the official test part and 1,000 pictures each of noise, dots, blots, discs and scribbles (seed 0), and of the
other scripts' test parts, and writes benchmarks/results/abstaining-DATASET.json: the area under the ROC curve of the
confidence, the share of each that is recognised as a character, and the expected calibration error (Guo and others,
2017, arXiv:1706.04599, 15 bins) of the confidences.
"""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import scipy.ndimage
from PIL import Image, ImageDraw
from seeds import installed, machine
from sklearn.metrics import roc_auc_score

import handwriting_cnn as hw

RESULTS = Path(__file__).parent / "results"
COUNT, BINS = 1_000, 15
SCRIPTS = {"ahcd": "Arabic", "hijja": "Arabic", "russian-letters": "Cyrillic", "mnist": "digits"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a model file or a pretrained model's name")
    parser.add_argument("--dataset", default="ahcd", help="the model's own characters (default ahcd)")
    given = parser.parse_args()
    reader, test = hw.Recognizer.load(given.model), hw.load_dataset(given.dataset).test
    own = reader.predict_proba(test.images)
    side = test.input_shape[:2]
    others = {name: drawn(kind, side) for name, kind in KINDS.items()}
    for name, script in SCRIPTS.items():
        if script != SCRIPTS.get(given.dataset, given.dataset):
            others[name] = fitted(hw.load_dataset(name).test, side)
    rows = []
    for name, images in others.items():
        auroc = area(own, reader.predict_proba(images))
        recognised = np.mean([bool(text) for text in reader.predict(images)])
        rows.append({"against": name, "auroc": round(auroc, 4), "recognised": round(float(recognised), 4)})
        print(rows[-1], flush=True)
    texts = reader.predict(test.images)
    record = {
        "command": f"python benchmarks/abstaining.py --model {Path(given.model).name} --dataset {given.dataset}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "pillow")},
        "calibration_error": round(calibration_error(own, test.labels), 4),
        "uncalibrated_error": round(calibration_error(reader.saved(test.images), test.labels), 4),
        "own_recognised": round(float(np.mean([bool(text) for text in texts])), 4),
        "rows": rows,
    }
    print({key: record[key] for key in ("calibration_error", "uncalibrated_error", "own_recognised")})
    path = RESULTS / f"abstaining-{given.dataset}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def area(own: np.ndarray, others: np.ndarray) -> float:
    """Return the area under the ROC curve of the confidence, which should be higher in what is the model's own."""
    truth = np.repeat([1, 0], [len(own), len(others)])
    return float(roc_auc_score(truth, np.r_[own.max(axis=1), others.max(axis=1)]))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean distance of confidence and accuracy over bins of confidence, weighted by their pictures."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    distances = [abs(confidence[bins == k].mean() - right[bins == k].mean()) * np.mean(bins == k) for k in set(bins)]
    return float(sum(distances))


def drawn(kind: Callable[..., np.ndarray], side: tuple[int, int]) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.stack([kind(random, side) for _ in range(COUNT)])[..., None]


def fitted(dataset: hw.Dataset, side: tuple[int, int]) -> np.ndarray:
    """Return pictures of another data set in the network's size."""
    rows = np.sort(np.random.default_rng(0).permutation(len(dataset))[:COUNT])
    pictures = [Image.fromarray(image[..., 0]).resize(side[::-1]) for image in dataset.take(rows)]
    return np.stack([np.asarray(picture) for picture in pictures])[..., None]


def noise(random: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    return random.integers(0, 256, side, dtype=np.uint8)


def dots(random: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    return ((random.random(side) < 0.08) * 255).astype(np.uint8)


def blot(random: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    levels = scipy.ndimage.gaussian_filter(random.normal(size=side), random.uniform(2, 5))
    return ((levels > np.quantile(levels, random.uniform(0.6, 0.9))) * 255).astype(np.uint8)


def disc(random: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: side[0], : side[1]]
    centre = random.uniform(0.35, 0.65, 2) * side
    distance = np.hypot(y - centre[0], (x - centre[1]) * random.uniform(0.7, 1.4))
    return ((distance < random.uniform(0.12, 0.35) * side[0]) * 255).astype(np.uint8)


def scribble(random: np.random.Generator, side: tuple[int, int]) -> np.ndarray:
    height, width = side[0] * 4, side[1] * 4
    points = random.uniform(0.2, 0.8, (random.integers(12, 30), 2)) * (width, height)
    if random.random() < 0.5:  # a pen that wanders
        points = np.add(np.cumsum(random.normal(0, 9, points.shape), axis=0), (width / 2, height / 2)).clip(
            8, width - 8
        )
    image = Image.new("L", (width, height))
    line = [(float(x), float(y)) for x, y in points]
    ImageDraw.Draw(image).line(line, fill=255, width=int(random.integers(5, 10)), joint="curve")
    return np.asarray(image.resize(side[::-1], Image.Resampling.BILINEAR))


KINDS = {"noise": noise, "dots": dots, "blots": blot, "discs": disc, "scribbles": scribble}


if __name__ == "__main__":
    main()
