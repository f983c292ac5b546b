import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.training.batches import Batches, CharacterAccuracy

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
    going.begin(1)
    second = rows_of(going, dataset)
    assert first != second
    rest = Batches(dataset, batch_size=4, seed=7, first=2)
    rest.begin(1)
    assert (len(rest), rest.per_epoch) == (1, 3)
    assert rows_of(rest, dataset) == second[8:]
    np.testing.assert_array_equal(second, np.random.default_rng([7, 1]).permutation(10))
    assert rows_of(Batches(dataset, batch_size=3), dataset) == list(range(10))


def test_pixels_stay_on_disk_until_they_are_asked_for(tmp_path, dataset):
    np.save(tmp_path / "images.npy", dataset.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    on_disk = Dataset.from_arrays(mapped, np.asarray(dataset.labels), alphabet="abc").subset([3, 1, 8])
    images, _ = Batches(on_disk, batch_size=3)[0]
    assert not isinstance(images, np.memmap) or not np.shares_memory(images, mapped)
    np.testing.assert_array_equal(images[:, 0, 0, 0], [3, 1, 8])


def test_outliers_follow_the_characters_with_labels_spread_over_the_classes(dataset):
    weights = np.array([0.5, 2.0, 3.0], np.float32)
    plain = Batches(dataset, batch_size=4, seed=3)
    batches = Batches(dataset, batch_size=4, seed=3, outliers=0.5, weights=weights)
    again = Batches(dataset, batch_size=4, seed=3, outliers=0.5)
    for index, count in enumerate((4, 4, 2)):
        images, labels, weighed = batches[index]
        assert len(images) == len(labels) == len(weighed) == count + count // 2
        np.testing.assert_array_equal(images[:count], plain[index][0])
        np.testing.assert_array_equal(labels[:count], plain[index][1])
        np.testing.assert_allclose(labels[count:], 1 / 3)
        np.testing.assert_array_equal(weighed[:count], weights[labels[:count].argmax(axis=1)])
        np.testing.assert_array_equal(weighed[count:], 1)
        np.testing.assert_array_equal(images, again[index][0])
    other = Batches(dataset, batch_size=4, seed=3, outliers=0.5)
    other.begin(1)
    assert (other[0][0][4:] != again[0][0][4:]).any()


def test_the_accuracy_is_that_of_the_characters(dataset):
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.ones(3), 30).astype(np.float32)
    truth = random.integers(0, 3, 20)
    labels = np.concatenate([np.eye(3)[truth], np.full((10, 3), 1 / 3)]).astype(np.float32)
    accuracy = CharacterAccuracy()
    for part in (slice(0, 18), slice(18, 30)):
        accuracy.update_state(labels[part], answers[part])
    assert float(accuracy.result()) == pytest.approx(accuracy_score(truth, answers[:20].argmax(axis=1)))
