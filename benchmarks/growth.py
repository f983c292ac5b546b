"""How an epoch's time and the memory of training grow with pictures, classes and their side.

    python benchmarks/growth.py

trains the network on random pictures, each point in a process of its own: what grows runs through its values while the
others stay at 4,096 pictures, 32 classes and 32 pixels. It prints each point's seconds an epoch (the second one: the
first pays for tracing) and peak memory above what the process had before it built the network, and the exponents p of
``time ~ value^p`` fitted through the points (least squares of the logarithms). It writes
benchmarks/results/growth.json.

    python benchmarks/growth.py --on-disk 800000

trains on so many pictures that lie in a file, mapped into memory, and on a tenth of them: memory that the pictures
themselves take would show in the difference. It writes benchmarks/results/growth-on-disk.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from seeds import installed, machine

RESULTS = Path(__file__).parent / "results"
USUAL = {"images": 4096, "classes": 32, "side": 32}
VALUES = {
    "images": (1024, 2048, 4096, 8192, 16_384),
    "classes": (2, 32, 128, 512, 1000),
    "side": (16, 32, 48, 64, 96, 128),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="glyphnet", help="a network by name (default glyphnet)")
    parser.add_argument("--on-disk", type=int, metavar="N", help="train on N pictures in a file instead")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        print(json.dumps(measure(**json.loads(given.point))))
    elif given.on_disk:
        keep("growth-on-disk", {"points": on_disk(given.on_disk)}, f" --on-disk {given.on_disk}")
    else:
        points = {
            name: [point({**USUAL, name: value, "model": given.model}) for value in VALUES[name]] for name in VALUES
        }
        exponents = {
            name: {figure: exponent(rows, name, figure) for figure in ("seconds_an_epoch", "peak_megabytes")}
            for name, rows in points.items()
        }
        keep("growth", {"points": points, "exponents": exponents}, f" --model {given.model}")


def on_disk(count: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.npy"
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, 32, 32, 1))
        random = np.random.default_rng(0)
        for start in range(0, count, 10_000):
            pixels[start : start + 10_000] = random.integers(0, 256, (min(10_000, count - start), 32, 32, 1), np.uint8)
        pixels.flush()
        shared = {"classes": 32, "side": 32, "model": "lenet5", "epochs": 1, "path": str(path)}
        return [point({**shared, "images": images}) for images in (count // 10, count)]


def point(settings: dict[str, Any]) -> dict[str, Any]:
    words = [sys.executable, __file__, "--point", json.dumps(settings)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found = {**settings, **json.loads(done.stdout.splitlines()[-1])}
    found.pop("path", None)
    print(found, flush=True)
    return found


def measure(
    *, images: int, classes: int, side: int, model: str, epochs: int = 2, path: str | None = None
) -> dict[str, float]:
    """Train and return the last epoch's seconds and the peak of memory that no file backs."""
    import keras

    import handwriting_cnn as hw

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.started

    if path is None:
        pixels = np.random.default_rng(0).integers(0, 256, (images, side, side, 1), dtype=np.uint8)
    else:
        pixels = np.load(path, mmap_mode="r")[:images]
    names = [str(number) for number in range(classes)]
    data = hw.Dataset.from_arrays(pixels, np.arange(images) % classes, alphabet=names)
    keras.ops.convert_to_numpy(keras.ops.ones(1))  # the backend has started
    before, clock, memory = anonymous_bytes(), Clock(), PeakMemory()
    network = hw.build_model(model, input_shape=data.input_shape, num_classes=classes, seed=0)
    hw.Trainer(hw.TrainConfig(epochs=epochs, batch_size=128)).fit(network, data, callbacks=[clock], progress=False)
    return {
        "seconds_an_epoch": round(clock.seconds, 3),
        "peak_megabytes": round((memory.stop() - before) / 2**20, 1),
    }


class PeakMemory:
    """Watches this process's memory, ten times a second."""

    def __init__(self) -> None:
        self._peak, self._done = anonymous_bytes(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._peak = max(self._peak, anonymous_bytes())

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._peak


def anonymous_bytes() -> int:
    """Return this process's memory that no file backs (Linux), in bytes."""
    lines = Path("/proc/self/status").read_text("ascii", errors="replace").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("RssAnon:")))


def exponent(rows: list[dict[str, Any]], name: str, figure: str) -> float:
    values = np.log([[row[name], row[figure]] for row in rows])
    return round(float(np.polyfit(values[:, 0], values[:, 1], 1)[0]), 2)


def keep(name: str, found: dict[str, Any], options: str) -> None:
    versions = {package: installed(package) for package in ("keras", "tensorflow", "numpy")}
    record = {"command": f"python benchmarks/growth.py{options}", "machine": machine(), "versions": versions, **found}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if "exponents" in found:
        print(json.dumps(found["exponents"], indent=1))


if __name__ == "__main__":
    main()
