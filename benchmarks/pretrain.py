"""Train the models that the package brings along.

    python benchmarks/pretrain.py russian-letters --runs runs

trains GlyphNet by the library's defaults (seed 0) on the train parts of the model's data sets, one eighth of each held
out by its own rule (to keep the best epoch, where the model's row says so); rounds the weights to float16; fits how the
rounded model reads to the held-out part; scores it once on each official test part; and writes
src/handwriting_cnn/pretrained/NAME.safetensors, whose header has the card. A run that was stopped continues.

    python benchmarks/pretrain.py russian-letters --calibrate

keeps the network that is there and does the rest again.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import handwriting_cnn as hw
from handwriting_cnn.tasks.task_training import held_out_part
from handwriting_cnn.training.calibration import reading_rules

FOLDER = Path(__file__).parents[1] / "src" / "handwriting_cnn" / "pretrained"
BEST = {"keep": "best"}  # as these were trained, before the last epoch became the default: epochs 28, 30 and 20 of 30
MODELS: dict[str, dict[str, Any]] = {
    "arabic-letters": {
        "parts": (("ahcd", "official"), ("hijja", "isolated")),
        "settings": BEST,
        "limits": "Isolated forms of the 28 letters and the hamza, by adults and by children: no joined forms, no ta "
        "marbuta, no digits. AHCD's official test set has the writers of its training set; Hijja's has other children.",
    },
    "arabic-letters-ahcd": {
        "parts": (("ahcd", "official"),),
        "limits": "Isolated forms of the 28 letters: no ta marbuta, no digits, no hamza of its own. The official test "
        "set has the writers of the training set; unseen writers cost about a point.",
    },
    "russian-letters": {
        "parts": (("russian-letters", "fixed"),),
        "settings": BEST,
        "limits": "The 33 lower-case letters by few writers, in the cursive forms that Russian schools teach; some "
        "training pictures are broken by their paper. The test part is our own random split: it shares its writers.",
    },
    "mnist-digits": {
        "parts": (("mnist", "official"),),
        "settings": BEST,
        "limits": "The digits 0 to 9 as Americans write them: no 1 with a serif, no 7 with a bar but for a few.",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders (default runs)")
    parser.add_argument("--calibrate", action="store_true", help="keep the network, fit its reading rules anew")
    given = parser.parse_args()
    row = MODELS[given.name]
    parts = [hw.load_dataset(name, protocol=protocol) for name, protocol in row["parts"]]
    held = [held_out_part(splits.train, seed=0) for splits in parts]
    train, validation = (joined(side) for side in zip(*held, strict=True))
    path = FOLDER / f"{given.name}.safetensors"
    if not given.calibrate:
        model = hw.build_model("glyphnet", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
        config = hw.TrainConfig(seed=0, **row.get("settings", {}))
        result = hw.Trainer(config).fit(model, train, validation=validation, run_dir=given.runs / given.name)
        result.to_saved_model(licence="MIT").save(path, dtype="float16")
    rounded = hw.load_model(path)
    reading = reading_rules(rounded.model, train, validation)
    reports = [hw.Evaluator().evaluate(rounded, splits.test).summary() for splits in parts]
    card = {
        **rounded.card,
        "metrics": {**reports[0], **({"others": reports[1:]} if len(parts) > 1 else {})},
        "limits": row["limits"],
        "command": f"python benchmarks/pretrain.py {given.name}",
    }
    dataclasses.replace(rounded, reading=reading, card=card).save(path, dtype="float16")
    for report in reports:
        print(
            f"{path}: {path.stat().st_size:,} bytes, {report['accuracy']:.2%} on the test part of {report['dataset']}"
        )


def joined(parts: Sequence[hw.Dataset]) -> hw.Dataset:
    """Return data sets as one, whose alphabet is the longest of theirs."""
    first = parts[0]
    if len(parts) == 1:
        return first
    alphabet = max((part.alphabet for part in parts), key=len)
    known = [part.with_alphabet(alphabet) for part in parts]
    return hw.Dataset.from_arrays(
        np.concatenate([part.images for part in known]),
        np.concatenate([part.labels for part in known]),
        alphabet=alphabet,
        name="+".join(part.name for part in parts),
        protocol="+".join(part.protocol for part in parts),
        preprocessing=first.preprocessing,
    )


if __name__ == "__main__":
    main()
