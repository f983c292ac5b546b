"""Answers: Keras's ``predict``, ours, and ONNX Runtime as a yardstick, for one picture and for a batch of 1,024.

    python benchmarks/inference.py

measures in turns in one process, and writes benchmarks/results/inference.json. ONNX Runtime takes part where it and
tf2onnx are installed.
"""

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from timing import in_turns, keep, seconds

import handwriting_cnn as hw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="cnn14", help="a network by name (default cnn14)")
    parser.add_argument("--repeats", type=int, default=7, help="turns (default 7)")
    given = parser.parse_args()
    train = hw.load_dataset("digits").train
    model = hw.build_model(given.model, input_shape=(32, 32, 1), num_classes=28, seed=0)
    saved = hw.SavedModel(
        model=model, alphabet=hw.Alphabet.of([str(number) for number in range(28)]), preprocessing=train.preprocessing
    )
    session = onnx_session(model) if all(map(importlib.util.find_spec, ("onnxruntime", "tf2onnx"))) else None
    cells = {}
    for what, images, times in (("one picture", train.images[:1], 20), ("1,024 pictures", train.images[:1024], 1)):
        ways = {
            f"predict, {what}": lambda images=images: model.predict(images, verbose=0),
            f"ours, {what}": lambda images=images: saved(images),
        }
        if session is not None:
            ways[f"ONNX Runtime, {what}"] = lambda images=images: session(images)
        for answer in ways.values():
            np.testing.assert_allclose(answer(), saved(images), atol=1e-5)
        cells |= in_turns(
            {name: lambda ask=ask, times=times: seconds(ask, times=times) for name, ask in ways.items()},
            repeats=given.repeats,
        )
    keep(
        "inference",
        title=f"Answers of {given.model}",
        cells=cells,
        packages=("keras", "tensorflow", "onnxruntime", "numpy"),
    )


def onnx_session(model: object) -> Callable[[np.ndarray], np.ndarray]:
    """Return the network as ONNX Runtime runs it."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images.astype(np.float32)})[0]


if __name__ == "__main__":
    main()
