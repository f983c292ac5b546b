"""Tables of pixels: one picture a row, each pixel a whole number 0..255."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.csv_rows import read_rows
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
        label_column: Which cell is the picture's label, from 0, and one of the first row's; ``None`` if none is.
        header: Whether the first row is names.
        delimiter: What lies between cells.

    Returns:
        The pixels; and each row's label with its place for messages, none without a label column.

    Raises:
        DataError: If there is no row, one is longer or shorter than the first, or a cell is no pixel. Rows and columns
            are counted from 1, as a spreadsheet shows them.
    """
    pixels: list[bytes] = []
    labels: list[tuple[str, str]] = []
    rows = read_rows(lines, source=source, delimiter=delimiter)
    if header:
        next(rows, None)
    for where, cells in rows:
        pixels.append(_to_bytes(cells, where, label_column))
        if label_column is not None:
            labels.append((f"{where}, column {label_column + 1}", cells[label_column].strip()))
    if not pixels:
        raise DataError(f"{source} has no row of pixels")
    return np.frombuffer(b"".join(pixels), np.uint8).reshape(len(pixels), -1), labels


def _to_bytes(cells: Sequence[str], where: str, skipped: int | None) -> bytes:
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
