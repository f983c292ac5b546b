"""Train the models that the package brings along.

    python benchmarks/pretrain.py russian-letters --runs runs

trains GlyphNet by the library's defaults (seed 0) on the train part of the model's data set, one eighth of it held out
by the data set's own rule to keep the best epoch and to calibrate confidences; rounds the weights to float16; scores
the rounded model once on the official test part; and writes src/handwriting_cnn/pretrained/NAME.safetensors, whose
header has the card. A run that was stopped continues.
"""

import argparse
from pathlib import Path

import handwriting_cnn as hw
from handwriting_cnn.tasks.task_training import held_out_part

FOLDER = Path(__file__).parents[1] / "src" / "handwriting_cnn" / "pretrained"
MODELS = {
    "arabic-letters-ahcd": {
        "dataset": "ahcd",
        "limits": "Isolated forms of the 28 letters: no ta marbuta, no digits, no hamza of its own. The official test "
        "set has the writers of the training set; unseen writers cost about half a point.",
    },
    "russian-letters": {
        "dataset": "russian-letters",
        "limits": "The 33 lower-case letters by few writers, in the cursive forms that Russian schools teach; some "
        "training pictures are broken by their paper. The test part is our own random split: it shares its writers.",
    },
    "mnist-digits": {
        "dataset": "mnist",
        "epochs": 10,
        "limits": "The digits 0 to 9 as Americans write them: no 1 with a serif, no 7 with a bar but for a few.",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders (default runs)")
    given = parser.parse_args()
    row = MODELS[given.name]
    splits = hw.load_dataset(row["dataset"])
    train, validation = held_out_part(splits.train, seed=0)
    model = hw.build_model("glyphnet", input_shape=train.input_shape, num_classes=train.num_classes, seed=0)
    config = hw.TrainConfig(epochs=row.get("epochs", "auto"), seed=0)
    result = hw.Trainer(config).fit(model, train, validation=validation, run_dir=given.runs / given.name)
    path = FOLDER / f"{given.name}.safetensors"
    saved = result.to_saved_model(licence="MIT")
    saved.save(path, dtype="float16")
    report = hw.Evaluator().evaluate(hw.load_model(path), splits.test)
    card = {
        **saved.card,
        "metrics": report.summary(),
        "limits": row["limits"],
        "command": f"python benchmarks/pretrain.py {given.name}",
    }
    rounded = hw.load_model(path)
    hw.SavedModel(
        model=rounded.model,
        alphabet=rounded.alphabet,
        preprocessing=rounded.preprocessing,
        reading=rounded.reading,
        card=card,
    ).save(path, dtype="float16")
    print(f"{path}: {path.stat().st_size:,} bytes, {report.accuracy:.2%} on the test part")


if __name__ == "__main__":
    main()
