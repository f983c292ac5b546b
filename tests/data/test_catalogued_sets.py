"""What holds for every catalogued data set, and the three that are archives of pictures."""

import csv
import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.data.catalog import CATALOG
from handwriting_cnn.data.hijja import parse_hijja
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.data.mnist import parse_mnist
from handwriting_cnn.data.russian import parse_russian
from handwriting_cnn.errors import DataError


@pytest.fixture(scope="session")
def full_cache(mirror, tmp_path_factory):
    """A cache that every catalogued set was parsed into, once for all tests."""
    folder = tmp_path_factory.mktemp("full-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDWRITING_CNN_DATA", str(folder))
        patch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
        for name in CATALOG:
            load_dataset(name)
    return folder


@pytest.fixture
def load(full_cache, monkeypatch):
    """Loads from the cache alone: neither a mirror nor the network is asked."""
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(full_cache))
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(full_cache / "nowhere"))
    return load_dataset


@pytest.fixture(scope="session")
def raw(mirror):
    """Opens a set's archive with the tarfile module, not touched by this library."""

    def read(name, wanted):
        with tarfile.open(mirror / CATALOG[name].files[0].path) as archive:
            return {
                member.name.split("/", 1)[1]: archive.extractfile(member).read()
                for member in archive
                if member.isfile() and wanted(member.name)
            }

    return read


PROTOCOLS = [(name, protocol.name) for name, info in CATALOG.items() for protocol in info.protocols]


@pytest.mark.parametrize(("name", "protocol"), PROTOCOLS)
def test_the_contract(load, name, protocol):
    info = CATALOG[name]
    splits = load(name, protocol=protocol)
    if protocol != "isolated":  # which is a part of the pictures
        assert len(splits.train) + len(splits.test) == info.num_train + info.num_test
    if protocol == info.protocols[0].name:
        assert (len(splits.train), len(splits.test)) == (info.num_train, info.num_test)
    for part in splits:
        assert part.images.dtype == np.uint8
        assert part.input_shape == (*info.image_size, 1)
        assert part.labels.dtype == np.int64
        assert part.alphabet == info.alphabet
        assert part.name == info.name
        assert part.protocol.startswith(protocol)
        assert (part.class_counts > 0).all()
        # The digits are cut so close that ink is most of a picture; their border shows which is paper.
        assert name == "digits" or np.median(part.images) <= 30
        assert np.median(part.images[:, [0, -1]]) <= 30
        assert all(len(column) == len(part) for column in part.extra.values())
    apart = {"unseen-writers": "writers", "blocks": "block", "isolated": "block"}.get(protocol)
    if apart:
        train, test = ({*(part.writers if apart == "writers" else part.extra[apart]).tolist()} for part in splits)
        assert train
        assert test
        assert not train & test


@pytest.mark.parametrize(
    ("name", "pictures", "classes"), [("russian-letters", 14_190, 33), ("hijja", 47_434, 29), ("mnist", 70_000, 10)]
)
def test_counts(load, name, pictures, classes):
    train, test = load(name)
    assert (len(train) + len(test), train.num_classes) == (pictures, classes)


def test_hijja_is_the_archives_pictures_turned_over(load, raw):
    members = raw("hijja", lambda name: "/4.2/" in name or "/29.5/" in name)
    train, test = load("hijja")
    for form, letter in (("4.2", "theh"), ("29.5", "hamza")):
        pixels = [
            255 - np.asarray(Image.open(io.BytesIO(content)).convert("L"))
            for path, content in members.items()
            if f"/{form}/" in path
        ]
        found = np.concatenate([part.images[part.extra["form"] == form] for part in (train, test)])[..., 0]
        assert sorted(picture.tobytes() for picture in pixels) == sorted(picture.tobytes() for picture in found)
        labels = np.concatenate([part.labels[part.extra["form"] == form] for part in (train, test)])
        assert {train.alphabet.names[label] for label in labels.tolist()} == {letter}
    assert len(np.unique(np.concatenate([train.extra["form"], test.extra["form"]]))) == 108


def test_hijjas_other_split_is_of_the_published_sizes(load):
    train, test = load("hijja", protocol="random")
    assert (len(train), len(test)) == (37_933, 9_501)


def test_hijjas_isolated_letters_are_of_the_parts_by_blocks(load):
    for part, whole in zip(load("hijja", protocol="isolated"), load("hijja"), strict=True):
        assert set(part.extra["form"]) == {f"{letter}.1" for letter in range(1, 30)}
        chosen = [form.split(".")[1] == "1" for form in whole.extra["form"]]
        assert (part.images == whole.images[chosen]).all()


def test_mnist_is_the_archives_tables(load, raw):
    members = raw("mnist", lambda name: name.endswith(".csv") or "/test/7/" in name)
    train, test = load("mnist")
    for part, name in ((train, "train"), (test, "test")):
        rows = list(csv.DictReader(io.StringIO(members[f"{name}.csv"].decode())))
        labels = {int(row["filepath"].split("/")[-1][:-4]): int(row["label"]) for row in rows}
        assert part.labels.tolist() == [labels[number] for number in sorted(labels)]
    sevens = sorted((path for path in members if path.endswith(".png")), key=lambda path: int(path.split("/")[2][:-4]))
    pixels = [np.asarray(Image.open(io.BytesIO(members[path]))) for path in sevens]
    assert (test.images[test.labels == 7, ..., 0] == np.stack(pixels)).all()


def test_russian_letters_are_the_archives_tables(load, raw):
    members = raw("russian-letters", lambda name: name.endswith(".csv"))
    rows = [row for path in sorted(members) for row in csv.DictReader(io.StringIO(members[path].decode()))]
    train, test = load("russian-letters")
    labels = np.concatenate([part.extra["source_label"] for part in (train, test)])
    papers = np.concatenate([part.extra["paper"] for part in (train, test)])
    expected = sorted((int(row["label"]), int(row["background"])) for row in rows)
    assert sorted(zip(labels.tolist(), papers.tolist(), strict=True)) == expected
    for row in rows[:: len(rows) // 40]:
        assert train.alphabet.characters[int(row["label"]) - 1] == row["letter"]
    for part in (train, test):
        assert (part.labels + 1 == part.extra["source_label"]).all()
    shares = [np.bincount(part.extra["paper"]) / len(part) for part in (train, test)]
    assert np.allclose(*shares, atol=0.01)


def png(size=(32, 32), mode="L"):
    file = io.BytesIO()
    Image.new(mode, size, "white").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("1 alif/1.1/notes.png", "no picture of Hijja"),
        ("1 alif/5.png", "no picture of Hijja"),
        ("1 alif/2.1/5.png", "another letter"),
        ("30 extra/30.1/5.png", "none of the 29"),
    ],
)
def test_foreign_files_among_hijjas(path, message):
    with pytest.raises(DataError, match=message):
        parse_hijja({"1 alif/1.1/1.png": png(), path: png()})


def test_pictures_of_another_size():
    with pytest.raises(DataError, match=r"1 alif/1.1/1.png: .* 32x32, but this is \(20, 30\)"):
        parse_hijja({"1 alif/1.1/1.png": png((30, 20))})
    with pytest.raises(DataError, match=r"test/1/1.png: .* 28x28"):
        parse_mnist({"test/1/1.png": png()})
    with pytest.raises(DataError, match="no picture of MNIST"):
        parse_mnist({"test/x/1.png": png()})


HEADINGS = "letter,label,file,background\n"


def russian(**changes):
    members = {f"data/letters{n}.csv": HEADINGS.encode() for n in ("", "2", "3")}
    members["data/letters.csv"] += "а,1,01_01.png,0\n".encode()
    members["data/letters/01_01.png"] = png(mode="RGBA")
    return {path: content for path, content in {**members, **changes}.items() if content is not None}


def test_a_blank_photograph_has_no_ink():
    arrays = parse_russian(russian())
    assert (arrays["images"].shape, arrays["images"].max()) == ((1, 32, 32, 1), 0)
    assert (arrays["labels"].tolist(), arrays["paper"].tolist()) == ([0], [0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data/letters2.csv": None}, "has no data/letters2.csv"),
        ({"data/letters3.csv": b"letter,file\n"}, "expected the columns letter, label, file, background"),
        ({"data/letters3.csv": b""}, "expected the columns"),
        ({"data/letters/01_01.png": None}, "row 2: there is no picture data/letters/01_01.png"),
        ({"data/letters/01_02.png": png()}, "'data/letters/01_02.png' is a picture that no table names"),
        ({"data/letters.csv": f"{HEADINGS}a,34,01_01.png,0\n".encode()}, "row 2: expected a label 1..33"),
        ({"data/letters.csv": f"{HEADINGS}a,1,01_01.png,4\n".encode()}, "row 2: .* a background 0..3"),
        ({"data/letters/01_01.png": b"no picture"}, "damaged picture"),
        ({"data/letters/01_01.png": png()[:40]}, "damaged picture"),
    ],
)
def test_tables_and_pictures_that_do_not_fit(changes, message):
    with pytest.raises(DataError, match=message):
        parse_russian(russian(**changes))
