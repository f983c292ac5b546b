"""Rules of the house that a reader could break without noticing."""

import ast
import re
from pathlib import Path

import pytest

import handwriting_cnn

ROOT = Path(handwriting_cnn.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_runs_code_from_data_or_prints_or_imports_tensorflow(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name, call in calls(tree):
        assert name not in {"eval", "exec", "keras.models.load_model", "keras.saving.load_model"}
        assert not name.endswith(".from_config")
        assert name != "print" or "cli" in path.parts
        if name in {"np.load", "numpy.load"}:
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert options.get("allow_pickle") == "False"
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert not imported & {"pickle", "shelve", "marshal", "dill"}
    top = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    top |= {(node.module or "").split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not top & {"tensorflow", "jax", "matplotlib", "sklearn"}


def test_files_hold_one_idea():
    assert {path.name: lines for path in MODULES if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}
    assert not [path for path in MODULES if path.stem in {"utils", "helpers", "misc", "common"}]


def test_a_module_shares_no_name_with_what_it_exports():
    stub = (ROOT / "__init__.pyi").read_text(encoding="utf-8")
    for module, name in re.findall(r"from \.([\w.]+) import (\w+)", stub):
        assert module.rsplit(".", 1)[-1] != name
