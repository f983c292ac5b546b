"""Fixtures of the data room's tests."""

import csv
import io
import zipfile

import pytest

from handwriting_cnn.data.catalog import CATALOG
from handwriting_cnn.data.loading import load_dataset


@pytest.fixture(scope="session")
def ahcd_cache(mirror, tmp_path_factory):
    """A cache that AHCD was parsed into, once for all tests."""
    folder = tmp_path_factory.mktemp("ahcd-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDWRITING_CNN_DATA", str(folder))
        patch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
        load_dataset("ahcd")
    return folder


@pytest.fixture
def ahcd(ahcd_cache, monkeypatch):
    """AHCD from the cache alone: neither a mirror nor the network is asked."""
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(ahcd_cache))
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(ahcd_cache / "nowhere"))
    return load_dataset("ahcd")


@pytest.fixture(scope="session")
def ahcd_rows(mirror):
    """The test table's rows as the csv module reads them: (pixels, label), not touched by this library."""
    with zipfile.ZipFile(mirror / CATALOG["ahcd"].files[0].path) as archive:

        def table(name):
            with archive.open(name) as raw:
                return list(csv.reader(io.TextIOWrapper(raw, encoding="ascii")))

        images, labels = table("csvTestImages 3360x1024.csv"), table("csvTestLabel 3360x1.csv")
    return [(tuple(map(int, row)), int(label)) for row, (label,) in zip(images, labels, strict=True)]
