"""The cache: parsed data sets as arrays on disk, opened as memory maps in a moment."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import OutputError
from handwriting_cnn.storage.atomic import staged_folder
from handwriting_cnn.storage.canonical import canonical_json, parse_json
from handwriting_cnn.storage.locks import file_lock

_LOG = logging.getLogger(__name__)
_META: Final = "meta.json"
_VARIABLE: Final = "HANDWRITING_CNN_DATA"
_OTHER_CACHE: Final = f"set {_VARIABLE} to a folder that can be written"

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]


def cache_root() -> Path:
    """Return the cache's folder: ``HANDWRITING_CNN_DATA``, or this library's place in the user's cache folder.

    Raises:
        OutputError: If the user has no home folder that is known, and no cache was chosen.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    folder = Path(pooch.os_cache("handwriting-cnn"))
    if not folder.is_absolute():  # such as "~/.cache" to the letter, which would be made in the working folder
        raise OutputError(f"no home folder is known to keep data sets in; {_OTHER_CACHE}")
    return folder


@contextmanager
def cache_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder in the cache inside the block.

    Raises:
        OutputError: If the cache cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(path.with_name(f"{path.name}.lock")))
        except OutputError as error:
            raise OutputError(f"{error}; {_OTHER_CACHE}") from error
        yield


def cached_arrays(
    name: str, *, source: str, reader: int, parse: Callable[[], Mapping[str, npt.NDArray[Any]]]
) -> Arrays:
    """Return a data set's arrays from the cache, after parsing them into it where it does not hold them.

    A folder ``<cache>/<name>`` holds one ``.npy`` file an array and a ``meta.json`` that says what they were made of
    and how long each must be. It appears whole or not at all; processes that want it at the same time parse it once.

    Args:
        name: The data set's name.
        source: The digest of what is parsed.
        reader: The parser's version: another one parses again.
        parse: Makes the arrays.

    Returns:
        Memory maps, read-only.

    Raises:
        OutputError: If the cache cannot be written.
    """
    folder = cache_root() / name
    made_of = {"source": source, "reader": reader}
    try:
        return _open(folder, made_of)
    except (OSError, ValueError):
        pass  # absent, outdated, damaged, or being replaced right now: only the lock's holder can tell
    with cache_lock(folder):
        try:
            return _open(folder, made_of)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            _LOG.warning("the cache in %s is rebuilt: %s", folder, error)
        _write(folder, parse(), made_of)
    return _open(folder, made_of)


def _open(folder: Path, made_of: Mapping[str, Any]) -> Arrays:
    meta = parse_json((folder / _META).read_bytes())
    try:
        if {key: meta[key] for key in made_of} != made_of:
            raise ValueError("it was made from another file or by another version")
        arrays = {}
        for name, expected in meta["arrays"].items():
            path = folder / f"{name}.npy"
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise ValueError(f"{path.name} is missing or not {expected['bytes']} bytes long")
            arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
            if [str(arrays[name].dtype), *arrays[name].shape] != expected["array"]:
                raise ValueError(f"{path.name} is not the array that was written")
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{_META} is damaged ({error})") from None
    return arrays


def _write(folder: Path, arrays: Mapping[str, npt.NDArray[Any]], made_of: Mapping[str, Any]) -> None:
    with staged_folder(folder, overwrite=True) as staged:
        listed = {}
        for name, array in arrays.items():
            path = staged / f"{name}.npy"
            np.save(path, array, allow_pickle=False)
            listed[name] = {"bytes": path.stat().st_size, "array": [str(array.dtype), *array.shape]}
        (staged / _META).write_bytes(canonical_json({**made_of, "arrays": listed}))
