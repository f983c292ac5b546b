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


UNPICKLERS = {
    "pickle",
    "cPickle",
    "_pickle",
    "shelve",
    "marshal",
    "dill",
    "cloudpickle",
    "joblib",
    "jsonpickle",
    "yaml",
}
RUNNERS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pty.spawn", "runpy.run_path"}
OBJECT_MAKERS = (  # what makes objects of a file's words
    *("load_model", "load_weights", "from_config", "deserialize", "deserialize_keras_object", "model_from_json"),
    *("enable_unsafe_deserialization", "unpack_archive", "extractall"),
)


def imports(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_runs_code_from_data_or_prints_or_imports_tensorflow(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set(imports(ast.walk(tree)))
    assert not {name.split(".")[0] for name in imported} & UNPICKLERS
    own = {name.rsplit(".", 1)[-1] for name in imported if name.startswith("handwriting_cnn.")}
    for name, call in calls(tree):
        assert name not in RUNNERS
        assert name in own or name.rsplit(".", 1)[-1] not in OBJECT_MAKERS
        assert name != "print" or "cli" in path.parts
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert options.get("shell", "False") == "False"
        assert options.get("safe_mode", "True") == "True"
        if name in {"np.load", "numpy.load"} or name.endswith(".read_array"):
            assert options.get("allow_pickle") == "False"
        assert options.get("allow_pickle", "False") == "False"
    top = {name.split(".")[0] for name in imports(tree.body)}
    assert not top & {"tensorflow", "jax", "matplotlib", "sklearn"}


def test_modules_are_imported_by_name_only_where_a_user_asks_for_it():
    found = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for name, _ in calls(ast.parse(path.read_text(encoding="utf-8")))
        if name.rsplit(".", 1)[-1] == "import_module"
    }
    # Commands, --import MODULE, and the registry's own list of files.
    assert found == {"cli/options.py", "cli/program.py", "models/registry.py"}


def test_files_hold_one_idea():
    assert {path.name: lines for path in MODULES if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}
    assert not [path for path in MODULES if path.stem in {"utils", "helpers", "misc", "common"}]


def test_a_module_shares_no_name_with_what_it_exports():
    stub = (ROOT / "__init__.pyi").read_text(encoding="utf-8")
    for module, name in re.findall(r"from \.([\w.]+) import (\w+)", stub):
        assert module.rsplit(".", 1)[-1] != name
