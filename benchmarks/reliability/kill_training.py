"""Kill a training with SIGKILL at random instants, start it again, and compare the weights with an undisturbed run's.

    python benchmarks/reliability/kill_training.py --kills 200

Three epochs of the digits with dropout and augmentation, in deterministic mode. Each run of a chain is killed at a
random instant: of five, four within half the time from the first update of a whole run to its end, counted from the
first update, and one within the time of a whole run, counted from its start. The chain ends with a run that came
through, whose weights and history must be, bit for bit, those of the undisturbed run. Every other chain saves the state
after each update, so that kills meet many writes. Runs are forked from a process that has imported everything, but run
nothing.
"""

import argparse
import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

import handwriting_cnn as hw
from handwriting_cnn.training import checkpointing
from handwriting_cnn.training.trainer import Trainer

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, installed, machine

CONFIG = hw.TrainConfig(
    epochs=3, batch_size=16, augment=hw.AugmentConfig(), deterministic=True, precision="float32", steps_per_execution=2
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="kills, of runs that had not ended (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants (default 0)")
    given = parser.parse_args()
    instants = random.Random(given.seed)  # noqa: S311
    places: Counter[str] = Counter()
    chains = different = restarts = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        began = time.time()
        wanted = outcome(root / "undisturbed", every_update=False)
        updates = time.time() - float((root / "undisturbed" / "begun").read_text("utf-8"))
        whole = time.time() - began
        while places.total() < given.kills:
            run, every_update = root / f"chain{chains}", chains % 2 == 1
            while True:
                early = instants.random() < 0.2
                kill_after = instants.uniform(0, whole if early else updates / 2)
                found = outcome(run, every_update=every_update, kill_after=kill_after, early=early)
                if found is not None:
                    break
                places[place(run)] += 1
                restarts += 1
            chains += 1
            different += found != wanted
            shutil.rmtree(run)
            print(f"{places.total()} kills, {chains} chains, {different} different", flush=True)
    record = {
        "command": f"python benchmarks/reliability/kill_training.py --kills {given.kills} --seed {given.seed}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy")},
        "kills": places.total(),
        "places": dict(sorted(places.items())),
        "restarts": restarts,
        "chains": chains,
        "different": different,
        "seconds_of_a_run": round(whole, 1),
        "seconds_of_its_updates": round(updates, 1),
    }
    (RESULTS / "reliability-kill-training.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(different > 0)


def outcome(folder: Path, *, every_update: bool, kill_after: float = math.inf, early: bool = False) -> str | None:
    """Run in a process of its own; return a digest of weights and history, or ``None`` if it was killed.

    ``kill_after`` counts from the first update, or from the start where it is ``early``.
    """
    folder.mkdir(exist_ok=True)
    (folder / "begun").unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            (folder / "outcome").write_text(train(folder, every_update=every_update), "utf-8")
        except BaseException as error:  # noqa: BLE001
            print(f"the run failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    counted_from = time.monotonic() if early else None
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if counted_from is None and (folder / "begun").exists():
            counted_from = time.monotonic()
        if counted_from is not None and time.monotonic() > counted_from + kill_after:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.001)
    if os.WIFSIGNALED(ended[1]):
        return None
    if os.WEXITSTATUS(ended[1]):
        sys.exit(f"a run failed in {folder}")
    return (folder / "outcome").read_text("utf-8")


def train(folder: Path, *, every_update: bool) -> str:
    if every_update:
        checkpointing.SAVE_SECONDS = 0.0
    train = hw.load_dataset("digits").train
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(train.input_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.25),
            keras.layers.Dense(train.num_classes, activation="softmax"),
        ]
    )
    part, validation = train.split(0.125, by="class", seed=0)
    begun = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: note_begin(folder / "begun"))
    result = Trainer(CONFIG).fit(
        model, part, validation=validation, run_dir=folder / "run", callbacks=[begun], progress=False
    )
    digest = hashlib.sha256(json.dumps(result.history).encode())
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.value).tobytes())
    return digest.hexdigest()


def note_begin(file: Path) -> None:
    if not file.exists():
        file.write_text(str(time.time()), "utf-8")


def place(folder: Path) -> str:
    """Say where a kill met a run, by what it left."""
    checkpoints = folder / "run" / "checkpoints"
    left = [path.name for path in checkpoints.iterdir()] if checkpoints.is_dir() else []
    if any(re.fullmatch(r"\..*\.(part|old)", name) for name in left):
        return "while a checkpoint was written"
    if not left:
        return "before the first checkpoint"
    return "within an epoch, after a checkpoint"


if __name__ == "__main__":
    main()
