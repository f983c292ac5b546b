"""Pictures that are no characters."""

import numpy as np
import pytest

from handwriting_cnn.augment.outliers import make_outliers
from handwriting_cnn.data.loading import load_dataset


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits").train.images[:64]


def test_one_half_is_made_of_quarters_of_several_pictures(digits):
    made = make_outliers(digits, np.random.default_rng(0))[:32]
    kinds = {}
    for number, picture in enumerate(digits[..., 0]):
        for quarter in (picture[:16, :16], picture[:16, 16:], picture[16:, :16], picture[16:, 16:]):
            for turned in (quarter, quarter[::-1], quarter[:, ::-1], quarter[::-1, ::-1]):
                kinds.setdefault(turned.tobytes(), number)
    sources = [
        {kinds[part.tobytes()] for part in (one[:16, :16], one[:16, 16:], one[16:, :16], one[16:, 16:])}
        for one in made[..., 0]
    ]
    assert np.mean([len(source) for source in sources]) > 3
    assert set().union(*sources) <= set(range(32))


def test_the_other_half_keeps_a_pictures_spectrum_and_neither_place_nor_shape(digits):
    given, made = digits[32:, ..., 0].astype(float), make_outliers(digits, np.random.default_rng(0))[32:, ..., 0]
    assert made.max() == 255
    share = (made > 127).mean(axis=(1, 2))
    assert share.min() > 0.02
    assert share.max() < 0.55
    assert share.std() > 0.05

    def coarse(pictures):
        spectrum = np.abs(np.fft.rfft2(pictures - pictures.mean(axis=(1, 2), keepdims=True)))
        return (spectrum[:, :4, :4] ** 2).sum(axis=(1, 2)) / (spectrum**2).sum(axis=(1, 2))

    white = np.random.default_rng(1).integers(0, 256, given.shape).astype(float)
    assert abs(coarse(made).mean() - coarse(given).mean()) < 0.5 * abs(coarse(white).mean() - coarse(given).mean())
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(given, made, strict=True)]
    assert abs(np.mean(alike)) < 0.15


@pytest.mark.parametrize("shape", [(0, 8, 8, 1), (1, 8, 8, 1), (5, 9, 13, 1)])
def test_any_number_of_any_size_and_blank_ones(shape):
    made = make_outliers(np.zeros(shape, np.uint8), np.random.default_rng(0))
    assert made.shape == shape
    assert made.dtype == np.uint8
