"""MNIST, from its pictures as PNG files."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.cache import cached_arrays
from handwriting_cnn.data.catalog import DatasetInfo, Protocol, RemoteArchive
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.download import fetch_members
from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import DataError
from handwriting_cnn.imaging.decode import decode_image

READER_VERSION: Final = 1
"""Raised whenever :func:`parse_mnist` makes other arrays: caches of older versions are then made anew."""

_SIDE: Final = 28
_PATH: Final = re.compile(r"(train|test)/(\d)/(\d+)\.png")
_PARTS: Final = ("train", "test")


def open_mnist(info: DatasetInfo, protocol: Protocol, _fold: int) -> DatasetSplits:
    """Open MNIST from the cache, after fetching and parsing it where it is not there yet.

    Args:
        info: The catalogue's row.
        protocol: ``official``: the published split; its writers are not known here, but are on one side each.

    Returns:
        The two parts, over memory maps.
    """
    archive = cast("RemoteArchive", info.files[0])
    arrays = cached_arrays(
        info.name,
        source=archive.sha256,
        reader=READER_VERSION,
        parse=lambda: parse_mnist(fetch_members(archive)),
    )
    whole = Dataset.from_arrays(
        arrays["images"], arrays["labels"], alphabet=info.alphabet, name=info.name, protocol=protocol.name
    )
    rows = np.arange(len(whole))
    return DatasetSplits(whole.subset(rows[: info.num_train]), whole.subset(rows[info.num_train :]))


def parse_mnist(members: Mapping[str, bytes]) -> dict[str, npt.NDArray[Any]]:
    """Parse the archive's pictures, ``train/<digit>/<number>.png`` and ``test/...``, bright on black.

    Args:
        members: Encoded pictures by path.

    Returns:
        The train pictures by number, then the test pictures: ``images`` uint8 ``(n, 28, 28, 1)``; ``labels`` int64
        ``(n,)`` in 0..9.

    Raises:
        DataError: If a path is another, or a picture is none of 28x28 pixels.
    """
    rows = sorted(_place(path) for path in members)
    images = np.empty((len(rows), _SIDE, _SIDE, 1), np.uint8)
    with late_progress("Reading MNIST", total=len(rows)) as show:
        for index, (_, _, _, path) in enumerate(rows):
            picture = decode_image(members[path])
            if picture.shape != (_SIDE, _SIDE):
                raise DataError(f"{path}: a picture of MNIST is {_SIDE}x{_SIDE}, but this is {picture.shape}")
            images[index, ..., 0] = picture
            show(index + 1)
    return {"images": images, "labels": np.array([digit for _, _, digit, _ in rows], np.int64)}


def _place(path: str) -> tuple[int, int, int, str]:
    """Return a picture's part, number and digit, and its path."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise DataError(f"{path!r} is no picture of MNIST: train/<digit>/<number>.png is expected")
    part, digit, number = match.groups()
    return _PARTS.index(part), int(number), int(digit), path
