"""Ask with which activation, pooling and rate LeNet-5 reads AHCD's held-out writers best; no test picture is looked at.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/lenet_choices.py --seeds 2

trains each of the four networks by task 3's honest protocol, then ReLU with maxima at higher rates, prints the best
epoch's accuracy on the held-out writers, and writes benchmarks/results/lenet-choices.json.
"""

import argparse
import dataclasses
import json
from itertools import product
from pathlib import Path
from typing import Any

from seeds import machine

import handwriting_cnn as hw
from handwriting_cnn.tasks.definitions import find_task
from handwriting_cnn.tasks.task_training import held_out_part

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="seeds 0, 1, ... (default 2)")
    given = parser.parse_args()
    networks = product(("tanh", "relu"), ("average", "max"), (1e-3,))
    choices = [*networks, *(("relu", "max", rate) for rate in (2e-3, 4e-3, 8e-3))]
    rows = [
        run(seed, rate, activation=activation, pooling=pooling)
        for seed, (activation, pooling, rate) in product(range(given.seeds), choices)
    ]
    record = {
        "command": f"python benchmarks/lenet_choices.py --seeds {given.seeds}",
        "machine": machine(),
        "held_out": rows,
    }
    (RESULTS / "lenet-choices.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def run(seed: int, rate: float, **options: str) -> dict[str, Any]:
    train, validation = held_out_part(hw.load_dataset("ahcd").train, seed=seed)
    sizes: dict[str, Any] = {"input_shape": train.input_shape, "num_classes": train.num_classes}
    config = dataclasses.replace(
        find_task("task3-lenet5").config, epochs=30, schedule="one-cycle", learning_rate=rate, seed=seed
    )
    model = hw.build_model("lenet5", seed=seed, **sizes, **options)
    history = hw.Trainer(config).fit(model, train, validation=validation).history
    found = {"seed": seed, **options, "rate": rate, "held_out_accuracy": max(history["val_accuracy"])}
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
