import zipfile

import numpy as np
import pytest

from handwriting_cnn.data.npz import load_npz
from handwriting_cnn.errors import DataError, ShapeMismatchError, UnknownNameError

PIXELS = np.random.default_rng(0).integers(0, 100, (6, 4, 5), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "letters.npz"


@pytest.mark.parametrize(
    "arrays",
    [
        {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS, "y_test": LABELS},
        {"train_images": PIXELS, "train_labels": LABELS[:, None].astype(np.uint8)},
        {"images": PIXELS[..., None], "labels": LABELS.astype(str)},
        {"arr_0": 255 - PIXELS, "arr_1": LABELS},
    ],
)
def test_usual_names(path, arrays):
    np.savez_compressed(path, **arrays)
    dataset = load_npz(path)
    assert (dataset.images[..., 0] == PIXELS).all()
    assert dataset.labels.tolist() == LABELS.tolist()
    assert (dataset.name, dataset.alphabet.characters) == ("letters", ("0", "1", "2"))


def test_names_of_ones_own_and_a_second_file(path, tmp_path):
    np.savez(path, pictures=PIXELS, other=LABELS)
    np.savez(tmp_path / "labels.npz", LABELS + 1)
    dataset = load_npz(
        path, images="pictures", labels_file=tmp_path / "labels.npz", alphabet="abc", first_label=1, transpose=True
    )
    assert (dataset.images[..., 0] == PIXELS.transpose(0, 2, 1)).all()
    assert dataset.labels.tolist() == LABELS.tolist()
    with pytest.raises(UnknownNameError, match=r"array of letters.npz 'picture'; did you mean 'pictures'\?"):
        load_npz(path, images="picture")
    with pytest.raises(UnknownNameError, match="known: pictures, other"):
        load_npz(path)


class Harmful:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code was run')",))


def test_pickled_objects_are_refused_and_not_run(path):
    np.savez(path, images=PIXELS, labels=np.array([Harmful()], object))
    with pytest.raises(DataError, match="pickled objects, which could run code"):
        load_npz(path)


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (
            {"images": PIXELS / 255, "labels": LABELS},
            DataError,
            "pictures must be uint8, but are float64: multiply by 255",
        ),
        ({"images": PIXELS[0], "labels": LABELS}, DataError, r"but are of \(4, 5\)$"),
        ({"images": np.stack([PIXELS] * 3, -1), "labels": LABELS}, DataError, "make colours grey first"),
        ({"images": PIXELS, "labels": LABELS / 2}, DataError, "labels must be whole numbers"),
        ({"images": PIXELS, "labels": np.eye(6, dtype=int)}, DataError, r"of \(6, 6\)"),
        ({"images": PIXELS, "labels": LABELS[:3]}, ShapeMismatchError, "6 pictures, but there are 3 labels"),
    ],
)
def test_arrays_of_another_form(path, arrays, error, message):
    np.savez(path, **arrays)
    with pytest.raises(error, match=message):
        load_npz(path)


def test_files_that_are_none(path):
    np.savez_compressed(path, images=np.random.default_rng(0).integers(0, 9, (60, 40, 50), np.uint8), labels=LABELS)
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[:300] + bytes(300) + whole[600:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"letters\.npz"):
            load_npz(path)
    with path.open("wb") as file:
        np.save(file, PIXELS)
    with pytest.raises(DataError, match=r"no whole \.npz file"):
        load_npz(path)
    with pytest.raises(DataError, match="cannot be read"):
        load_npz(path.with_name("absent.npz"))


def test_a_header_that_claims_more_than_there_is(path):
    np.savez(path, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive, archive.open("images.npy", "w") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 2**10, 2**10)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(DataError, match=r"letters\.npz"):
        load_npz(path)
