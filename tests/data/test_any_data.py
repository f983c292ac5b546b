"""Whatever is given becomes a right data set or an error of the library's own."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.folder import load_folder
from handwriting_cnn.data.idx import load_idx
from handwriting_cnn.data.npz import load_npz
from handwriting_cnn.data.table import load_csv
from handwriting_cnn.errors import ConfigError, DataError, UnknownNameError
from handwriting_cnn.imaging.decode import decode_image
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess

pytestmark = pytest.mark.filterwarnings("ignore:.* has no picture of:UserWarning", "ignore:.* are blank:UserWarning")

ANYTHING = hnp.arrays(
    st.sampled_from([np.uint8, np.int32, np.uint64, np.float32, np.bool_, np.complex64, "U2"]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
)
CLASSES = st.integers(0, 3)
LETTERS = st.sampled_from(["a", "b", "ß", "ب", "ш", "no comma, no;semicolon", 'a "quote"'])


@st.composite
def pictures(draw, labels=CLASSES, most=8):
    """Pictures and as many labels."""
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, 6), st.integers(1, 6)))
    return draw(hnp.arrays(np.uint8, shape)), draw(st.lists(labels, min_size=shape[0], max_size=shape[0]))


@st.composite
def datasets(draw):
    images, labels = draw(pictures(most=12))
    writers = draw(st.none() | st.lists(st.integers(0, 3), min_size=len(labels), max_size=len(labels)))
    extra = {"row": np.arange(len(labels))}
    return Dataset.from_arrays(images, labels, alphabet="abcd", writers=writers, extra=extra)


def rows(dataset):
    return dataset.extra["row"].tolist()


@settings(max_examples=150)
@given(images=ANYTHING, labels=ANYTHING, writers=st.none() | ANYTHING, extra=ANYTHING, alphabet=st.text(max_size=4))
def test_arrays_of_any_kind_make_a_data_set_or_are_refused(images, labels, writers, extra, alphabet):
    try:
        dataset = Dataset.from_arrays(images, labels, alphabet=alphabet, writers=writers, extra={"extra": extra})
    except DataError:
        return
    assert dataset.images.dtype == np.uint8
    assert len(dataset) == len(dataset.labels) == len(dataset.extra["extra"]) == dataset.class_counts.sum()
    assert dataset.images.shape == (len(dataset), *dataset.input_shape)


@settings(max_examples=80)
@given(dataset=datasets(), positions=st.lists(st.integers(-2, 13), max_size=6) | ANYTHING)
def test_a_subset_is_the_rows_that_were_asked_for(dataset, positions):
    try:
        part = dataset.subset(positions)
    except DataError:
        return
    assert rows(part) == [rows(dataset)[int(place)] for place in positions]
    assert (part.images == dataset.images[np.asarray(positions, int)]).all()
    assert (part.images == dataset.take(positions)).all()
    assert part.digest == part.subset(range(len(part))).digest


@settings(max_examples=80)
@given(
    dataset=datasets(),
    fraction=st.floats(),
    by=st.sampled_from(["class", "writer", "row", None, "x"]),
    seed=st.integers(),
)
def test_a_split_of_any_data_set_is_a_partition_or_refused(dataset, fraction, by, seed):
    try:
        rest, part = dataset.split(fraction, by=by, seed=seed)
    except (ConfigError, DataError, UnknownNameError):
        return
    assert sorted([*rows(rest), *rows(part)]) == rows(dataset)
    if by == "writer":
        assert not set(rest.writers.tolist()) & set(part.writers.tolist())
    again = dataset.split(fraction, by=by, seed=seed)
    assert [one.digest for one in again] == [rest.digest, part.digest]


@settings(max_examples=60)
@given(dataset=datasets(), n=st.integers(-1, 6), by=st.sampled_from(["class", "writer", "row", None]))
def test_folds_of_any_data_set_partition_it_or_are_refused(dataset, n, by):
    try:
        pairs = list(dataset.folds(n, by=by))
    except (ConfigError, DataError):
        return
    assert len(pairs) == n
    assert sorted(row for _, test in pairs for row in rows(test)) == rows(dataset)
    for train, test in pairs:
        assert sorted([*rows(train), *rows(test)]) == rows(dataset)
        if by == "writer":
            assert not set(train.writers.tolist()) & set(test.writers.tolist())


def check_loaded(dataset, images, texts):
    """Compare with what was written: the pictures as they were or all turned over, the labels by their texts."""
    assert (dataset.images[..., 0] == images).all() or (dataset.images[..., 0] == 255 - images).all()
    assert [dataset.alphabet.characters[label] for label in dataset.labels] == texts


@settings(max_examples=60)
@given(drawn=pictures(labels=LETTERS), delimiter=st.sampled_from(",;\t"), second=st.booleans())
def test_a_table_of_pixels_comes_back(tmp_path_factory, drawn, delimiter, second):
    images, texts = drawn
    folder = tmp_path_factory.mktemp("table")
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        levels = images.reshape(len(images), -1).tolist()
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([*([] if second else [text]), *row] for text, row in zip(texts, levels, strict=True))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([text] for text in texts)
    labels = folder / "labels.csv" if second else None
    check_loaded(load_csv(folder / "table.csv", labels=labels, shape=images.shape[1:]), images, texts)


@settings(max_examples=60)
@given(drawn=pictures(labels=LETTERS) | pictures(), flat=st.booleans(), column=st.booleans())
def test_arrays_in_an_archive_come_back(tmp_path_factory, drawn, flat, column):
    images, labels = drawn
    path = tmp_path_factory.mktemp("arrays") / "arrays.npz"
    given_labels = np.asarray(labels)[:, np.newaxis] if column else np.asarray(labels)
    np.savez_compressed(path, x=images if flat else images[..., np.newaxis], y=given_labels)
    check_loaded(load_npz(path), images, [str(label) for label in labels])


@settings(max_examples=60)
@given(arrays=st.dictionaries(st.sampled_from(["images", "labels", "x", "y"]), ANYTHING, max_size=3))
def test_any_archive_of_arrays_is_loaded_or_refused(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("arrays") / "arrays.npz"
    np.savez(path, **arrays)
    try:
        dataset = load_npz(path)
    except (DataError, UnknownNameError):
        return
    assert len(dataset) == len(dataset.images)


@settings(max_examples=60)
@given(drawn=pictures(labels=st.integers(0, 255)), pack=st.sampled_from([bytes, gzip.compress]))
def test_a_pair_of_idx_files_comes_back(tmp_path_factory, drawn, pack):
    images, labels = drawn
    paths = []
    for array in (images, np.array(labels, np.uint8)):
        paths.append(tmp_path_factory.mktemp("idx") / "file")
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        paths[-1].write_bytes(pack(head + array.tobytes()))
    check_loaded(load_idx(*paths), images, [str(label) for label in labels])


@settings(max_examples=30)
@given(
    drawn=st.lists(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)), min_size=2, max_size=4)
)
def test_a_folder_holds_each_picture_as_it_is_preprocessed(tmp_path_factory, drawn):
    folder, spec = tmp_path_factory.mktemp("letters"), PreprocessSpec(height=8, width=9)
    for number, image in enumerate(drawn):
        (folder / "abcd"[number]).mkdir()
        Image.fromarray(image).save(folder / "abcd"[number] / "one.png")
    dataset = load_folder(folder, preprocessing=spec)
    assert dataset.labels.tolist() == list(range(len(drawn)))
    assert (dataset.images == np.stack([preprocess(decode_image(image), spec) for image in drawn])).all()
