"""The package's face: what is public, typed and documented, and what importing it costs."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import handwriting_cnn as hw

STUB = Path(hw.__file__).with_suffix(".pyi")


def names_in_stub():
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    return [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_every_name_of_the_stub_loads():
    assert sorted(hw.__all__) == sorted(names_in_stub())
    for name in names_in_stub():
        assert getattr(hw, name).__name__ == name


def test_importing_loads_neither_numpy_nor_keras():
    code = "import sys, handwriting_cnn; print({'numpy', 'keras', 'tensorflow', 'PIL', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("name", names_in_stub())
def test_everything_public_is_documented_and_calls_are_plain(name):
    item = getattr(hw, name)
    assert inspect.getdoc(item)
    functions = [item] if inspect.isfunction(item) else []
    if inspect.isclass(item):
        functions = [part for key, part in vars(item).items() if inspect.isfunction(part) and not key.startswith("_")]
    for function in functions:
        assert inspect.getdoc(function), function.__qualname__
        positional = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
            and parameter.name not in {"self", "cls"}
        ]
        assert len(positional) <= 3, function.__qualname__


def test_errors_have_a_familiar_second_parent():
    for name in hw.__all__:
        item = getattr(hw, name)
        if inspect.isclass(item) and issubclass(item, hw.HandwritingError) and item is not hw.HandwritingError:
            builtin = [parent for parent in item.__mro__ if parent.__module__ == "builtins"]
            assert set(builtin) - {Exception, BaseException, object}, name
