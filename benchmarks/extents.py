"""How large a found character should be in the square that GlyphNet is given, by held-out pictures of several sets.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/extents.py

reads 1,000 held-out characters of each set, photographed alone (as round_trip.py does); five pages in each of two
conditions; and 200 of the characters, drawn with sharp strokes of five widths: with the trained models of the package
and several extents. No test set is looked at; the models chose their epoch and calibrated their confidences on these
pictures, but learned from none. Writes benchmarks/results/extents.json: the share that is read rightly, whatever the
confidence.
"""

import json
import os
import statistics
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from page_reading import score
from PIL import Image
from round_trip import SETS, photographed
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.artifact.reading import typical_rules
from handwriting_cnn.imaging.strokes import stroke_width, with_stroke
from handwriting_cnn.tasks.task_training import held_out_part

FILE = Path(__file__).parent / "results" / "extents.json"
ALONE = 1_000
EXTENTS = (0.45, 0.6, 0.75)
CONDITIONS, PAGES = ("clean", "perspective"), 5
PENS, DRAWN = (0.03, 0.05, 0.08, 0.12, 0.17), 200  # widths, as shares of a character's longer side


def main() -> None:
    rows = []
    for model, name, protocol in SETS:
        saved = hw.load_model(model)
        train, held_out = held_out_part(hw.load_dataset(name, protocol=protocol).train, seed=0)
        held_out = held_out.with_alphabet(saved.alphabet)
        chosen = held_out.subset(np.sort(np.random.default_rng(0).permutation(len(held_out))[:ALONE]))
        truth = [saved.alphabet.characters[label] for label in chosen.labels]
        alone = [photographed(picture[..., 0], seed) for seed, picture in enumerate(chosen.images)]
        drawn = [drawn_with(picture[..., 0], pen) for pen in PENS for picture in chosen.images[:DRAWN]]
        shown = np.linspace(0, len(train) - 1, 2000).astype(int)
        row = {"dataset": name, "learned": typical_rules(train.take(shown), train.labels[shown]).extent, "extents": {}}
        for extent in EXTENTS:
            reader = hw.Recognizer(replace(saved, reading=replace(saved.reading, extent=extent)), threshold=0)
            row["extents"][extent] = {
                "alone": right(reader, alone, truth),
                "pages": round(statistics.mean(score(reader, held_out, one, PAGES)["right"] for one in CONDITIONS), 4),
                "pens": right(reader, drawn, truth[:DRAWN] * len(PENS)),
            }
            print(name, extent, row["extents"][extent], flush=True)
        rows.append(row)
    record = {
        "command": "python benchmarks/extents.py",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "pillow")},
        "rows": rows,
    }
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def right(reader: hw.Recognizer, pictures: list, truth: list[str]) -> float:
    """Return the share of pictures of one character that are read rightly."""
    texts = [reader.recognize_single(picture).text for picture in pictures]
    return round(statistics.mean(text == other for text, other in zip(texts, truth, strict=True)), 4)


def drawn_with(picture: np.ndarray, pen: float) -> np.ndarray:
    """Return a character in black on white, its strokes sharp and of a width."""
    ink = np.pad(np.asarray(Image.fromarray(picture).resize((200, 200), Image.Resampling.BICUBIC)), 40)
    mask = ink > np.iinfo(np.uint8).max // 2
    if not mask.any():
        return 255 - ink
    longer = int(np.ptp(np.argwhere(mask), axis=0).max()) + 1
    return 255 - with_stroke(np.uint8(255) * mask, stroke_width(mask), pen * longer)


if __name__ == "__main__":
    main()
