import gzip
import struct

import numpy as np
import pytest

from handwriting_cnn.data.idx import load_idx
from handwriting_cnn.errors import DataError, ShapeMismatchError

PIXELS = np.random.default_rng(0).integers(0, 100, (6, 4, 5), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)


def idx(array):
    """The format as its page states it: two zero bytes, the type, the dimensions, big-endian sizes, the data."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder, images, labels):
    (folder / "train-images.idx3-ubyte").write_bytes(images)
    (folder / "train-labels.idx1-ubyte").write_bytes(labels)
    return folder / "train-images.idx3-ubyte", folder / "train-labels.idx1-ubyte"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pair_of_files(tmp_path, pack):
    dataset = load_idx(*write(tmp_path, pack(idx(PIXELS)), pack(idx(LABELS))))
    assert (dataset.images[..., 0] == PIXELS).all()
    assert dataset.labels.tolist() == LABELS.tolist()
    assert dataset.alphabet.characters == ("0", "1", "2")
    assert dataset.name == "train-images"


def test_emnists_letters_lie_transposed_and_count_from_one(tmp_path):
    dataset = load_idx(*write(tmp_path, idx(PIXELS), idx(LABELS + 1)), alphabet="abc", first_label=1, transpose=True)
    assert (dataset.images[..., 0] == PIXELS.transpose(0, 2, 1)).all()
    assert dataset.labels.tolist() == LABELS.tolist()


def test_dark_ink_is_turned_over(tmp_path):
    dataset = load_idx(*write(tmp_path, idx(255 - PIXELS), idx(LABELS)))
    assert (dataset.images[..., 0] == PIXELS).all()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (b"", idx(LABELS), "begins with nothing, but .* begins with 00000803"),
        (idx(LABELS), idx(LABELS), "begins with 00000801"),
        (b"\0\0\x0d\x03" + bytes(99), idx(LABELS), "begins with 00000d03"),
        (idx(PIXELS)[:9], idx(LABELS), "ends within its header"),
        (idx(PIXELS)[:-1], idx(LABELS), "claims 6x4x5 bytes, 120, but has only 119"),
        (idx(PIXELS) + b"x", idx(LABELS), "claims 6x4x5 bytes, 120, but has more"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), idx(LABELS), "but has only 0"),
        (struct.pack(">HBB3I", 0, 8, 3, 0, 4, 4), idx(LABELS), "has none"),
        (gzip.compress(idx(PIXELS))[:-20], idx(LABELS), "damaged"),
        (idx(PIXELS), b"no labels", "begins with 6e6f206c"),
    ],
)
def test_files_that_are_none(tmp_path, images, labels, message):
    with pytest.raises(DataError, match=message):
        load_idx(*write(tmp_path, images, labels))


def test_other_mistakes(tmp_path):
    images, labels = write(tmp_path, idx(PIXELS), idx(LABELS[:4]))
    with pytest.raises(ShapeMismatchError, match=r"6 pictures, but .* 4 labels"):
        load_idx(images, labels)
    with pytest.raises(DataError, match="cannot be read"):
        load_idx(tmp_path / "absent", labels)
    images, labels = write(tmp_path, idx(PIXELS), idx(LABELS))
    with pytest.raises(DataError, match="item 3: label '2'"):
        load_idx(images, labels, alphabet="ab")


def test_more_bytes_than_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("handwriting_cnn.data.idx._LARGEST_BYTES", 100)
    bomb = struct.pack(">HBB3I", 0, 8, 3, 2**20, 2**10, 2**10) + bytes(1000)
    with pytest.raises(DataError, match="more than the 100 bytes that are read"):
        load_idx(*write(tmp_path, gzip.compress(bomb), idx(LABELS)))
