"""What checkpoints cost, and how soon a run ends that is asked to.

    python benchmarks/reliability/checkpoint_cost.py

Trains CNN-14 on AHCD with a run folder and measures the share of the time that is spent in saving, the copies before
validation included. Then sends SIGTERM to `handwriting-cnn train` in the middle of its second epoch, several times, and
measures the seconds until the process has ended; each run must leave a checkpoint from within the epoch.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import handwriting_cnn as hw
from handwriting_cnn.training.checkpointing import Checkpointing

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, installed, machine

spent = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="epochs of the run that is measured (default 3)")
    parser.add_argument("--stops", type=int, default=5, help="runs that are stopped (default 5)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        share = share_of_saving(Path(folder) / "run", given.epochs)
        stops = [stop(Path(folder) / f"stop{number}") for number in range(given.stops)]
    record = {
        "command": f"python benchmarks/reliability/checkpoint_cost.py --epochs {given.epochs} --stops {given.stops}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy")},
        **share,
        "seconds_from_signal_to_end": stops,
    }
    (RESULTS / "reliability-checkpoint-cost.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))


def share_of_saving(folder: Path, epochs: int) -> dict[str, Any]:
    for name in ("on_train_batch_end", "on_test_begin", "on_test_batch_end", "complete"):
        setattr(Checkpointing, name, timed(getattr(Checkpointing, name)))
    train, validation = hw.load_dataset("ahcd").train.split(0.125, by="writer", seed=0)
    model = hw.build_model("cnn14", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    result = hw.Trainer(hw.TrainConfig(epochs=epochs)).fit(model, train, validation=validation, run_dir=folder)
    return {
        "epochs": epochs,
        "seconds_of_training": round(result.seconds, 1),
        "seconds_of_saving": round(spent, 2),
        "share_of_saving": round(spent / result.seconds, 4),
    }


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        global spent  # noqa: PLW0603
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent += time.perf_counter() - start

    return call


def stop(folder: Path) -> float:
    """Return the seconds that a run takes to end."""
    words = ["train", "--dataset", "ahcd", "--model", "cnn14", "--out", str(folder)]
    running = subprocess.Popen([sys.executable, "-m", "handwriting_cnn", *words], stderr=subprocess.PIPE)
    while not (folder / "checkpoints" / "epoch-00001").is_dir():
        time.sleep(0.1)
    time.sleep(3.0)  # into the second epoch
    began = time.perf_counter()
    running.send_signal(signal.SIGTERM)
    _, message = running.communicate()
    seconds = time.perf_counter() - began
    left = max(path.name for path in (folder / "checkpoints").iterdir())
    if running.returncode != 143 or not left.startswith("epoch-00001-step-"):
        sys.exit(f"status {running.returncode}, newest checkpoint {left}: {message.decode()}")
    print(f"{left}: {seconds:.2f} s", flush=True)
    return round(seconds, 2)


if __name__ == "__main__":
    main()
