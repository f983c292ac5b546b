"""Reading pages: how many characters are found and read rightly, in each condition of paper, light and camera.

    python benchmarks/page_reading.py --model runs/ahcd/model.safetensors --dataset ahcd

draws 20 pages of 140 characters of the data set's test part in each condition, from seeds 0 to 19
(tests/recognition/pages.py), then clean ones with smaller characters, reads them, and writes
benchmarks/results/page-reading-DATASET.json. A character is found if a box overlaps its own by half (intersection over
union); one that is not found, or not recognised, is not read rightly. Characters photographed alone: round_trip.py.
"""

import argparse
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
from seeds import installed, machine

import handwriting_cnn as hw

RESULTS = Path(__file__).parent / "results"
CHARACTERS = 140
SMALLER = (40, 30, 20)  # pixels of a data set's picture on a page; its letter takes half of that and more


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
    }
    path = RESULTS / f"page-reading-{given.dataset}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"own test set {own:.2%}")
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


if __name__ == "__main__":
    main()
