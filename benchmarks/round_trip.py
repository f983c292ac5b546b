"""The round trip: what paper, camera and preprocessing cost, by the test parts of four sets.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/round_trip.py

enlarges each character of a set's test part as it is, lays it on paper, photographs it, and reads it with the trained
model of the package beside the data set's own picture of it: `recognize_single`'s likeliest candidate, whatever its
confidence, beside `predict`. What that loses has the interval of a paired difference, of 3,000 characters at most a
set. And so they are in a printed box each, as cells are that one cuts out of a form. Writes
benchmarks/results/round-trip.json.
"""

import io
import json
import os
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image
from seeds import installed, machine

import handwriting_cnn as hw

FILE = Path(__file__).parent / "results" / "round-trip.json"
SETS = (
    ("arabic-letters", "ahcd", "official"),
    ("arabic-letters", "hijja", "isolated"),
    ("russian-letters", "russian-letters", "fixed"),
    ("mnist-digits", "mnist", "official"),
)
MOST = 3_000  # characters of a set


def main() -> None:
    rows = []
    for model, name, protocol in SETS:
        reader = hw.Recognizer.load(model)
        test = hw.load_dataset(name, protocol=protocol).test.with_alphabet(reader.alphabet)
        chosen = np.random.default_rng(0).permutation(len(test))[:MOST]
        truth = np.array(test.alphabet.characters)[test.labels[chosen]]
        pictures = test.take(chosen)
        own = np.array(reader.predict(pictures)) == truth
        row: dict[str, object] = {"model": model, "dataset": name, "characters": len(chosen), "own": share(own)}
        for what, boxed in (("photographed", False), ("boxed", True)):
            read = [
                reader.recognize_single(photographed(picture[..., 0], seed, boxed=boxed))
                for seed, picture in enumerate(pictures)
            ]
            right = np.array([one.candidates[0].text if one.candidates else "" for one in read]) == truth
            lost = own.astype(float) - right
            half = 1.96 * lost.std(ddof=1) / np.sqrt(len(lost))
            row[what] = {
                "right": share(right),
                "lost": round(float(lost.mean()), 4),
                "interval": [round(float(lost.mean() + side * half), 4) for side in (-1, 1)],
                "recognised_rightly": share(np.array([one.text for one in read]) == truth),
            }
        print(row, flush=True)
        rows.append(row)
    record = {
        "command": "python benchmarks/round_trip.py",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "pillow")},
        "rows": rows,
    }
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def share(right: np.ndarray) -> float:
    return round(float(right.mean()), 4)


def photographed(picture: np.ndarray, seed: int, *, boxed: bool = False) -> bytes:
    """Return a picture of a character as a camera sees it on paper: a JPEG file, 200 to 400 pixels to the square."""
    random = np.random.default_rng(seed)
    side = int(random.integers(200, 401))
    ink = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    ink = np.pad(ink, side // 4)
    if boxed:
        ink = in_a_box(ink, np.random.default_rng((seed, 1)))
    y, x = np.mgrid[-1 : 1 : len(ink) * 1j, -1 : 1 : len(ink) * 1j]
    light = random.uniform(150, 240) * (1 + random.uniform(-0.3, 0.3) * x + random.uniform(-0.3, 0.3) * y)
    paper = light * (1 - random.uniform(0.6, 0.9) * ink) + random.normal(0, 3, ink.shape)
    data = io.BytesIO()
    Image.fromarray(np.clip(np.rint(paper), 0, 255).astype(np.uint8)).save(data, "JPEG", quality=80)
    return data.getvalue()


def in_a_box(ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return ink in a printed box, up to three degrees askew and up to a fifth of the picture from its edges."""
    printed = np.zeros_like(ink)
    left, top, right, bottom = (int(part * len(ink)) for part in random.uniform(0, 0.2, 4))
    wall, level = int(random.integers(2, 9)), random.uniform(0.4, 1)
    box = printed[top : len(ink) - bottom, left : len(ink) - right]
    box[:] = level
    box[wall:-wall, wall:-wall] = 0
    turned = Image.fromarray(np.maximum(ink, printed)).rotate(random.uniform(-3, 3), Image.Resampling.BICUBIC)
    return np.asarray(turned)


if __name__ == "__main__":
    main()
