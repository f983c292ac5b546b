"""Training speed: the Trainer against plain Keras and PyTorch, and fused batch normalisation against Keras's own.

    python benchmarks/train_speed.py

Both sides of a pair train the same network on the same pictures in turns, in one process (PyTorch in one of its own,
torch_loop.py); what is printed is the median of the ratios of each turn's images per second. The first epoch of each
side pays for tracing and does not count. bfloat16 cells need a processor that has instructions for it; ``--bfloat16``
measures them all the same. Cells against PyTorch need it installed: an eager loop over the same network, channels last,
with the same optimizer.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from seeds import installed, machine

import handwriting_cnn as hw
from handwriting_cnn.training.resolve import auto_precision

CLASSES = 28
LOOP = Path(__file__).with_name("torch_loop.py")
RESULT = Path(__file__).parent / "results" / "train_speed.json"


class EpochClock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def build(name: str) -> keras.Model:
    return hw.build_model(name, input_shape=(32, 32, 1), num_classes=CLASSES, seed=0)


def with_keras(data: hw.Dataset, model: keras.Model, *, precision: str, batch_size: int, epochs: int) -> float:
    """Images per second of plain ``fit``: the settings of a first script."""
    if precision == "bfloat16":
        for layer in model.layers[1:-1]:
            layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = EpochClock()
    model.fit(data.images, data.labels, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[clock])
    return len(data) / min(clock.seconds[1:])


def with_trainer(data: hw.Dataset, model: keras.Model, *, precision: str, batch_size: int, epochs: int) -> float:
    """Images per second of the Trainer with the same optimizer and no augmentation."""
    config = hw.TrainConfig(
        epochs=epochs,
        batch_size=batch_size,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        weight_decay=0,
        label_smoothing=0,
        outliers=0,
        augment=None,
        precision=precision,
    )
    clock = EpochClock()
    hw.Trainer(config).fit(model, data, callbacks=[clock], progress=False)
    return len(data) / min(clock.seconds[1:])


def with_torch(data: hw.Dataset, *, precision: str, batch_size: int, epochs: int) -> float:
    """Images per second of a plain loop in PyTorch, in a process of its own."""
    command = [sys.executable, LOOP, precision, str(batch_size), str(epochs), str(len(data))]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def paired(first: Callable[[], float], second: Callable[[], float], *, repeats: int) -> dict[str, Any]:
    """Measure both sides in turns; the ratio is of the second to the first."""
    turns = [(first(), second()) for _ in range(repeats)]
    ratios = [b / a for a, b in turns]
    return {"images_per_second": turns, "ratios": ratios, "median_ratio": statistics.median(ratios)}


def stock(model: keras.Model) -> keras.Model:
    """The same network with Keras's own batch normalisation."""

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            return keras.layers.BatchNormalization(**config)
        return layer.__class__(**config)

    return keras.models.clone_model(model, clone_function=clone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=3, help="epochs a turn; the fastest but the first counts")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each pair")
    parser.add_argument("--bfloat16", action="store_true", help="measure bfloat16 without instructions for it, too")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (given.images, 32, 32, 1), dtype=np.uint8)
    data = hw.Dataset.from_arrays(pixels, np.arange(given.images) % CLASSES, alphabet=list(map(str, range(CLASSES))))
    has_bfloat16 = auto_precision() == "bfloat16"
    precisions = ["float32", "bfloat16"] if has_bfloat16 or given.bfloat16 else ["float32"]
    cells: dict[str, Any] = {}
    for precision in precisions:
        for batch_size in (32, 128):
            settings = {"precision": precision, "batch_size": batch_size, "epochs": given.epochs}
            name = f"cnn14, {precision}, batch {batch_size}: Trainer against plain Keras"
            cells[name] = paired(
                lambda s=settings: with_keras(data, build("cnn14"), **s),
                lambda s=settings: with_trainer(data, build("cnn14"), **s),
                repeats=given.repeats,
            )
            print(f"{name}: {cells[name]['median_ratio']:.2f}", flush=True)
    if importlib.util.find_spec("torch") is not None:
        for precision in precisions:
            settings = {"precision": precision, "batch_size": 128, "epochs": given.epochs}
            name = f"cnn14, {precision}, batch 128: Trainer against PyTorch"
            cells[name] = paired(
                lambda s=settings: with_torch(data, **s),
                lambda s=settings: with_trainer(data, build("cnn14"), **s),
                repeats=given.repeats,
            )
            print(f"{name}: {cells[name]['median_ratio']:.2f}", flush=True)
    baseline = [
        first for first, _ in cells["cnn14, float32, batch 32: Trainer against plain Keras"]["images_per_second"]
    ]
    best = max(statistics.median(b for _, b in cell["images_per_second"]) for cell in cells.values())
    summary = {"best Trainer setting against plain Keras in float32 at batch 32": best / statistics.median(baseline)}
    settings = {"precision": precisions[-1], "batch_size": 128, "epochs": given.epochs}
    name = f"cnn14_bn, {precisions[-1]}, batch 128: fused batch normalisation against Keras's own"
    cells[name] = paired(
        lambda: with_trainer(data, stock(build("cnn14_bn")), **settings),
        lambda: with_trainer(data, build("cnn14_bn"), **settings),
        repeats=given.repeats,
    )
    print(f"{name}: {cells[name]['median_ratio']:.2f}")
    for text, ratio in summary.items():
        print(f"{text}: {ratio:.2f}")
    if not has_bfloat16:
        print("this processor has no bfloat16 instructions")
    versions = {package: installed(package) for package in ("keras", "tensorflow", "torch", "numpy")}
    record = {
        "machine": machine(),
        "bfloat16_instructions": has_bfloat16,
        "versions": versions,
        **summary,
        "cells": cells,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
