"""Show from the pixels alone that AHCD's published split has the same writers on both sides.

    python benchmarks/ahcd_writers.py

writes benchmarks/results/ahcd-writers.json: how often a test picture's nearest train picture of its letter (Euclidean
distance between pixels) lies in the block of rows of the same number, and for how many test blocks the nearest train
block (least mean distance of nearest pictures) is that one. Nothing is trained and no seed is drawn.
"""

import json
from pathlib import Path

import numpy as np

import handwriting_cnn as hw

RESULTS = Path(__file__).parent / "results"
BLOCKS = 60


def main() -> None:
    train, test = hw.load_dataset("ahcd", protocol="official")
    train_block, test_block = np.arange(len(train)) // 224, np.arange(len(test)) // 56
    nearest_block = np.empty(len(test), int)
    distance_to_block = np.full((len(test), BLOCKS), np.inf)
    for letter in range(train.num_classes):
        ours, theirs = np.flatnonzero(test.labels == letter), np.flatnonzero(train.labels == letter)
        one, other = (
            part.take(rows).reshape(len(rows), -1).astype(np.float64) for part, rows in ((test, ours), (train, theirs))
        )
        squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
        nearest_block[ours] = train_block[theirs[squared.argmin(axis=1)]]
        for block in range(BLOCKS):
            distance_to_block[ours, block] = np.sqrt(squared[:, train_block[theirs] == block].min(axis=1).clip(0))
    mean = np.stack([distance_to_block[test_block == block].mean(axis=0) for block in range(BLOCKS)])
    found = {
        "command": "python benchmarks/ahcd_writers.py",
        "same_block_share": float((nearest_block == test_block).mean()),
        "chance": 1 / BLOCKS,
        "blocks_nearest_to_their_own_number": int((mean.argmin(axis=1) == np.arange(BLOCKS)).sum()),
        "blocks": BLOCKS,
    }
    (RESULTS / "ahcd-writers.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
