import dataclasses
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import DataError, ShapeMismatchError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec

pytestmark = pytest.mark.core


def make(count=60, classes=3, **settings):
    images = np.random.default_rng(0).integers(0, 256, (count, 6, 5), np.uint8)
    arrays = {"writers": np.arange(count) // 6, "extra": {"form": np.arange(count) * 10}}
    return Dataset.from_arrays(images, np.arange(count) % classes, alphabet="abcdefgh"[:classes], **arrays, **settings)


def test_properties():
    dataset = make(name="mine", protocol="official")
    assert len(dataset) == 60
    assert dataset.images.shape == (60, 6, 5, 1)
    assert dataset.images.dtype == np.uint8
    assert dataset.labels.dtype == dataset.writers.dtype == dataset.class_counts.dtype == np.int64
    assert dataset.input_shape == (6, 5, 1)
    assert dataset.num_classes == 3
    assert dataset.class_counts.tolist() == [20, 20, 20]
    assert dataset.alphabet.characters == ("a", "b", "c")
    assert (dataset.name, dataset.protocol) == ("mine", "official")
    assert dataset.preprocessing == PreprocessSpec(height=6, width=5)
    assert repr(dataset) == "Dataset(mine, official: 60 pictures of 6x5x1, 3 classes)"


def test_nothing_can_be_written_through():
    dataset = make()
    for part in (dataset, dataset.subset([5, 1])):
        for array in (part.images, part.labels, part.writers, part.class_counts, part.extra["form"]):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
        with pytest.raises(TypeError):
            part.extra["new"] = part.labels
        with pytest.raises(dataclasses.FrozenInstanceError):
            part.name = "other"


def test_no_pixels_are_copied():
    images = np.zeros((40, 4, 4), np.uint8)
    dataset = Dataset.from_arrays(images, np.arange(40) % 2, alphabet="ab")
    assert np.shares_memory(dataset.images, images)
    assert np.shares_memory(dataset.subset(np.arange(10, 30)).images, images)
    rest, part = dataset.split(0.5, by="class")
    for side in (rest, part, *next(dataset.folds(3)), rest.subset([0, 2])):
        assert side._whole.images is dataset._whole.images


def test_parts_of_parts_have_the_right_rows():
    dataset = make()
    twice = dataset.subset([50, 3, 7, 20]).subset([2, 0])
    for name in ("images", "labels", "writers"):
        assert (getattr(twice, name) == getattr(dataset, name)[[7, 50]]).all()
    assert twice.extra["form"].tolist() == [70, 500]
    assert (twice.take([1, 1, 0]) == dataset.images[[50, 50, 7]]).all()
    assert twice.take(np.array([0])).flags.writeable


def test_a_memory_map_stays_on_disk(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, np.arange(20 * 9, dtype=np.uint8).reshape(20, 3, 3))
    mapped = np.load(path, mmap_mode="r")
    dataset = Dataset.from_arrays(mapped, np.arange(20) % 2, alphabet="ab")
    assert np.shares_memory(dataset.subset(range(4, 9)).images, mapped)
    batch = dataset.split(0.5)[1].take([0, 3])
    assert type(batch) is np.ndarray
    assert not np.shares_memory(batch, mapped)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["class", "writer", None]), st.floats(0.1, 0.9), st.integers(0, 99))
def test_a_split_is_a_partition(by, fraction, seed):
    dataset = make()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a part of arrays has no picture")
        rest, part = dataset.split(fraction, by=by, seed=seed)
    rows = [*rest.extra["form"].tolist(), *part.extra["form"].tolist()]
    assert sorted(rows) == dataset.extra["form"].tolist()
    if by != "writer":
        assert len(part) == round(fraction * 60)


@pytest.mark.parametrize("by", ["class", "writer", None])
def test_folds_partition(by):
    dataset = make()
    pairs = list(dataset.folds(5, by=by, seed=1))
    assert sorted(np.concatenate([test.extra["form"] for _, test in pairs]).tolist()) == dataset.extra["form"].tolist()
    for train, test in pairs:
        assert len(train) + len(test) == 60
        assert not set(train.extra["form"].tolist()) & set(test.extra["form"].tolist())


def test_a_lost_class_earns_one_warning():
    labels = np.array([0] * 20 + [1] * 20 + [2])
    dataset = Dataset.from_arrays(np.zeros((41, 2, 2), np.uint8), labels, alphabet="abc", name="few")
    with pytest.warns(UserWarning, match="a part of few has no picture of c$") as caught:
        list(dataset.folds(4))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="^few has no picture of c$") as caught:
        absent = Dataset.from_arrays(np.zeros((4, 2, 2), np.uint8), [0, 1, 0, 1], alphabet="abc", name="few")
    assert caught[0].filename == __file__
    assert absent.num_classes == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        absent.split(0.5)  # told already


def test_the_digest_knows_content_and_order_alone():
    dataset = make()
    assert dataset.digest == make(name="other", protocol="x").digest == dataset.subset(range(60)).digest
    images, labels = dataset.images.copy(), dataset.labels
    others = [
        dataset.subset(range(59)),
        dataset.subset([1, 0, *range(2, 60)]),
        Dataset.from_arrays(images, labels[::-1], alphabet="abc"),
        Dataset.from_arrays(images, labels, alphabet="abd"),
        Dataset.from_arrays(images.reshape(60, 5, 6), labels, alphabet="abc"),
    ]
    images = images.copy()
    images[59, 5, 4] ^= 1
    others.append(Dataset.from_arrays(images, labels, alphabet="abc"))
    assert len({dataset.digest, *(other.digest for other in others)}) == 7


def test_a_data_set_travels_between_processes():
    part = make().subset([5, 1])
    assert part.extra["form"].tolist() == [50, 10]
    again = pickle.loads(pickle.dumps(part))  # noqa: S301  (our own bytes)
    assert again.digest == part.digest
    assert again.extra["form"].tolist() == [50, 10]


def test_splits_unpack():
    train, test = splits = DatasetSplits(*make(name="mine", protocol="p").split(0.5))
    assert (splits.name, splits.protocol) == ("mine", "p")
    assert (splits.train, splits.test) == (train, test)


GOOD = np.zeros((4, 3, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "more", "error", "message"),
    [
        (GOOD / 255, [0, 1, 0, 1], {}, DataError, "float64: multiply by 255"),
        (GOOD.astype(int), [0, 1, 0, 1], {}, DataError, "int64: cast"),
        (np.array([["a"]]), [0], {}, DataError, "must be uint8"),
        (GOOD[0], [0, 1, 0], {}, DataError, "(n, height, width)"),
        (np.zeros((4, 3, 3, 3), np.uint8), [0, 1, 0, 1], {}, DataError, "(4, 3, 3, 3)"),
        (GOOD[:0], [], {}, DataError, "at least one picture"),
        (GOOD, [0, 1, 0], {}, ShapeMismatchError, "4 pictures, but 3 labels"),
        (GOOD, [0.0, 1, 0, 1], {}, DataError, "labels must be whole numbers"),
        (GOOD, [[0], [1], [0], [1]], {}, DataError, "labels must have the shape"),
        (GOOD, [0, 1, 2, 1], {}, DataError, "label 2 at position 2 is not in 0..1"),
        (GOOD, [0, -1, 0, 1], {}, DataError, "label -1 at position 1"),
        (GOOD, [0, 1, 0, 1], {"writers": [1, 2]}, ShapeMismatchError, "4 pictures, but 2 writers"),
        (GOOD, [0, 1, 0, 1], {"extra": {"form": [1]}}, ShapeMismatchError, "'form'"),
        (GOOD, [0, 1, 0, 1], {"preprocessing": PreprocessSpec(height=9)}, DataError, "3x3, but their preprocessing"),
    ],
)
def test_arrays_that_cannot_be_used(images, labels, more, error, message):
    with pytest.raises(error) as caught:
        Dataset.from_arrays(images, labels, alphabet="ab", **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("positions", [[], [[1]], [0.5], [-1], [60]])
def test_subsets_positions_are_checked(positions):
    with pytest.raises(DataError, match="position"):
        make().subset(positions)


@pytest.mark.parametrize("positions", [[True, False], [1.0], [-1], [60], 0])
def test_positions_of_pictures_are_checked(positions):
    with pytest.raises(DataError, match="positions"):
        make().take(positions)
    assert make().take([]).shape[0] == 0


def test_unknown_writers_and_ways_are_refused():
    dataset = Dataset.from_arrays(GOOD, [0, 1, 0, 1], alphabet="ab", name="mine")
    with pytest.raises(DataError, match="'mine' does not know its writers"):
        dataset.split(0.5, by="writer")
    with pytest.raises(UnknownNameError, match=r"unknown way to split by 'letter'; .*known: class, writer"):
        dataset.split(0.5, by="letter")


def test_writers_with_names_are_kept_together():
    names = np.repeat(["Åsa", "Bo", "Cy", "Di", "Ed"], 4)
    dataset = Dataset.from_arrays(
        np.zeros((20, 2, 2), np.uint8), np.arange(20) % 2, alphabet="ab", extra={"writer": names}
    )
    rest, part = dataset.split(0.2, by="writer")
    assert len(set(part.extra["writer"])) == 1
    assert not set(rest.extra["writer"]) & set(part.extra["writer"])


@pytest.mark.parametrize("column", [["a", None] * 2, [[1, 2]] * 4])
def test_a_column_that_makes_no_groups_is_refused(column):
    dataset = Dataset.from_arrays(
        GOOD, [0, 1, 0, 1], alphabet="ab", extra={"sheet": np.array(column, object if None in column else None)}
    )
    for split in (lambda: dataset.split(0.5, by="sheet"), lambda: dataset.folds(2, by="sheet")):
        with pytest.raises(DataError, match="column 'sheet'"):
            split()


def test_a_split_by_a_column_keeps_equal_entries_together():
    sheets = np.repeat(["a", "b", "c", "d", "e"], 4)
    dataset = Dataset.from_arrays(
        np.zeros((20, 2, 2), np.uint8), np.arange(20) % 2, alphabet="ab", extra={"sheet": sheets}
    )
    rest, part = dataset.split(0.4, by="sheet", seed=3)
    assert (len(rest), len(part)) == (12, 8)
    assert not set(rest.extra["sheet"]) & set(part.extra["sheet"])
    tests = [set(test.extra["sheet"]) for _, test in rest.folds(3, by="sheet")]
    assert sorted(map(len, tests)) == [1, 1, 1]
    assert set.union(*tests) == set(rest.extra["sheet"])


def test_classes_are_selected_in_the_order_given(digits):
    part = digits.test.select_classes("731")
    assert part.alphabet.characters == ("7", "3", "1")
    assert part.alphabet.names == ("seven", "three", "one")
    assert part.num_classes == 3
    chosen = np.isin(digits.test.labels, [7, 3, 1])
    assert (part.images == digits.test.images[chosen]).all()
    assert [int(part.alphabet.characters[label]) for label in part.labels] == digits.test.labels[chosen].tolist()
    assert digits.test.select_classes(["nine"]).class_counts.tolist() == [digits.test.class_counts[9]]
    rest, _ = part.split(0.5, seed=1)
    assert set(rest.labels.tolist()) == {0, 1, 2}
    assert np.shares_memory(part._whole.images, digits.test._whole.images)


@pytest.mark.parametrize(
    ("characters", "error", "message"),
    [("7x", UnknownNameError, "'x'"), ("77", DataError, "more than once"), ("", DataError, "at least one")],
)
def test_classes_that_cannot_be_selected(digits, characters, error, message):
    with pytest.raises(error, match=message):
        digits.test.select_classes(characters)


def test_another_alphabet_renumbers_the_classes(digits):
    part = digits.test.select_classes("731")
    wider = part.with_alphabet("0123x7")
    assert wider.num_classes == 6
    assert [wider.alphabet.characters[label] for label in wider.labels] == [
        part.alphabet.characters[label] for label in part.labels
    ]
    assert (wider.images == part.images).all()
    assert np.shares_memory(wider._whole.images, digits.test._whole.images)
    assert wider.digest != part.digest
    with pytest.raises(DataError, match="digits has pictures of 7, 3, which the other alphabet lacks"):
        part.with_alphabet("12")
    alone = digits.test.subset(np.flatnonzero(digits.test.labels == 4))
    assert alone.with_alphabet("4").labels.tolist() == [0] * len(alone)  # classes without a picture may be missing


def test_the_digits_are_scikit_learns(digits):
    source = load_digits()
    counts = np.bincount(source.target)
    assert (digits.train.class_counts + digits.test.class_counts).tolist() == counts.tolist()
    assert (abs(digits.test.class_counts - counts * 360 / 1797) < 1).all()
    assert (len(digits.train), len(digits.test), digits.train.input_shape) == (1437, 360, (32, 32, 1))
    assert digits.protocol == "fixed"
    # Averaging 4x4 blocks undoes the enlargement up to the filter's blur: every picture is one of the source's.
    small = digits.test.images.reshape(360, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(360, 64)
    distance = ((small[:, None] - source.data[None] * 255 / 16) ** 2).mean(axis=2)
    nearest = distance.argmin(axis=1)
    assert len(set(nearest.tolist())) > 355
    assert (source.target[nearest] == digits.test.labels).all()


def test_the_digits_test_part_never_changes(digits):
    assert digits.test.digest == "e3ae944a988663a9ed546ed66c59f5b5264d89de24a2d0244c0914903fa7d42b"
