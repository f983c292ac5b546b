"""Every example runs, on fewer epochs than it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


def test_the_examples_are_there():
    assert {path.stem for path in EXAMPLES} >= {
        "task1_custom_cnn",
        "task2_augmentation",
        "task3_published_networks",
        "task4_transfer",
        "own_model",
        "own_data",
        "own_alphabet",
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    shortened, count = re.subn(r"(EPOCHS = .*?|EPOCHS = )\d+$", r"\g<1>1", path.read_text("utf-8"), flags=re.MULTILINE)
    shortened, counted = re.subn(r'("digits", )\d+', r"\g<1>1", shortened)
    assert count + counted, "an example names its epochs"
    script = tmp_path / path.name
    script.write_text(shortened, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout or "%" in done.stdout
