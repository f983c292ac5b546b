"""A CSV table of the user's own: of pixels, or of picture files."""

import csv
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.numbers import parse_numbers
from handwriting_cnn.data.pictures import read_pictures
from handwriting_cnn.errors import ConfigError, DataError, ShapeMismatchError
from handwriting_cnn.imaging.preprocess import PreprocessSpec, preprocess
from handwriting_cnn.types import Shape

_FILE_COLUMNS: Final = ("file", "filename", "image", "path")
_LABEL_COLUMNS: Final = ("label", "letter", "character", "class")


def load_csv(
    path: str | PathLike[str],
    *,
    labels: str | PathLike[str] | None = None,
    label_column: int = 0,
    first_label: int = 0,
    shape: tuple[int, int] | None = None,
    transpose: bool = False,
    alphabet: str | Sequence[str] | Alphabet | None = None,
    preprocessing: PreprocessSpec | None = None,
) -> Dataset:
    """Load a CSV table, in one of two forms.

    *Picture files*: the first row names the columns; one is ``file``, ``filename``, ``image`` or ``path`` (relative to
    the table's folder), one is ``label``, ``letter``, ``character`` or ``class`` (a character or its name).

    *Pixels*: a row a picture, whole numbers only, after at most one row of headings: the class number, then the grey
    levels 0..255 row by row, as Kaggle's tables have them; or grey levels alone with the class numbers in ``labels``.

    Args:
        path: The table, UTF-8.
        labels: For pixels: a second table with one class number a row.
        label_column: For pixels: the class number's column, from 0, where ``labels`` is not given; -1 is the last.
        first_label: For pixels: the number of the first class; AHCD's tables count from 1.
        shape: For pixels: ``(height, width)``; ``None`` takes a square.
        transpose: For pixels: whether the levels run column by column, as in AHCD's tables.
        alphabet: What the classes are; ``None`` takes the labels that occur, sorted (picture files), or the numbers up
            to the highest (pixels).
        preprocessing: The rules that make pictures one form; ``None`` takes ``PreprocessSpec()`` for picture files, and
            leaves pixels as they are but for making ink bright and paper dark.

    Returns:
        The data set, in the table's order.

    Raises:
        DataError: If the table cannot be read, or a cell is not as described; the message names row and column.
        ShapeMismatchError: If there are not as many labels as pictures.
        ImageDecodeError: If a file is no picture; the message names it.
        ConfigError: If ``label_column`` is no column, or ``shape`` does not fit the pixels.
    """
    table = Path(path)
    lines = _read_lines(table)
    headings = [cell.strip().lower() for cell in next(csv.reader(lines[:1]))]
    file_column = _find(headings, _FILE_COLUMNS)
    named_label = _find(headings, _LABEL_COLUMNS)
    if file_column is not None and named_label is not None:
        return _load_files(table, lines, file_column, named_label, alphabet=alphabet, preprocessing=preprocessing)
    skipped = 0 if all(_is_number(cell) for cell in headings) else 1
    pixel_bounds, label_bounds = (0, 255), (first_label, _highest_label(first_label, alphabet))
    if labels is None:
        width = len(headings)
        if not -width <= label_column < width or width < 2:
            raise ConfigError(f"label_column {label_column} is none of the {width} columns of {table.name}")
        column = label_column % width
        bounds = [pixel_bounds] * column + [label_bounds, pixel_bounds]
        rows = parse_numbers(lines[skipped:], name=table.name, bounds=bounds, first_row=1 + skipped)
        numbers, pixels = rows[:, column], np.delete(rows, column, axis=1)
    else:
        pixels = parse_numbers(lines[skipped:], name=table.name, bounds=[pixel_bounds], first_row=1 + skipped)
        numbers = _read_labels(Path(labels), label_bounds)
    if len(numbers) != len(pixels):
        raise ShapeMismatchError(f"{table.name} has {len(pixels)} pictures, but there are {len(numbers)} labels")
    height, width, _ = _picture_shape(pixels.shape[1], shape, table.name)
    images = pixels.astype(np.uint8).reshape(len(pixels), *((width, height) if transpose else (height, width)))
    if transpose:
        images = images.transpose(0, 2, 1)
    spec = preprocessing or PreprocessSpec(height=height, width=width, background="keep")
    classes = numbers - first_label
    return Dataset.from_arrays(
        np.stack([preprocess(image, spec) for image in images]),
        classes,
        alphabet=[str(number + first_label) for number in range(int(classes.max()) + 1)]
        if alphabet is None
        else alphabet,
        name=table.stem,
        preprocessing=spec,
    )


def _load_files(
    table: Path,
    lines: list[str],
    file_column: int,
    label_column: int,
    *,
    alphabet: str | Sequence[str] | Alphabet | None,
    preprocessing: PreprocessSpec | None,
) -> Dataset:
    rows = [(number, cells) for number, cells in enumerate(csv.reader(lines), start=1) if number > 1 and cells]
    if not rows:
        raise DataError(f"{table.name} has headings but no rows")
    width = len(next(csv.reader(lines[:1])))
    for number, cells in rows:
        if len(cells) != width:
            raise DataError(f"{table.name}, row {number}: {len(cells)} columns, but the first row has {width}")
        if not (table.parent / cells[file_column]).is_file():
            raise DataError(f"{table.name}, row {number}, column {file_column + 1}: no file {cells[file_column]!r}")
    texts = [cells[label_column].strip() for _, cells in rows]
    chosen = Alphabet.of(sorted(set(texts)) if alphabet is None else alphabet)
    classes = {name: label for label, name in enumerate(chosen.names)}
    classes |= {character: label for label, character in enumerate(chosen.characters)}
    for (number, _), text in zip(rows, texts, strict=True):
        if text not in classes:
            raise DataError(
                f"{table.name}, row {number}, column {label_column + 1}: {text!r} is none of the alphabet's "
                f"{len(chosen)} characters"
            )
    spec = preprocessing or PreprocessSpec()
    images = read_pictures([table.parent / cells[file_column] for _, cells in rows], spec)
    labels = np.array([classes[text] for text in texts])
    return Dataset.from_arrays(images, labels, alphabet=chosen, name=table.stem, preprocessing=spec)


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no CSV table: it is not UTF-8 text") from None
    if not lines or not lines[0].strip():
        raise DataError(f"{path} is empty")
    return lines


def _read_labels(path: Path, bounds: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lines = _read_lines(path)
    skipped = 0 if _is_number(lines[0]) else 1
    table = parse_numbers(lines[skipped:], name=path.name, bounds=[bounds], first_row=1 + skipped)
    if table.shape[1] != 1:
        raise DataError(f"{path.name} must have one column of class numbers, but has {table.shape[1]}")
    return table[:, 0]


def _picture_shape(pixels: int, shape: tuple[int, int] | None, name: str) -> Shape:
    side = math.isqrt(pixels)
    height, width = (side, side) if shape is None else shape
    if height * width != pixels:
        wanted = "a square" if shape is None else f"{height}x{width}"
        raise ConfigError(f"{name} has {pixels} pixels a row, which is not {wanted}: pass shape=(height, width)")
    return height, width, 1


def _highest_label(first_label: int, alphabet: str | Sequence[str] | Alphabet | None) -> int:
    return first_label + len(Alphabet.of(alphabet)) - 1 if alphabet is not None else first_label + 99_999


def _find(headings: Sequence[str], names: Sequence[str]) -> int | None:
    return next((headings.index(name) for name in names if name in headings), None)


def _is_number(cell: str) -> bool:
    return cell.strip().lstrip("-").isdigit()
