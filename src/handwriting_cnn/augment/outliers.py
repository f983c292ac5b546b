"""Pictures that are no characters, made of some that are."""

from typing import Final

import numpy as np

from handwriting_cnn.types import ImageArray

_PAPER: Final = (0.5, 0.95)  # of a blot's picture
_EDGE: Final = 0.5  # standard deviations from paper to full ink


def make_outliers(pictures: ImageArray, random: np.random.Generator) -> ImageArray:
    """Return as many pictures that are no characters.

    A network that is shown some and told to be undecided about them (outlier exposure; Hendrycks and others, 2019,
    arXiv:1812.04606) is less sure of whatever else it never saw. One half is put together of quarters of different
    pictures, turned over at random: strokes as a pen draws them that mean nothing. The other half keeps the spectrum of
    a picture and loses its phases (Theiler and others, 1992, https://doi.org/10.1016/0167-2789(92)90102-S), cut at a
    random level: blots and blurs.

    Args:
        pictures: uint8 ``(n, height, width, 1)``, bright ink on 0, 2 pixels or more a side.
        random: What chance is drawn from.
    """
    half = len(pictures) // 2
    return np.concatenate([_jigsaws(pictures[:half], random), _blots(pictures[half:], random)])


def _jigsaws(pictures: ImageArray, random: np.random.Generator) -> ImageArray:
    height, width = (side // 2 for side in pictures.shape[1:3])
    places = [np.s_[:, top : top + height, left : left + width] for top in (0, height) for left in (0, width)]
    quarters = np.concatenate([pictures[place] for place in places])
    quarters = quarters[random.permutation(len(quarters))]
    for axis in (1, 2):
        turned = random.random(len(quarters)) < 0.5
        quarters[turned] = np.flip(quarters[turned], axis)
    made = np.zeros_like(pictures)
    for place, part in zip(places, np.split(quarters, len(places)), strict=True):
        made[place] = part
    return made


def _blots(pictures: ImageArray, random: np.random.Generator) -> ImageArray:
    count, height, width, _ = pictures.shape
    phases = np.angle(np.fft.rfft2(random.normal(size=(count, height, width))))
    spectrum = np.abs(np.fft.rfft2(pictures[..., 0].astype(np.float32)))
    blurs = np.fft.irfft2(spectrum * np.exp(1j * phases), s=(height, width)).reshape(count, height * width)
    ranks = (random.uniform(*_PAPER, (count, 1)) * height * width).astype(np.int64)
    levels = np.take_along_axis(np.sort(blurs, axis=1), ranks, axis=1)
    spread = np.maximum(blurs.std(axis=1, keepdims=True), 1e-6)
    ink = np.clip((blurs - levels) / (_EDGE * spread) + 0.5, 0, 1) * np.iinfo(np.uint8).max
    return np.rint(ink).astype(np.uint8).reshape(pictures.shape)
