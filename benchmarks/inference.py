"""Answers: Keras's ``predict``, ours, and ONNX Runtime, for one picture and for a batch of 1,024; then reading, of a
picture of MNIST, of a digit cut from a page, and of a page of 140.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/inference.py

measures in turns in one process, and writes benchmarks/results/inference.json. ONNX Runtime takes part where the extra
`export` is installed.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "recognition"))

import numpy as np
from pages import draw_page
from PIL import Image
from timing import in_turns, keep, seconds

import handwriting_cnn as hw

READER = "mnist-digits"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="cnn14", help="a network by name (default cnn14)")
    parser.add_argument("--repeats", type=int, default=7, help="turns (default 7)")
    given = parser.parse_args()
    digits = hw.load_dataset("digits")
    model = hw.build_model(given.model, input_shape=(32, 32, 1), num_classes=28, seed=0)
    saved = hw.SavedModel(
        model=model,
        alphabet=hw.Alphabet.of([str(number) for number in range(28)]),
        preprocessing=digits.train.preprocessing,
    )
    cells = answers(saved, digits.train.images, given.repeats) | reading(hw.load_dataset("mnist").test, given.repeats)
    keep(
        "inference",
        title=f"Answers of {given.model}, and reading with {READER}",
        cells=cells,
        packages=("keras", "tensorflow", "onnxruntime", "numpy", "scipy", "pillow"),
    )


def answers(saved: hw.SavedModel, images: np.ndarray, repeats: int) -> dict[str, Any]:
    session, cells = exported(saved), {}
    for what, pictures, times in (("one picture", images[:1], 20), ("1,024 pictures", images[:1024], 1)):
        ways = {
            f"predict, {what}": lambda pictures=pictures: saved.model.predict(pictures, verbose=0),
            f"ours, {what}": lambda pictures=pictures: saved(pictures),
        }
        if session is not None:
            ways[f"ONNX Runtime, {what}"] = lambda pictures=pictures: session(pictures)
        for answer in ways.values():
            np.testing.assert_allclose(answer(), saved(pictures), atol=1e-5)
        cells |= in_turns(
            {name: lambda ask=ask, times=times: seconds(ask, times=times) for name, ask in ways.items()},
            repeats=repeats,
        )
    return cells


def reading(mnist: hw.Dataset, repeats: int) -> dict[str, Any]:
    """Measure a page (A4 at 150 dpi) and two pictures of one digit, with the network and with ONNX Runtime."""
    readers = {"TensorFlow": hw.Recognizer.load(READER)}
    session = exported(readers["TensorFlow"].saved)
    if session is None:
        return {}
    readers["ONNX Runtime"] = hw.Recognizer.load(READER, classifier=session)
    cells = {}
    images = mnist.take(np.arange(140))
    page = draw_page(images, mnist.labels[:140])
    left, top, right, bottom = page.boxes[0]
    one = np.asarray(Image.fromarray(page.image).crop((left - 10, top - 10, right + 10, bottom + 10)))
    for what, picture, layout, times in (
        ("a data set's picture", images[0, :, :, 0], "single", 100),
        ("a character", one, "single", 100),
        ("a page", page.image, "page", 1),
    ):
        ways = {
            f"{what} read with {name}": lambda reader=reader, picture=picture, layout=layout, times=times: seconds(
                lambda: reader.recognize(picture, layout=layout), times=times
            )
            for name, reader in readers.items()
        }
        cells |= in_turns(ways, repeats=repeats)
    return cells


def exported(saved: hw.SavedModel) -> hw.Classifier | None:
    """Return the network as ONNX Runtime runs it, or nothing where it is not installed."""
    if not all(map(importlib.util.find_spec, ("onnx", "onnxruntime", "tf2onnx"))):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        hw.export(saved, path)
        return hw.open_export(path)


if __name__ == "__main__":
    main()
