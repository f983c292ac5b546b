"""Hijja: isolated and joined Arabic letters by children."""

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
"""Raised whenever :func:`parse_hijja` makes other arrays: caches of older versions are then made anew."""

_SIDE: Final = 32
_LETTERS: Final = 29
_ISOLATED: Final = ".1"
_BLOCK: Final = 108  # a child's sheet has a picture of each letter's forms
_TEST: Final = 9_501 / 47_434  # the share of the test part in the authors' own, unpublished split
_SEED: Final = 0
_PATH: Final = re.compile(r"(\d+) [a-z]+/(\d+)\.(\d+)/(\d+)\.png")


def open_hijja(info: DatasetInfo, protocol: Protocol, _fold: int) -> DatasetSplits:
    """Open Hijja from the cache, after fetching and parsing it where it is not there yet.

    ``extra`` has ``form`` (the letter's number and the form's, as the folders are named: ``"4.2"``) and ``block``, the
    picture's id divided by 108: ids run roughly child by child.

    Args:
        info: The catalogue's row.
        protocol: ``blocks``, whose test part is whole blocks; ``isolated``, the letters that stand alone (form
            ``"N.1"``) of both its parts; or ``random``, a share of each letter's pictures.

    Returns:
        The two parts, over memory maps.
    """
    archive = cast("RemoteArchive", info.files[0])
    arrays = cached_arrays(
        info.name,
        source=archive.sha256,
        reader=READER_VERSION,
        parse=lambda: parse_hijja(fetch_members(archive)),
    )
    whole = Dataset.from_arrays(
        arrays["images"],
        arrays["labels"],
        alphabet=info.alphabet,
        extra={"form": arrays["form"], "block": arrays["block"]},
        name=info.name,
        protocol=protocol.name,
    )
    splits = DatasetSplits(*whole.split(_TEST, by="class" if protocol.name == "random" else "block", seed=_SEED))
    if protocol.name == "isolated":
        return DatasetSplits(_alone(splits.train), _alone(splits.test))
    return splits


def parse_hijja(members: Mapping[str, bytes]) -> dict[str, npt.NDArray[Any]]:
    """Parse the archive's pictures: ``<number> <letter>/<number>.<form>/<id>.png``, dark on white, upright.

    Args:
        members: Encoded pictures by path.

    Returns:
        In order of id and path: ``images`` uint8 ``(n, 32, 32, 1)``, ink bright; ``labels`` int64 ``(n,)`` in 0..28;
        ``form`` text ``(n,)``; ``block`` int64 ``(n,)``.

    Raises:
        DataError: If a path is another, or a picture is none of 32x32 pixels.
    """
    rows = sorted((_place(path) for path in members), key=lambda row: (row[0], row[3]))
    images = np.empty((len(rows), _SIDE, _SIDE, 1), np.uint8)
    with late_progress("Reading Hijja", total=len(rows)) as show:
        for index, (_, _, _, path) in enumerate(rows):
            picture = decode_image(members[path])
            if picture.shape != (_SIDE, _SIDE):
                raise DataError(f"{path}: a picture of Hijja is {_SIDE}x{_SIDE}, but this is {picture.shape}")
            images[index, ..., 0] = 255 - picture
            show(index + 1)
    return {
        "images": images,
        "labels": np.array([letter - 1 for _, letter, _, _ in rows], np.int64),
        "form": np.array([f"{letter}.{form}" for _, letter, form, _ in rows]),
        "block": np.array([(number - 1) // _BLOCK for number, _, _, _ in rows], np.int64),
    }


def _alone(part: Dataset) -> Dataset:
    return part.subset(np.flatnonzero(np.char.endswith(part.extra["form"], _ISOLATED)))


def _place(path: str) -> tuple[int, int, int, str]:
    """Return a picture's id, letter and form."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise DataError(f"{path!r} is no picture of Hijja: <number> <letter>/<number>.<form>/<id>.png is expected")
    letter, folder, form, number = map(int, match.groups())
    if letter != folder or not 1 <= letter <= _LETTERS:
        raise DataError(f"{path!r} lies in a folder of another letter, or of none of the {_LETTERS}")
    return number, letter, form, path
