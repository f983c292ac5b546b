"""Reading pages: how many characters are found and read rightly, in each condition of paper, light and camera.

    python benchmarks/page_reading.py --model runs/ahcd/model.safetensors --dataset ahcd

draws 20 pages of 140 characters of the data set's test part in each condition, from seeds 0 to 19
(tests/recognition/pages.py), then clean ones with smaller characters, reads them, and writes
benchmarks/results/page-reading-DATASET.json. A character is found if a box overlaps its own by half (intersection over
union); one that is not found, or not recognised, is not read rightly. Then 1,000 characters, each enlarged as it is and
photographed alone, are read by `recognize_single` beside the data set's own pictures of them: what that loses is what
paper, camera and preprocessing cost. And so they are in a printed box each, as cells are that one cuts out of a form.
"""

import argparse
import io
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "recognition"))

import numpy as np
from pages import CONDITIONS, SIZE, draw_page, overlaps
from PIL import Image
from seeds import installed, machine

import handwriting_cnn as hw

RESULTS = Path(__file__).parent / "results"
CHARACTERS = 140
SMALLER = (40, 30, 20)  # pixels of a data set's picture on a page; its letter takes half of that and more
ALONE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a model file or a pretrained model's name")
    parser.add_argument("--dataset", default="ahcd", help="the characters (default ahcd)")
    parser.add_argument("--pages", type=int, default=20, help="pages a condition (default 20)")
    parser.add_argument("--conditions", default=",".join(CONDITIONS), help="default all")
    given = parser.parse_args()
    reader, test = hw.Recognizer.load(given.model), hw.load_dataset(given.dataset).test
    own = hw.Evaluator().evaluate(reader, test).accuracy
    rows = [score(reader, test, condition, given.pages) for condition in given.conditions.split(",")]
    rows += [score(reader, test, "clean", given.pages, size=size) for size in SMALLER]
    record = {
        "command": f"python benchmarks/page_reading.py --model {Path(given.model).name} --dataset {given.dataset} "
        f"--pages {given.pages} --conditions {given.conditions}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy", "scipy", "pillow")},
        "own_accuracy": own,
        "conditions": rows,
        "alone": alone(reader, test),
        "boxed": alone(reader, test, boxed=True),
    }
    path = RESULTS / f"page-reading-{given.dataset}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"own test set {own:.2%}; alone {record['alone']}; in a box {record['boxed']}")
    for row in rows:
        print(
            f"{row['condition']:12} found {row['recall']:.2%}, precision {row['precision']:.2%}, "
            f"right {row['right']:.2%}, "
            f"not recognised {row['refused']:.2%}, {row['seconds']:.2f} s a page"
        )


def score(
    reader: hw.Recognizer, test: hw.Dataset, condition: str, pages: int, *, size: int = SIZE
) -> dict[str, object]:
    recall, precision, right, refused, seconds = [], [], [], [], []
    rtl = test.alphabet.direction == "rtl"
    for seed in range(pages):
        rows = np.random.default_rng(seed).permutation(len(test))[:CHARACTERS]
        page = draw_page(test.take(rows), test.labels[rows], condition=condition, seed=seed, size=size, rtl=rtl)
        start = time.perf_counter()
        read = reader.recognize(page.image)
        seconds.append(time.perf_counter() - start)
        match = overlaps(page.boxes, np.array([one.box for one in read]).reshape(-1, 4))
        hit = match.max(axis=1, initial=0) >= 0.5
        recall.append(hit.mean())
        precision.append(float((match.max(axis=0, initial=0) >= 0.5).mean()) if read else 1.0)
        texts = [read[place].text if found else "" for place, found in zip(match.argmax(axis=1), hit, strict=True)]
        right.append(np.mean([text == test.alphabet.characters[n] for text, n in zip(texts, page.labels, strict=True)]))
        refused.append(np.mean([found and not text for text, found in zip(texts, hit, strict=True)]))
    means = {"recall": recall, "precision": precision, "right": right, "refused": refused}
    return {
        "condition": condition if size == SIZE else f"{condition}, {size} pixels",
        "pages": pages,
        **{name: round(float(np.mean(values)), 4) for name, values in means.items()},
        "seconds": round(statistics.median(seconds), 2),
    }


def alone(reader: hw.Recognizer, test: hw.Dataset, *, boxed: bool = False) -> dict[str, object]:
    """Return how many characters are read rightly from photographs of them, and from the data set's own pictures."""
    rows = np.random.default_rng(0).permutation(len(test))[:ALONE]
    texts = [test.alphabet.characters[label] for label in test.labels[rows]]
    photographs = [photographed(picture[..., 0], seed, boxed=boxed) for seed, picture in enumerate(test.take(rows))]
    read = [reader.recognize_single(photograph).text for photograph in photographs]
    right, own = (
        np.mean([one == text for one, text in zip(answers, texts, strict=True)])
        for answers in (read, reader.predict(test.take(rows)))
    )
    return {"characters": len(rows), "right": round(float(right), 4), "own_pictures": round(float(own), 4)}


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
