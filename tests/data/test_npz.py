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


def with_header(path, header):
    """Write an archive whose pictures have a header of that text."""
    np.savez(path, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        text = header.encode("latin1") + b"\n"
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + PIXELS.tobytes()
        archive.writestr("images.npy", content)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 4, 5",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 4, -5)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6L, 4L",
        "{'descr': [('', '|u1', 'x')], 'fortran_order': False, 'shape': (6, 4, 5)}",
        "{" * 5000,
        "'" * 3,
    ],
)
def test_a_header_that_is_none(path, header):
    with_header(path, header)
    with pytest.raises(DataError, match=r"letters\.npz"):
        load_npz(path)


@pytest.mark.parametrize("code", [0x110000, 2**32 - 1, 0xD800])
@pytest.mark.parametrize("order", "<>")
def test_labels_of_characters_that_there_are_not(path, code, order):
    labels = np.full(6, code, f"{order}u4").view(f"{order}U1")
    np.savez(path, images=PIXELS, labels=labels)
    with pytest.raises(DataError, match="characters that Unicode does not have"):
        load_npz(path)
    np.savez(path, images=PIXELS, labels=np.full(6, "ب", f"{order}U1"))
    assert load_npz(path).alphabet.characters == ("ب",)


def test_labels_of_no_width(path):
    np.savez(path, labels=LABELS)
    with zipfile.ZipFile(path, "w") as archive:
        for name, descr, shape, content in (
            ("images", "|u1", PIXELS.shape, PIXELS.tobytes()),
            ("labels", "<U0", (6,), b""),
        ):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
                file.write(content)
    with pytest.raises(DataError, match="the label is blank"):
        load_npz(path)


def test_labels_of_thousands_of_digits_are_texts(path):
    np.savez(path, images=PIXELS, labels=np.array(["1" * 5000, "2"] * 3))
    assert load_npz(path).labels.tolist() == [0, 1] * 3


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_arrays_that_are_packed_otherwise(path, method):
    np.savez(path.with_suffix(".0.npz"), images=PIXELS, labels=LABELS)
    with zipfile.ZipFile(path.with_suffix(".0.npz")) as plain, zipfile.ZipFile(path, "w", method) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    with pytest.raises(DataError, match="neither stored nor deflated"):
        load_npz(path)


def test_an_encrypted_archive(path):
    np.savez(path, images=PIXELS, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no whole \.npz file: .*encrypted"):
        load_npz(path)


def test_names_of_arrays_stay_on_one_line(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a\nb.npy", b"")
    with pytest.raises(UnknownNameError) as caught:
        load_npz(path)
    assert len(str(caught.value).splitlines()) == 1
