import numpy as np
import pytest

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.training.batches import Batches

pytestmark = pytest.mark.core


def rows_of(batches, dataset):
    """The rows that an epoch shows, found again by their pixels."""
    place = {image.tobytes(): row for row, image in enumerate(dataset.images)}
    return [place[image.tobytes()] for index in range(len(batches)) for image in batches[index][0]]


@pytest.fixture
def dataset():
    images = np.zeros((10, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(10)
    return Dataset.from_arrays(images, np.arange(10) % 3, alphabet="abc")


def test_every_picture_once_with_its_label(dataset):
    batches = Batches(dataset, batch_size=4, seed=0)
    assert [len(batches[index][0]) for index in range(len(batches))] == [4, 4, 2]
    assert sorted(rows_of(batches, dataset)) == list(range(10))
    for index in range(3):
        images, one_hot = batches[index]
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
        np.testing.assert_array_equal(one_hot.argmax(axis=1), images[:, 0, 0, 0] % 3)


def test_the_order_follows_from_seed_and_epoch_alone(dataset):
    going = Batches(dataset, batch_size=4, seed=7)
    first = rows_of(going, dataset)
    going.on_epoch_end()
    second = rows_of(going, dataset)
    assert first != second
    assert rows_of(Batches(dataset, batch_size=4, seed=7, epoch=1), dataset) == second
    np.testing.assert_array_equal(second, np.random.default_rng([7, 1]).permutation(10))
    assert rows_of(Batches(dataset, batch_size=3), dataset) == list(range(10))


def test_pixels_stay_on_disk_until_they_are_asked_for(tmp_path, dataset):
    np.save(tmp_path / "images.npy", dataset.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    on_disk = Dataset.from_arrays(mapped, np.asarray(dataset.labels), alphabet="abc").subset([3, 1, 8])
    images, _ = Batches(on_disk, batch_size=3)[0]
    assert not isinstance(images, np.memmap) or not np.shares_memory(images, mapped)
    np.testing.assert_array_equal(images[:, 0, 0, 0], [3, 1, 8])
