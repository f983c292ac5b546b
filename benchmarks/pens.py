"""How strokes and edges of found characters should be made like those learned from, by held-out pictures of five sets.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/pens.py

reads held-out characters of each set as a Recognizer does, 700 photographed on paper as they are, and 200 drawn anew
with sharp pens of seven widths each; with several bounds on the strokes' width, where broad ones are drawn finer, or
the mean of both answers counts, and with the edges blurred or left sharp. The trained models of the package answer;
digits of MNIST are read once more by GlyphNet trained on scikit-learn's 8x8 ones. No test set is looked at; the
package's models chose their epoch and calibrated their confidences on these pictures, but learned from none. Writes
benchmarks/results/pens.json: the share that is recognised rightly.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from extents import drawn_with
from round_trip import SETS, photographed
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.imaging.decode import decode_colours
from handwriting_cnn.recognition.finding import find_characters
from handwriting_cnn.recognition.squares import STROKES, answers_to, drawn_for, squares_of
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "pens.json"
DIGITS = "digits"  # a model of its own
PENS = (0.03, 0.05, 0.08, 0.12, 0.17, 0.22, 0.28)  # widths, as shares of a character's longer side
PHOTOGRAPHED = 700
DRAWN = 200  # characters with each pen
LOW, HIGH = STROKES
WAYS = {  # the bounds, none where broad strokes are read both ways, and whether edges are blurred
    "as found": ((0.0, np.inf), False),
    "blurred": ((0.0, np.inf), True),
    f"{LOW} or more": ((LOW, np.inf), True),
    f"{LOW} to {HIGH}": (STROKES, True),
    "both": (None, True),
}


def main() -> None:
    rows = []
    for model, name, protocol in (*SETS, (DIGITS, "mnist", "official")):
        saved = trained() if model == DIGITS else hw.load_model(model)
        _, held_out = held_out_part(hw.load_dataset(name, protocol=protocol).train, seed=0)
        chosen = np.random.default_rng(0).permutation(len(held_out))[:PHOTOGRAPHED]
        truth = [held_out.alphabet.characters[label] for label in held_out.labels[chosen]]
        pictures = held_out.take(chosen)[..., 0]
        inks = {"photographed": [found_in(picture, seed) for seed, picture in enumerate(pictures)]}
        inks |= {"pens": [255 - drawn_with(picture, pen) for pen in PENS for picture in pictures[:DRAWN]]}
        truths = {"photographed": truth, "pens": truth[:DRAWN] * len(PENS)}
        row: dict[str, object] = {"model": model, "dataset": name}
        for way, (bounds, blurred) in WAYS.items():
            rules = saved.reading if blurred else replace(saved.reading, blur=0.0)
            reader = hw.Recognizer(replace(saved, reading=rules))
            row[way] = {what: right(reader, some, truths[what], bounds) for what, some in inks.items()}
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


def found_in(picture: np.ndarray, seed: int) -> np.ndarray:
    """Return the ink of a character that is found in a photograph of it."""
    found = find_characters(decode_colours(photographed(picture, seed)), layout="single")
    return found[0].ink if found else np.zeros((1, 1), np.uint8)


def right(reader: hw.Recognizer, inks: list[np.ndarray], truth: list[str], bounds: tuple[float, float] | None) -> float:
    """Return the share of found characters that are recognised, and rightly."""
    spec, rules = reader.saved.preprocessing, reader.saved.reading
    if bounds is None:
        answers = answers_to(inks, spec, rules, reader.predict_proba)
    else:
        finer = [drawn_for(ink, rules, strokes=bounds)[0] for ink in inks]
        answers = reader.predict_proba(squares_of(finer, spec, rules))
    texts = np.array(reader.alphabet.characters)[answers.argmax(axis=1)]
    read = answers.max(axis=1) >= rules.threshold
    return round(float(np.mean(read & (texts == np.array(truth)))), 4)


if __name__ == "__main__":
    main()
