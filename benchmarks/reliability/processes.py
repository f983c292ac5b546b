"""Two processes that train one network: how equal, and whether they go on after the death of either.

    python benchmarks/reliability/processes.py

Trains LeNet-5 on the digits in one process and in a group of two (`handwriting-cnn train --processes 2`), on the JAX
backend with augmentation and a moving average of the weights, and compares the weights. Then kills either member at
random instants, measures how soon the whole group has ended, starts the same command again until it comes through, and
compares with the undisturbed group's weights, bit for bit. Of five instants one lies within the time of a whole run,
counted from its start, four within the time from the first checkpoint to the end, counted from the first new one.
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
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from safetensors.numpy import load_file
from seeds import RESULTS, installed, machine

CONFIG = {"epochs": 12, "batch_size": 64, "ema": 0.9, "precision": "float32", "steps_per_execution": 1}
TRAIN = [sys.executable, "-m", "handwriting_cnn", "train", "--dataset", "digits", "--model", "lenet5"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="members that are killed (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants (default 0)")
    given = parser.parse_args()
    instants = random.Random(given.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = root / "config.json"
        settings.write_text(json.dumps(CONFIG), "utf-8")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(root / "compiled")
        alone = train(root / "one", settings, processes=1)
        together = train(root / "two", settings, processes=2)
        kills: list[dict[str, float]] = []
        chains = different = 0
        while len(kills) < given.kills:
            chains += 1
            run = None
            while run is None or run.weights is None:
                early = instants.random() < 0.2
                after = instants.uniform(0, together.seconds if early else together.seconds_from_checkpoint)
                kill = {"member": len(kills) % 2, "early": early, "after": after}
                run = train(root / f"chain{chains}", settings, processes=2, kill=kill)
                if run.seconds_to_end is not None:
                    kills.append({**kill, "after": round(after, 1), "seconds": run.seconds_to_end})
            different += not all(np.array_equal(run.weights[name], array) for name, array in together.weights.items())
            print(f"{len(kills)} kills, {chains} chains, {different} different", flush=True)
    ends = [kill["seconds"] for kill in kills]
    record = {
        "command": f"python benchmarks/reliability/processes.py --kills {given.kills} --seed {given.seed}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "jax", "numpy")},
        "largest_difference_to_one_process": max(
            float(np.abs(alone.weights[name] - array).max()) for name, array in together.weights.items()
        ),
        "kills": kills,
        "longest_seconds_to_the_end_of_the_group": max(ends),
        "chains": chains,
        "different": different,
    }
    (RESULTS / "reliability-processes.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(different > 0)


class Run(NamedTuple):
    """What is left of a run: no weights, and the seconds from the kill to the group's end, if a member was killed."""

    weights: dict[str, np.ndarray] | None
    seconds: float
    seconds_from_checkpoint: float
    seconds_to_end: float | None


def train(folder, settings, *, processes, kill=None) -> Run:
    command = [*TRAIN, "--config", str(settings), "--out", str(folder), "--processes", str(processes)]
    before, began, first, killed, victims = checkpoints(folder), time.monotonic(), None, None, []
    with tempfile.TemporaryFile() as told:
        running = subprocess.Popen(
            command, env={**os.environ, "KERAS_BACKEND": "jax"}, stdout=subprocess.DEVNULL, stderr=told
        )
        while running.poll() is None:
            now = time.monotonic()
            if first is None and checkpoints(folder) - before:
                first = now
            since = began if kill and kill["early"] else first
            if kill and killed is None and since is not None and now > since + kill["after"]:
                victims = members(running.pid)
                if len(victims) == processes:
                    os.kill(victims[kill["member"]], signal.SIGKILL)
                    killed = time.monotonic()
            time.sleep(0.01)
        ended = time.monotonic()
        told.seek(0)
        message = told.read().decode()
    if running.returncode not in ({0} if killed is None else {0, 128 + signal.SIGKILL}):
        sys.exit(f"status {running.returncode}: {message[-2000:]}")
    if any(map(alive, victims)):
        sys.exit("a member lives on")
    whole = running.returncode == 0  # a member that was killed may have ended already
    return Run(
        weights=load_file(folder / "model.safetensors") if whole else None,
        seconds=ended - began,
        seconds_from_checkpoint=ended - (first or ended),
        seconds_to_end=None if whole else round(ended - killed, 2),
    )


def checkpoints(folder) -> set[str]:
    """Return the names of a run's checkpoints."""
    return {path.name for path in folder.glob("checkpoints/epoch-*")}


def members(launcher: int) -> list[int]:
    """Return the launcher's children, the first member first."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text("utf-8").split()
    return sorted(map(int, children))


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
