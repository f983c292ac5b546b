"""A folder of pictures of the user's own, a subfolder a class."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.labels import class_order
from handwriting_cnn.data.pictures import read_pictures
from handwriting_cnn.errors import DataError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec


def load_folder(
    path: str | PathLike[str],
    *,
    alphabet: str | Sequence[str] | Alphabet | None = None,
    preprocessing: PreprocessSpec | None = None,
) -> Dataset:
    """Load pictures from a folder with a subfolder for each class: ``letters/<class>/<any name>.png``.

    Pictures may be of any size, colour and format that Pillow reads safely (PNG, JPEG, WebP, BMP, TIFF, GIF, PPM), dark
    on light or light on dark; :func:`~handwriting_cnn.preprocess` makes them one form. Hidden files and folders are
    passed over, and so are files beside the class folders; a folder in a class folder is refused.

    Args:
        path: The folder.
        alphabet: What the classes are; each subfolder has a character's or a character's name. ``None`` takes the
            subfolders' names: by value if all are whole numbers, else sorted.
        preprocessing: The rules; ``None`` takes ``PreprocessSpec()``: 32x32 pixels.

    Returns:
        The data set, ordered by class and then by file name. A character without a folder earns a
        :class:`UserWarning`.

    Raises:
        DataError: If there is no such folder, it has no subfolders, or without an alphabet but one; or one of them is
            empty, holds what is no file, or is named after no character.
        ImageDecodeError: If a file is no picture; the message names it.
    """
    root = Path(path)
    folders = [item for item in _visible(root) if item.is_dir()]
    if not folders:
        raise DataError(f"{root} has no subfolders: each class needs one, named after it, with its pictures inside")
    if alphabet is None and len(folders) == 1:
        raise DataError(f"{root} has one class folder, {folders[0].name}: two or more are needed to tell apart")
    chosen = Alphabet.of(class_order(folder.name for folder in folders) if alphabet is None else alphabet)
    by_class: list[list[Path]] = [[] for _ in range(len(chosen))]
    for folder in folders:
        files = _visible(folder)
        other = next((item for item in files if not item.is_file()), None)
        if other is not None:
            kind = "a folder inside a class folder" if other.is_dir() else "a link to nothing, or no regular file"
            raise DataError(f"{other} is {kind}: a class folder holds pictures alone")
        if not files:
            raise DataError(f"{folder} has no pictures: a class needs at least one")
        try:
            by_class[chosen.index(folder.name)] += files
        except UnknownNameError as error:
            raise DataError(f"{folder} is named after no character of the alphabet: {error}") from None
    spec = preprocessing or PreprocessSpec()
    images = read_pictures([file for files in by_class for file in files], spec)
    labels = np.repeat(np.arange(len(chosen)), [len(files) for files in by_class])
    return Dataset.from_arrays(images, labels, alphabet=chosen, name=root.resolve().name, preprocessing=spec)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder} cannot be read as a folder: {error.strerror or error}") from None
