"""Russian letters: photographs of coloured pens on four kinds of paper."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from handwriting_cnn.data.cache import cached_arrays
from handwriting_cnn.data.catalog import DatasetInfo, Protocol, RemoteArchive
from handwriting_cnn.data.csv_rows import read_rows
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.download import fetch_members
from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.data.splitting import draw_part
from handwriting_cnn.errors import DataError
from handwriting_cnn.imaging.ink import extract_ink
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess

READER_VERSION: Final = 2
"""Raised whenever :func:`parse_russian` makes other arrays: caches of older versions are then made anew."""

_TABLES: Final = ("letters", "letters2", "letters3")
_LETTERS: Final = 33
_PAPERS: Final = 4
_TEST: Final = 0.2
_SEED: Final = 0
_SPEC: Final = PreprocessSpec()


def open_russian(info: DatasetInfo, protocol: Protocol, _fold: int) -> DatasetSplits:
    """Open the Russian letters from the cache, after fetching and parsing them where they are not there yet.

    ``extra`` has ``paper`` (0..3, the source's background) and ``source_label`` (1..33, the source's label).

    Args:
        info: The catalogue's row.
        protocol: ``fixed``: a fifth of each letter on each paper is the test part, always the same one.

    Returns:
        The two parts, over memory maps.
    """
    archive = cast("RemoteArchive", info.files[0])
    arrays = cached_arrays(
        info.name,
        source=archive.sha256,
        reader=READER_VERSION,
        parse=lambda: parse_russian(fetch_members(archive)),
    )
    labels, paper = arrays["labels"], arrays["paper"]
    test = draw_test_rows(labels, paper)
    whole = Dataset.from_arrays(
        arrays["images"],
        labels,
        alphabet=info.alphabet,
        extra={"paper": paper, "source_label": labels + 1},
        name=info.name,
        protocol=protocol.name,
    )
    return DatasetSplits(whole.subset(np.delete(np.arange(len(whole)), test)), whole.subset(test))


def draw_test_rows(labels: npt.NDArray[np.int64], paper: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the test part's rows of the tables, stratified by letter and paper, always the same ones."""
    return draw_part(labels * _PAPERS + paper, len(labels), fraction=_TEST, whole=False, seed=_SEED)


def parse_russian(members: Mapping[str, bytes]) -> dict[str, npt.NDArray[Any]]:
    """Parse the archive's tables and photographs.

    Photographs become ink by :func:`~handwriting_cnn.imaging.ink.extract_ink`; the twelve that are not 32x32 are fitted
    into it with their aspect kept.

    Args:
        members: ``data/letters.csv``, ``data/letters/<file>`` and so on for ``letters2`` and ``letters3``.

    Returns:
        In the tables' order: ``images`` uint8 ``(n, 32, 32, 1)``; ``labels`` int64 ``(n,)`` in 0..32; ``paper`` int64
        ``(n,)`` in 0..3.

    Raises:
        DataError: If a table or a picture that it names is missing or damaged, or a picture is in no table.
    """
    rows = [row for table in _TABLES for row in _table_rows(members, table)]
    unnamed = sorted({path for path in members if path.endswith(".png")} - {path for path, _, _ in rows})
    if unnamed:
        raise DataError(f"{unnamed[0]!r} is a picture that no table names")
    images = np.empty((len(rows), _SPEC.height, _SPEC.width, 1), np.uint8)
    with late_progress("Finding the ink of Russian letters", total=len(rows)) as show:
        for index, (path, _, _) in enumerate(rows):
            images[index] = preprocess(extract_ink(_colours(members[path], path)), _SPEC)
            show(index + 1)
    return {
        "images": images,
        "labels": np.array([label - 1 for _, label, _ in rows], np.int64),
        "paper": np.array([paper for _, _, paper in rows], np.int64),
    }


def _table_rows(members: Mapping[str, bytes], table: str) -> Iterator[tuple[str, int, int]]:
    """Yield each picture's path, label 1..33 and paper 0..3."""
    source = f"data/{table}.csv"
    if source not in members:
        raise DataError(f"the archive has no {source}")
    lines = io.StringIO(members[source].decode("utf-8", errors="replace"))
    rows = read_rows(lines, source=source)
    _, headings = next(rows, ("", []))
    if headings != ["letter", "label", "file", "background"]:
        raise DataError(f"{source}: expected the columns letter, label, file, background, but found {headings}")
    for where, (_, label, file, paper) in rows:
        path = f"data/{table}/{file}"
        if path not in members:
            raise DataError(f"{where}: there is no picture {path}")
        if not (label.isdecimal() and 1 <= int(label) <= _LETTERS and paper.isdecimal() and int(paper) < _PAPERS):
            raise DataError(f"{where}: expected a label 1..{_LETTERS} and a background 0..{_PAPERS - 1}")
        yield path, int(label), int(paper)


def _colours(encoded: bytes, path: str) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(encoded), formats=["PNG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path} is a damaged picture: {error}") from None
