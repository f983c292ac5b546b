"""Files of every format that is read: sound ones are read, and what changes make of them is read or refused."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "reliability"))
from mutations import mutated, signed
from readers import Reader, build

CORPUS = Path(__file__).parent / "corpus"
NAMES = sorted(path.name for path in CORPUS.iterdir())
CHANGES = 60


def drawn(name, number):
    return random.Random(f"{name}/{number}")  # noqa: S311


@pytest.fixture
def reader(tmp_path):
    return Reader(CORPUS, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_read_unless_it_has_to_be_refused(reader, name):
    assert reader.read(name, (CORPUS / name).read_bytes()) == ("refused" if "refused" in name else "read")


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_seed_is_read_or_refused(reader, name, capfd):
    kind = name.partition("-")[0]
    family = tuple((CORPUS / other).read_bytes() for other in NAMES if other.startswith(f"{kind}-"))
    outcomes = set()
    for number in range(CHANGES):
        content = mutated(name, (CORPUS / name).read_bytes(), others=family, rng=drawn(name, number))
        outcomes.add(reader.read(name, content))
    assert "refused" in outcomes


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("model-")])
def test_a_model_file_that_is_changed_beneath_its_digest_is_loaded_or_refused(tmp_path, name):
    content = (CORPUS / name).read_bytes()
    assert build(content, tmp_path) == "read"
    for number in range(20):
        parts = ("architecture", "alphabet", "preprocessing", "reading")
        assert build(signed(content, rng=drawn(name, number), parts=parts), tmp_path) in {
            "read",
            "refused",
        }


def test_the_corpus_is_small():
    assert sum((CORPUS / name).stat().st_size for name in NAMES) < 100_000
