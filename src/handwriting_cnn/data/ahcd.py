"""The Arabic Handwritten Characters Dataset: a zip of four tables."""

import io
import zipfile
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.cache import cached_arrays
from handwriting_cnn.data.catalog import DatasetInfo, Protocol, RemoteFile
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.download import fetch
from handwriting_cnn.data.pixel_rows import read_pixel_rows
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import DataError

READER_VERSION: Final = 1
"""Raised whenever :func:`parse_ahcd` makes other arrays: caches of older versions are then made anew."""

_SIDE: Final = 32
_CLASSES: Final = 28
_FOLDS_SEED: Final = 0
# A block of rows is one writer's: 28 letters, 8 of each in train and 2 in test. Blocks of the same number are by the
# same hand, see docs/explanation.
_PARTS: Final = (("Train", 13_440, 8), ("Test", 3_360, 2))


def open_ahcd(info: DatasetInfo, protocol: Protocol, fold: int) -> DatasetSplits:
    """Open AHCD from the cache, after fetching and parsing it where it is not there yet.

    Args:
        info: The catalogue's row.
        protocol: ``official``, or ``unseen-writers`` with its folds.
        fold: The fold that is the test part.

    Returns:
        The two parts, over memory maps.
    """
    file = cast("RemoteFile", info.files[0])
    arrays = cached_arrays(info.name, source=file.sha256, reader=READER_VERSION, parse=lambda: parse_ahcd(fetch(file)))
    chosen = protocol.name if protocol.folds == 1 else f"{protocol.name}, fold {fold}"
    whole = Dataset.from_arrays(
        arrays["images"],
        arrays["labels"],
        alphabet=info.alphabet,
        writers=arrays["writers"],
        name=info.name,
        protocol=chosen,
    )
    if protocol.folds > 1:
        return DatasetSplits(*list(whole.folds(protocol.folds, by="writer", seed=_FOLDS_SEED))[fold])
    rows = np.arange(len(whole))
    return DatasetSplits(whole.subset(rows[: info.num_train]), whole.subset(rows[info.num_train :]))


def parse_ahcd(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Parse the archive: the train tables' rows first, then the test tables'.

    Args:
        path: The zip as published.

    Returns:
        ``images`` uint8 ``(16800, 32, 32, 1)``, upright; ``labels`` int64 ``(16800,)`` in 0..27; ``writers`` int64
        ``(16800,)`` in 0..59.

    Raises:
        DataError: If the archive or a table in it is not as published.
    """
    images, labels, writers = [], [], []
    try:
        with zipfile.ZipFile(path) as archive:
            for part, count, repeats in _PARTS:
                pixels = _read(archive, f"csv{part}Images {count}x1024.csv", (count, _SIDE * _SIDE))
                # The tables run through each picture column by column: upright is the transpose.
                images.append(pixels.reshape(count, _SIDE, _SIDE).transpose(0, 2, 1))
                labels.append(_read(archive, f"csv{part}Label {count}x1.csv", (count, 1))[:, 0].astype(np.int64) - 1)
                writers.append(np.arange(count, dtype=np.int64) // (_CLASSES * repeats))
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(f"{path} is not AHCD's archive: {error}") from None
    return {
        "images": np.concatenate(images)[..., np.newaxis],
        "labels": np.concatenate(labels),
        "writers": np.concatenate(writers),
    }


def _read(archive: zipfile.ZipFile, member: str, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    with archive.open(member) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as lines:
        table, _ = read_pixel_rows(lines, source=member)
    if table.shape != shape:
        raise DataError(f"{member} has {table.shape[0]} rows of {table.shape[1]}, not {shape[0]} of {shape[1]}")
    return table
