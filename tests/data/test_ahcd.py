import itertools
import mmap
import zipfile

import numpy as np
import pytest

from handwriting_cnn.data.ahcd import parse_ahcd
from handwriting_cnn.data.alphabet import ARABIC
from handwriting_cnn.data.catalog import CATALOG
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.data.table import load_csv
from handwriting_cnn.errors import DataError


def extent(picture):
    """Height and width of the box around the ink."""
    return [np.ptp(np.flatnonzero((picture > 64).any(axis=axis))) + 1 for axis in (1, 0)]


def test_counts_and_classes(ahcd):
    assert ahcd.train.class_counts.tolist() == [480] * 28
    assert ahcd.test.class_counts.tolist() == [120] * 28
    assert ahcd.train.input_shape == (32, 32, 1)
    assert ahcd.train.alphabet == ARABIC
    assert (ahcd.name, ahcd.protocol) == ("ahcd", "official")


def test_every_picture_is_the_raw_rows_upright(ahcd, ahcd_rows):
    assert len(ahcd_rows) == len(ahcd.test)
    for row in range(0, len(ahcd_rows), 97):
        pixels, label = ahcd_rows[row]
        assert ahcd.test.labels[row] == label - 1
        for y, x in itertools.product(range(0, 32, 3), repeat=2):
            assert ahcd.test.images[row, y, x, 0] == pixels[x * 32 + y]


def test_upright_is_upright(ahcd, ahcd_rows):
    # A fact of the script: an alef is a vertical stroke, a beh a flat bowl. In the raw rows they are the reverse.
    sizes = {name: [] for name in ("alef", "beh", "raw alef", "raw beh")}
    for picture, (pixels, label) in zip(ahcd.test.images[..., 0], ahcd_rows, strict=True):
        if label <= 2:
            name = ARABIC.names[label - 1]
            sizes[name].append(extent(picture))
            sizes[f"raw {name}"].append(extent(np.array(pixels).reshape(32, 32)))
    ratio = {name: np.divide(*np.mean(found, axis=0)) for name, found in sizes.items()}
    assert ratio["alef"] > 1.5 > 1 / 1.2 > ratio["beh"]
    assert ratio["raw alef"] < 1 / 1.5 < 1.2 < ratio["raw beh"]


def test_upright_is_not_mirrored_nor_upside_down(ahcd):
    # The bowl, most of the ink, lies above beh's dot and below teh's dots; dal opens to the left.
    ink = [
        ahcd.train.images[ahcd.train.labels == ARABIC.index(name), ..., 0].astype(float)
        for name in ("beh", "teh", "dal")
    ]
    rows, columns = np.arange(32)[:, None], np.arange(32)[None, :]

    def centre_in_box(pictures, coordinate, axis):
        boxes = [np.flatnonzero((picture > 64).any(axis=1 - axis)) for picture in pictures]
        centres = [(picture * coordinate).sum() / picture.sum() for picture in pictures]
        return np.mean(
            [(c - (box[0] + box[-1]) / 2) / (np.ptp(box) + 1) for c, box in zip(centres, boxes, strict=True)]
        )

    assert centre_in_box(ink[0], rows, 0) < 0 < 0.1 < centre_in_box(ink[1], rows, 0)
    assert centre_in_box(ink[2], columns, 1) > 0.05


def test_writers_are_blocks_of_rows(ahcd):
    assert (ahcd.train.writers == np.arange(13_440) // 224).all()
    assert (ahcd.test.writers == np.arange(3_360) // 56).all()
    train, held_out = ahcd.train.split(0.125, by="writer", seed=0)
    assert not set(train.writers.tolist()) & set(held_out.writers.tolist())


def test_unseen_writers_folds(ahcd):
    seen = []
    for fold in range(5):
        train, test = load_dataset("ahcd", protocol="unseen-writers", fold=fold)
        assert (len(train), len(test)) == (13_440, 3_360)
        assert not set(train.writers.tolist()) & set(test.writers.tolist())
        assert test.class_counts.tolist() == [120] * 28
        assert test.protocol == train.protocol == f"unseen-writers, fold {fold}"
        seen += set(test.writers.tolist())
    assert sorted(seen) == list(range(60))


def test_the_parts_share_one_memory_map(ahcd):
    assert np.shares_memory(ahcd.train.images, ahcd.test._whole.images)
    base = ahcd.train.images
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)


def test_the_published_tables_load_as_a_users_own(ahcd, mirror, tmp_path):
    with zipfile.ZipFile(mirror / CATALOG["ahcd"].files[0].path) as archive:
        archive.extractall(tmp_path, [name for name in archive.namelist() if "Test" in name])
    table = load_csv(
        tmp_path / "csvTestImages 3360x1024.csv",
        labels=tmp_path / "csvTestLabel 3360x1.csv",
        alphabet=ARABIC,
        first_label=1,
        transpose=True,
    )
    assert table.digest == ahcd.test.digest


def make_archive(path, *, rows=("0," * 1023 + "0",), member="csvTrainImages 13440x1024.csv"):
    with zipfile.ZipFile(path, "w") as archive, archive.open(member, "w") as file:
        file.write("\n".join(rows).encode())
    return path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "1 rows of 1024, not 13440"),
        ({"rows": ["0,256"]}, r"row 1, column 2: .* found '256'"),
        ({"member": "other.csv"}, "not AHCD's archive"),
    ],
)
def test_another_archive_is_refused(tmp_path, settings, message):
    with pytest.raises(DataError, match=message):
        parse_ahcd(make_archive(tmp_path / "a.zip", **settings))


def test_a_damaged_archive_is_refused(tmp_path):
    path = make_archive(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="not AHCD's archive"):
        parse_ahcd(path)
