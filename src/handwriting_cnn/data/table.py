"""A CSV table of the user's own: of pixels, or of picture files."""

import math
from collections.abc import Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.csv_rows import read_rows
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.labels import class_numbers
from handwriting_cnn.data.pictures import read_pictures
from handwriting_cnn.data.pixel_rows import PixelTable, read_pixel_rows
from handwriting_cnn.data.polarity import bright_on_dark
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec, preprocess

_FILE_COLUMNS: Final = ("file", "filename", "image", "path")
_FEWEST_PIXELS: Final = 16  # columns: a row of fewer with headings is no picture
_LABEL_COLUMNS: Final = ("character", "letter", "label", "class")  # a character says more than a number


def load_csv(
    path: str | PathLike[str],
    *,
    labels: str | PathLike[str] | None = None,
    label_column: int | str | None = None,
    first_label: int = 0,
    shape: tuple[int, int] | None = None,
    transpose: bool = False,
    alphabet: str | Sequence[str] | Alphabet | None = None,
    preprocessing: PreprocessSpec | None = None,
) -> Dataset:
    """Load a CSV table, in one of two forms.

    *Picture files*: the first row names the columns; one is ``file``, ``filename``, ``image`` or ``path`` (relative to
    the table's folder), one is ``character``, ``letter``, ``label`` or ``class``.

    *Pixels*: a row a picture, after at most one row of headings: the label, then the grey levels 0..255 row by row, as
    Kaggle's tables have them; or grey levels alone, with the labels in a second table.

    A label is a character, its name, or, with an alphabet given, a class number. Cells are divided by commas,
    semicolons or tabs.

    Args:
        path: The table, UTF-8.
        labels: For pixels: a second table with one label a row.
        label_column: The label's column, by heading or from 0 (-1 is the last), where ``labels`` is not given; ``None``
            takes the first that has one of the headings above, else the first column.
        first_label: The number of the first class; AHCD's tables count from 1.
        shape: For pixels: ``(height, width)``; ``None`` takes a square.
        transpose: For pixels: whether the levels run column by column, as in AHCD's tables.
        alphabet: What the classes are; ``None`` makes a class of each different label, in order.
        preprocessing: The rules that make pictures one form. ``None`` takes ``PreprocessSpec()`` for picture files; it
            leaves pixels as they are, or turns all of them over if the median of the pictures' borders is light.

    Returns:
        The data set, in the table's order.

    Raises:
        DataError: If the table cannot be read, it has no column of labels, or a cell is not as described; the message
            names row and column, from 1.
        ShapeMismatchError: If there are not as many labels as pictures.
        ImageDecodeError: If a file is no picture; the message names it.
        ConfigError: If ``label_column`` is no column, or ``shape`` does not fit the pixels.
    """
    table = Path(path)
    lines = _read_lines(table)
    delimiter = max(",;\t", key=lines[0].count)
    _, first = next(read_rows(lines, source=table.name, delimiter=delimiter))
    headings = [cell.strip() for cell in first]
    file_column = _find(headings, _FILE_COLUMNS)
    column = None if labels is not None else _label_column(label_column, headings, table.name, file_column=file_column)
    spec = preprocessing
    if file_column is not None and column is not None:
        files, cells = _read_file_rows(table, lines, delimiter, file_column, column)
        numbers, chosen = class_numbers(cells, alphabet=alphabet, first_label=first_label)
        spec = spec or PreprocessSpec()
        images = read_pictures(files, spec)
    else:
        header = isinstance(label_column, str) or _is_header(headings, column)
        if header and len(headings) < _FEWEST_PIXELS:
            raise DataError(
                f"{table.name} has the columns {', '.join(headings)}: a table of picture files needs one named "
                f"{' or '.join(_FILE_COLUMNS)} and one named {' or '.join(_LABEL_COLUMNS)}; a table of pixels has a "
                "column for each pixel"
            )
        pixels, cells = read_pixel_rows(
            lines, source=table.name, label_column=column, header=header, delimiter=delimiter
        )
        if labels is not None:
            cells = _read_labels(Path(labels))
        if len(cells) != len(pixels):
            raise ShapeMismatchError(f"{table.name} has {len(pixels)} pictures, but there are {len(cells)} labels")
        numbers, chosen = class_numbers(cells, alphabet=alphabet, first_label=first_label)
        images = _as_pictures(pixels, shape, transpose=transpose, source=table.name)
        images = bright_on_dark(images) if spec is None else np.stack([preprocess(image, spec) for image in images])
    return Dataset.from_arrays(images, numbers, alphabet=chosen, name=table.stem, preprocessing=spec)


def _read_file_rows(
    table: Path, lines: list[str], delimiter: str, file_column: int, label_column: int
) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the pictures' paths, and each label with its place for messages."""
    files, labels = [], []
    for where, cells in islice(read_rows(lines, source=table.name, delimiter=delimiter), 1, None):
        files.append(table.parent / cells[file_column].strip())
        if not _is_file(files[-1]):
            raise DataError(f"{where}, column {file_column + 1}: there is no file {files[-1]!s:.200}")
        labels.append((f"{where}, column {label_column + 1}", cells[label_column].strip()))
    if not files:
        raise DataError(f"{table.name} has headings but no rows")
    return files, labels


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long to be one
        return False


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no CSV table: it is no text in UTF-8") from None
    if not lines or not lines[0].strip():
        raise DataError(f"{path} is empty, or its first row is")
    if lines[0].lstrip().startswith("<"):
        raise DataError(f"{path} is no CSV table, but a web page or XML: it begins with {lines[0].strip()[:20]!r}")
    return lines


def _read_labels(path: Path) -> list[tuple[str, str]]:
    labels = []
    for where, cells in read_rows(_read_lines(path), source=path.name):
        if len(cells) > 1:
            raise DataError(f"{where}: expected one label, but found {len(cells)} columns")
        labels.append((f"{where}, column 1", cells[0].strip()))
    return labels[labels[0][1].lower() in _LABEL_COLUMNS :]


def _find(headings: Sequence[str], names: Sequence[str]) -> int | None:
    lower = [heading.lower() for heading in headings]
    return next((lower.index(name) for name in names if name in lower), None)


def _label_column(wanted: int | str | None, headings: Sequence[str], source: str, *, file_column: int | None) -> int:
    width = len(headings)
    if wanted is None and file_column is not None and _find(headings, _LABEL_COLUMNS) is None:
        raise DataError(
            f"{source} has the columns {', '.join(headings)}: none is named {' or '.join(_LABEL_COLUMNS)}; "
            "pass label_column"
        )
    if isinstance(wanted, str):
        if wanted not in headings:
            raise ConfigError(f"label_column {wanted!r} is no heading of {source}")
        return headings.index(wanted)
    column = (_find(headings, _LABEL_COLUMNS) or 0) if wanted is None else wanted
    if not -width <= column < width or width < 2:
        raise ConfigError(f"label_column {column} is none beside the pictures: {source} has {width} columns")
    return column % width


def _is_header(headings: Sequence[str], label_column: int | None) -> bool:
    # One stray text in a row of numbers is a mistake, not a name; but pandas numbers the columns beside a "label".
    others = [cell for index, cell in enumerate(headings) if index != label_column]
    if label_column is not None and not headings[label_column].isdecimal():
        counted = any(others == [str(start + number) for number in range(len(others))] for start in (0, 1))
        numbered = len(others) >= _FEWEST_PIXELS and counted
        if headings[label_column].lower() in _LABEL_COLUMNS or numbered:
            return True
    return not any(cell.isdecimal() for cell in others)


def _as_pictures(pixels: PixelTable, shape: tuple[int, int] | None, *, transpose: bool, source: str) -> PixelTable:
    """Return the rows as upright pictures ``(n, height, width)``."""
    count, size = pixels.shape
    if shape is not None and (not isinstance(shape, tuple | list) or [type(side) for side in shape] != [int, int]):
        raise ConfigError(f"shape must be (height, width), but is {shape!r}")
    height, width = (math.isqrt(size),) * 2 if shape is None else shape
    if height * width != size or height < 1:
        wanted = "a square" if shape is None else f"{height}x{width}"
        more = math.isqrt(size - 1) ** 2 == size - 1
        hint = ", or take the column out that is one too many, such as an index" if more and shape is None else ""
        raise ConfigError(f"{source} has {size} pixels a row, which is not {wanted}: pass shape=(height, width){hint}")
    if transpose:
        return pixels.reshape(count, width, height).transpose(0, 2, 1)
    return pixels.reshape(count, height, width)
