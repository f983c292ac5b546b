"""How strokes and edges of found characters should be made like those learned from, by held-out pictures of five sets.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/pens.py

makes squares of 700 held-out characters of each set as a Recognizer does: of the pictures enlarged, and drawn anew with
sharp pens of seven widths; with several bounds on the strokes' width, and with the edges blurred or left sharp. The
trained models of the package answer; digits of MNIST are read once more by GlyphNet trained on scikit-learn's 8x8 ones.
No test set is looked at; the package's models chose their epoch and calibrated their confidences on these pictures, but
learned from none. Writes benchmarks/results/pens.json: the share that is recognised rightly.
"""

import json
import os
import statistics
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from extents import SETS, drawn_with
from PIL import Image
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.recognition.squares import squares_of
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "pens.json"
DIGITS = "digits"  # a model of its own
PENS = (0.03, 0.05, 0.08, 0.12, 0.17, 0.22, 0.28)  # widths, as shares of a character's longer side
DRAWN = 700
ENLARGED = 4
WAYS = (((0.6, 2.5), False), ((0.6, 2.5), True), ((0.6, 1.5), True), ((0.6, 1.2), True), ((0.8, 1.2), True))


def main() -> None:
    rows = []
    for model, name, protocol in (*SETS, (DIGITS, "mnist", "official")):
        saved = trained() if model == DIGITS else hw.load_model(model)
        _, held_out = held_out_part(hw.load_dataset(name, protocol=protocol).train, seed=0)
        chosen = np.random.default_rng(0).permutation(len(held_out))[:DRAWN]
        truth = [held_out.alphabet.characters[label] for label in held_out.labels[chosen]]
        pictures = held_out.take(chosen)[..., 0]
        inks = {"enlarged": [enlarged(picture) for picture in pictures]}
        inks |= {"pens": [255 - drawn_with(picture, pen) for pen in PENS for picture in pictures]}
        row: dict[str, object] = {"model": model, "dataset": name}
        for bounds, blurred in WAYS:
            rules = saved.reading if blurred else replace(saved.reading, blur=0.0)
            reader = hw.Recognizer(replace(saved, reading=rules))
            row[f"{bounds[0]:g} to {bounds[1]:g}, {'blurred' if blurred else 'sharp'}"] = {
                what: right(reader, some, truth * (len(some) // len(truth)), bounds) for what, some in inks.items()
            }
        print(row, flush=True)
        rows.append(row)
    record = {
        "command": "python benchmarks/pens.py",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "pillow")},
        "rows": rows,
    }
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def trained() -> hw.SavedModel:
    """Return GlyphNet as `handwriting-cnn train --dataset digits` trains it."""
    train, validation = held_out_part(hw.load_dataset(DIGITS).train, seed=0)
    model = hw.build_model("glyphnet", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    config = hw.TrainConfig(augment=hw.AugmentConfig(), seed=0)
    return hw.Trainer(config).fit(model, train, validation=validation, progress=False).to_saved_model()


def enlarged(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape
    size = (ENLARGED * width, ENLARGED * height)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def right(reader: hw.Recognizer, inks: list[np.ndarray], truth: list[str], bounds: tuple[float, float]) -> float:
    """Return the share of found characters that are recognised, and rightly."""
    made = squares_of(inks, reader.saved.preprocessing, reader.saved.reading, strokes=bounds)
    texts = reader.predict(np.repeat(made, reader.saved.model.input_shape[-1], axis=3))
    return round(statistics.mean(text == other for text, other in zip(texts, truth, strict=True)), 4)


if __name__ == "__main__":
    main()
