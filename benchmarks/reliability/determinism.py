"""Whether equal runs end bit-equal, and what that costs.

    python benchmarks/reliability/determinism.py --runs 20

Runs the same training on the digits in so many processes, with `deterministic=True`, and compares weights and history;
then both ways in turns, in a process each, and compares the seconds of an epoch, the first of which does not count.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
from multiprocessing import get_context
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, installed, machine

NETWORKS = ("glyphnet", "cnn14")
"""Networks whose cost is measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs that must end equal (default 20)")
    parser.add_argument("--turns", type=int, default=5, help="runs of each way for the cost (default 5)")
    given = parser.parse_args()
    digests = [in_process(digest_of_a_run, "glyphnet") for _ in range(given.runs)]
    print(f"{len(set(digests))} different results of {given.runs} runs", flush=True)
    costs = {name: cost(name, given.turns) for name in NETWORKS}
    record = {
        "command": f"python benchmarks/reliability/determinism.py --runs {given.runs} --turns {given.turns}",
        "machine": machine(),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "numpy")},
        "trainings": given.runs,
        "different_results": len(set(digests)),
        "cost": costs,
    }
    (RESULTS / "reliability-determinism.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    sys.exit(len(set(digests)) > 1)


def in_process(function, *arguments):
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def digest_of_a_run(name: str) -> str:
    import numpy as np

    model, history, _ = run(name, epochs=2, deterministic=True)
    digest = hashlib.sha256(json.dumps(history).encode())
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.value).tobytes())
    return digest.hexdigest()


def cost(name: str, turns: int) -> dict[str, object]:
    """Return how many times longer an epoch takes when equal runs end bit-equal."""
    seconds = [[in_process(epoch_seconds, name, way) for way in (True, False)] for _ in range(turns)]
    ratios = [with_it / without for with_it, without in seconds]
    found = {
        "seconds_an_epoch": [round(statistics.median(way), 2) for way in zip(*seconds, strict=True)],
        "ratios": [round(ratio, 3) for ratio in ratios],
        "median_ratio": round(statistics.median(ratios), 3),
    }
    print(name, found, flush=True)
    return found


def epoch_seconds(name: str, deterministic: bool) -> float:  # noqa: FBT001
    *_, seconds = run(name, epochs=4, deterministic=deterministic)
    return statistics.median(seconds[1:])


def run(name: str, *, epochs: int, deterministic: bool):
    import time

    import keras

    import handwriting_cnn as hw

    train = hw.load_dataset("digits").train
    model = hw.build_model(name, input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: ends.append(time.perf_counter()),
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()),
    )
    config = hw.TrainConfig(
        epochs=epochs, batch_size=128, precision="float32", steps_per_execution=4, deterministic=deterministic
    )
    result = hw.Trainer(config).fit(model, train, callbacks=[clock], progress=False)
    seconds = [end - begin for begin, end in zip(ends[::2], ends[1::2], strict=True)]
    return model, result.history, seconds


if __name__ == "__main__":
    main()
