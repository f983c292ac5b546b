"""Two processes that train one network: how equal, and whether they go on after the death of either.

    python benchmarks/reliability/processes.py

Trains LeNet-5 on the digits in one process and in a group of two (`handwriting-cnn train --processes 2`), on the JAX
backend with augmentation and a moving average of the weights, and compares the weights. Then kills either member at
random instants, measures how soon the whole group has ended, starts the same command again until it comes through, and
compares with the undisturbed group's weights, bit for bit.
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

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from safetensors.numpy import load_file
from seeds import RESULTS, installed, machine

CONFIG = {"epochs": 3, "batch_size": 64, "ema": 0.9, "precision": "float32", "steps_per_execution": 1}
TRAIN = [sys.executable, "-m", "handwriting_cnn", "train", "--dataset", "digits", "--model", "lenet5"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10, help="members that are killed (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the instants (default 0)")
    given = parser.parse_args()
    instants = random.Random(given.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = root / "config.json"
        settings.write_text(json.dumps(CONFIG), "utf-8")
        alone = train(root / "one", settings, processes=1)
        began = time.monotonic()
        together = train(root / "two", settings, processes=2)
        whole = time.monotonic() - began
        kills: list[dict[str, float]] = []
        chains = different = 0
        while len(kills) < given.kills:
            chains += 1
            found = None
            while found is None:
                member, after = len(kills) % 2, instants.uniform(0.2, 1.0) * whole
                place = root / f"chain{chains}"
                found = train(place, settings, processes=2, kill=(member, after), kills=kills)
            different += not all(np.array_equal(found[name], together[name]) for name in together)
            print(f"{len(kills)} kills, {chains} chains, {different} different", flush=True)
    ends = [kill["seconds"] for kill in kills]
    record = {
        "command": f"python benchmarks/reliability/processes.py --kills {given.kills} --seed {given.seed}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "jax", "numpy")},
        "largest_difference_to_one_process": max(float(np.abs(alone[n] - together[n]).max()) for n in together),
        "kills": kills,
        "longest_seconds_to_the_end_of_the_group": max(ends),
        "chains": chains,
        "different": different,
    }
    (RESULTS / "reliability-processes.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(different > 0)


def train(folder, settings, *, processes, kill=None, kills=None):
    """Return the weights, or ``None`` if a member was killed; what happened then is added to ``kills``."""
    command = [*TRAIN, "--config", str(settings), "--out", str(folder), "--processes", str(processes)]
    running = subprocess.Popen(
        command, env={**os.environ, "KERAS_BACKEND": "jax"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if kill is not None:
        member, after = kill
        try:
            running.wait(after)
        except subprocess.TimeoutExpired:
            victims = members(running.pid)
            if len(victims) == 2:
                os.kill(victims[member], signal.SIGKILL)
                began = time.monotonic()
                running.communicate()
                if running.returncode == 0:  # it had ended already
                    return load_file(folder / "model.safetensors")
                kills.append(
                    {"member": member, "after": round(after, 1), "seconds": round(time.monotonic() - began, 2)}
                )
                if running.returncode != 128 + signal.SIGKILL or any(map(alive, victims)):
                    sys.exit(f"the group did not end: status {running.returncode}")
                return None
    _, message = running.communicate()
    if running.returncode:
        sys.exit(f"status {running.returncode}: {message.decode()[-2000:]}")
    return load_file(folder / "model.safetensors")


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
