"""The errors that the documentation names are those that occur: each has a case that provokes it."""

import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import handwriting_cnn as hw

sys.path.insert(0, str(Path(__file__).parent))
from error_cases import CASES

ENTRY = re.compile(r" {4}(\w+): ")


def public_callables():
    """Yield each public function, class, method and property with the name that users know it by."""
    for name in hw.__all__:
        item = getattr(hw, name)
        if inspect.isclass(item) and issubclass(item, BaseException):
            continue
        yield name, item
        for key, part in vars(item).items() if inspect.isclass(item) else ():
            function = (
                part.fget if isinstance(part, property) else getattr(part, "func", getattr(part, "__func__", part))
            )
            if inspect.isfunction(function) and (not key.startswith("_") or key == "__call__"):
                yield f"{name}.{key}", function


def documented(item):
    """Yield the names in a docstring's section "Raises"."""
    _, _, section = (inspect.getdoc(item) or "").partition("\nRaises:\n")
    for line in section.splitlines():
        if line and not line.startswith(" "):
            return
        if entry := ENTRY.match(line):
            yield entry[1]


DOCUMENTED = {(name, getattr(hw, error)) for name, item in public_callables() for error in documented(item)}


def test_every_documented_error_has_a_case_and_no_other_has():
    assert {(name, kind.__name__) for name, kind in DOCUMENTED} == {(name, kind.__name__) for name, kind in CASES}


def test_every_error_of_the_tree_is_documented_somewhere():
    tree = {item for name in hw.__all__ if isinstance(item := getattr(hw, name), type) and issubclass(item, Exception)}
    assert tree - {kind for _, kind in DOCUMENTED} == {hw.HandwritingError}  # the root stands for all of them


@pytest.fixture(scope="module")
def material(small_model, small_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    (folder / "file").write_bytes(b"none")
    (folder / "folder").mkdir()
    (folder / "labels.csv").write_text("a\nb\n", encoding="utf-8")
    images = np.zeros((3, 8, 8, 1), np.uint8)
    images[np.arange(3), np.arange(1, 4)] = 255
    letters = hw.Dataset.from_arrays(images, [0, 1, 2], alphabet="abc")
    large = np.repeat(np.repeat(np.concatenate([images] * 8), 4, axis=1), 4, axis=2)
    part = hw.Dataset.from_arrays(large, [0, 1, 2] * 8, alphabet="abc", name="strokes")
    return {
        "small": small_model,
        "model_file": small_file,
        "reader": hw.Recognizer(small_model),
        "images": images,
        "letters": letters,
        "splits": hw.DatasetSplits(part, part),
        "file": folder / "file",
        "folder": folder / "folder",
        "labels": folder / "labels.csv",
    }


@pytest.mark.parametrize(("name", "kind"), CASES, ids=lambda part: getattr(part, "__name__", part))
def test_a_documented_error_occurs(material, tmp_path, monkeypatch, name, kind):
    with pytest.raises(kind) as raised:
        CASES[name, kind](SimpleNamespace(tmp_path=tmp_path, monkeypatch=monkeypatch, **material))
    assert raised.type is kind
    assert len(str(raised.value).splitlines()) == 1
