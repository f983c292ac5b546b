"""Rows of a CSV table, each with its place for messages."""

import csv
from collections.abc import Iterable, Iterator

from handwriting_cnn.errors import DataError


def read_rows(lines: Iterable[str], *, source: str, delimiter: str = ",") -> Iterator[tuple[str, list[str]]]:
    """Read a table's rows, blank lines left out, and check that they are equally long.

    Args:
        lines: The table's lines, such as an open text file.
        source: The table's name for messages.
        delimiter: What lies between cells.

    Yields:
        A place such as ``"letters.csv, row 3"``, counted from 1 as a spreadsheet shows it, and the row's cells.

    Raises:
        DataError: If a row is longer or shorter than the first, or the table is no CSV text.
    """
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    width = 0
    try:
        for cells in reader:
            if not cells:
                continue
            where = f"{source}, row {reader.line_num}"
            width = width or len(cells)
            if len(cells) != width:
                raise DataError(f"{where}: expected {width} columns, as in the first row, but found {len(cells)}")
            yield where, cells
    except csv.Error as error:
        raise DataError(f"{source}, row {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is no text in UTF-8: {error.reason} at byte {error.start}") from None
