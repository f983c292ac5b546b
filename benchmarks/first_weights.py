"""Ask how often CNN-14 dies in its first updates, by the draw of its first weights.

    python benchmarks/first_weights.py --seeds 10

trains CNN-14 on 4,800 of AHCD's training pictures for one epoch (150 updates of batch 32, Adam 1e-3, constant), with
Keras's own draw (Glorot and Bengio, 2010) and with that of He and others (2015), and prints each seed's mean training
loss and how many different letters the network then answers to 512 of the pictures: one that died answers one or two,
and its loss stays at ln 28 = 3.33. It writes benchmarks/results/first-weights-short.json.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from seeds import machine

import handwriting_cnn as hw

RESULTS = Path(__file__).parent / "results"
DRAWS = {"glorot_uniform": keras.initializers.GlorotUniform, "he_normal": keras.initializers.HeNormal}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="seeds 0, 1, ... (default 10)")
    given = parser.parse_args()
    train = hw.load_dataset("ahcd").train
    part = train.subset(np.random.default_rng(0).permutation(len(train))[:4_800])
    runs = [run(name, seed, part) for name in DRAWS for seed in range(given.seeds)]
    record = {
        "command": f"python benchmarks/first_weights.py --seeds {given.seeds}",
        "machine": machine(),
        "short": runs,
    }
    (RESULTS / "first-weights-short.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def run(name: str, seed: int, part: hw.Dataset) -> dict[str, object]:
    model = hw.build_model("cnn14", input_shape=part.input_shape, num_classes=part.num_classes, seed=seed)
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and layer.name != "probabilities":
            layer.kernel.assign(DRAWS[name](seed=1000 * seed + place)(layer.kernel.shape))
    config = hw.TrainConfig(
        epochs=1,
        batch_size=32,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        weight_decay=0.0,
        label_smoothing=0.0,
        outliers=0.0,
        augment=None,
        precision="float32",
        seed=seed,
    )
    result = hw.Trainer(config).fit(model, part)
    answers = model.predict(part.images[:512], verbose=0).argmax(axis=1)
    found = {"weights": name, "seed": seed, "loss": result.history["loss"][0], "letters": len(set(answers.tolist()))}
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
