"""Tables of pixels: one picture a row, each pixel a whole number 0..255."""

import csv
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError

PixelTable: TypeAlias = npt.NDArray[np.uint8]
"""Uint8 ``(rows, pixels)``."""

_PIXELS: Final = {str(value): value for value in range(256)}


def read_pixel_rows(
    lines: Iterable[str],
    *,
    source: str,
    label_column: int | None = None,
    header: bool = False,
    delimiter: str = ",",
) -> tuple[PixelTable, list[tuple[str, str]]]:
    """Read a table of pixels, and check every cell.

    Args:
        lines: The table's lines, such as an open text file.
        source: The table's name for messages.
        label_column: Which cell is the picture's label, from 0 up to the number of columns; ``None`` if none is.
        header: Whether the first line is names.
        delimiter: What lies between cells.

    Returns:
        The pixels; and each row's label with its place for messages, none without a label column.

    Raises:
        DataError: If there is no row, one is longer or shorter than the first, or a cell is no pixel. Rows and columns
            are counted from 1, as a spreadsheet shows them.
    """
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    first = None
    rows: list[bytes] = []
    labels: list[tuple[str, str]] = []
    try:
        for cells in reader:
            first = first or cells
            if not cells or (header and cells is first):
                continue
            where = f"{source}, row {reader.line_num}"
            if len(cells) != len(first):
                raise DataError(f"{where}: expected {len(first)} columns, as in the first row, but found {len(cells)}")
            if label_column is None:
                rows.append(_pixels(cells, where))
                continue
            if not 0 <= label_column < len(cells) > 1:
                raise DataError(
                    f"{where}: no column {label_column + 1} for labels beside pixels, there are {len(cells)}"
                )
            labels.append(cells[label_column].strip())
            rows.append(_pixels(cells, where, label_column))
    except csv.Error as error:
        raise DataError(f"{source}, row {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is no text in UTF-8: {error.reason} at byte {error.start}") from None
    if not rows:
        raise DataError(f"{source} has no row of pixels")
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1), labels


def _pixels(cells: Sequence[str], where: str, skipped: int | None) -> bytes:
    kept = cells if skipped is None else [*cells[:skipped], *cells[skipped + 1 :]]
    try:
        # One look-up a cell is both the check and the conversion.
        return bytes(map(_PIXELS.__getitem__, kept))
    except KeyError:
        pass
    for column, cell in enumerate(cells, start=1):
        if column - 1 != skipped and cell.strip() not in _PIXELS:
            raise DataError(f"{where}, column {column}: expected a whole number from 0 to 255, but found {cell[:20]!r}")
    return bytes(_PIXELS[cell.strip()] for cell in kept)
