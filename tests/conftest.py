"""Fixtures for all tests."""

import os
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does

# Machines differ in speed, and a failure must repeat.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")

_SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of the real data sets; tests that need them skip where it is not there."""
    folder = Path(os.environ.get("HANDWRITING_CNN_MIRROR", _SHARED))
    if not folder.is_dir():
        pytest.skip("needs the real data: set HANDWRITING_CNN_MIRROR to a folder that holds them")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty data cache, and no mirror."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(folder))
    monkeypatch.delenv("HANDWRITING_CNN_MIRROR", raising=False)
    return folder


@pytest.fixture(scope="session")
def digits():
    """The embedded data set's splits."""
    from handwriting_cnn.data.loading import load_dataset

    return load_dataset("digits")
