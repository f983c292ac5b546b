"""Reading folders of many pictures: memory against their number, and whether a run that is killed goes on.

    python benchmarks/reliability/many_pictures.py

Draws pictures of strokes, a few of them broken, and reads them with `handwriting-cnn predict --out`. Compares the
largest resident memory for a small and a large folder; then kills the reading of the large one with SIGKILL at random
instants, again and again, and compares what was read in the end with an undisturbed run's.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, installed, machine

MODEL = "mnist-digits"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="500,5000", help="pictures of the two folders (default 500,5000)")
    parser.add_argument("--kills", type=int, default=6, help="kills of the large one's reading (default 6)")
    parser.add_argument("--seed", type=int, default=0, help="seed of strokes and instants (default 0)")
    given = parser.parse_args()
    few, many = map(int, given.counts.split(","))
    draws = random.Random(given.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        memory, seconds = {}, 0.0
        for count in (few, many):
            draw(root / f"{count}", count, given.seed)
            memory[count], seconds = read(root / f"{count}", root / f"{count}.jsonl")
        kills = 0
        while kills < given.kills and killed(
            root / f"{many}", root / "killed.jsonl", draws.uniform(0.2, 0.8) * seconds
        ):
            kills += 1
        read(root / f"{many}", root / "killed.jsonl")
        equal = lines(root / "killed.jsonl") == lines(root / f"{many}.jsonl")
    record = {
        "command": f"python benchmarks/reliability/many_pictures.py --counts {given.counts} --kills {given.kills}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy")},
        "largest_mb": {str(count): round(kilobytes / 1024) for count, kilobytes in memory.items()},
        "pictures_a_second": round(many / seconds),
        "kills": kills,
        "equal": equal,
    }
    (RESULTS / "reliability-many-pictures.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(not equal)


def draw(folder: Path, count: int, seed: int) -> None:
    """Draw pictures in folders of a thousand; one of a hundred is broken."""
    strokes = np.random.default_rng(seed)
    for number in range(count):
        place = folder / f"{number // 1000:03d}" / f"{number:06d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        if number % 100 == 99:
            place.write_bytes(b"no picture")
            continue
        image = Image.new("L", (64, 64), 255)
        ImageDraw.Draw(image).line([tuple(point) for point in strokes.integers(8, 56, (4, 2)).tolist()], 0, 5)
        image.save(place)


def command(pictures: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "handwriting_cnn", "predict", str(pictures), "--model", MODEL, "--out", str(out)]


def read(pictures: Path, out: Path) -> tuple[int, float]:
    """Return the largest resident memory in kilobytes, and the seconds."""
    began = time.monotonic()
    running = subprocess.Popen(command(pictures, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(running.pid, 0)
    if os.waitstatus_to_exitcode(status) != 2:  # some could not be read
        sys.exit(f"status {status}")
    return usage.ru_maxrss, time.monotonic() - began


def killed(pictures: Path, out: Path, after: float) -> bool:
    """Return whether the reading was killed, and not over before."""
    running = subprocess.Popen(command(pictures, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        running.wait(after)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGKILL)
        running.wait()
        return True
    return False


def lines(path: Path) -> dict[str, Any]:
    """Return what was read of each picture, the last line of one that was tried again."""
    return {(line := json.loads(text)).get("file", ""): line for text in path.read_text("utf-8").splitlines()}


if __name__ == "__main__":
    main()
