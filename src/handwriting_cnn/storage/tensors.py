"""Tensor files (safetensors), checked before and after reading."""

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from handwriting_cnn.errors import ModelFileError
from handwriting_cnn.storage.atomic import write_bytes

LARGEST_BYTES: Final = 2**30


@dataclass(frozen=True, kw_only=True)
class TensorHeader:
    """What a tensor file says of itself.

    Attributes:
        metadata: Text by key.
        shapes: Each tensor's shape by name.
        dtypes: Each tensor's safetensors type (``"F32"``, ``"I64"``) by name.
    """

    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]


def save_tensors(path: Path, tensors: Mapping[str, npt.NDArray[Any]], *, metadata: Mapping[str, str]) -> None:
    """Write a tensor file, whole or not at all; equal tensors and metadata give equal bytes.

    Raises:
        OutputError: If it cannot be written.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    data = safetensors.numpy.save(contiguous)
    write_bytes(path, _with_metadata(data, metadata) if metadata else data)


def read_header(path: Path, *, max_bytes: int = LARGEST_BYTES) -> TensorHeader:
    """Read a tensor file's header; its tensors are not read.

    Args:
        path: The file.
        max_bytes: Largest file that is opened.

    Raises:
        ModelFileError: If it is no tensor file, is damaged, or is larger than allowed.
    """
    _check_file(path, max_bytes)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  (no mapping, only keys())
            return TensorHeader(
                metadata=dict(file.metadata() or {}),
                shapes={name: tuple(part.get_shape()) for name, part in slices.items()},
                dtypes={name: str(part.get_dtype()) for name, part in slices.items()},
            )
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{path} is no whole safetensors file: {error}") from None


def load_tensors(path: Path, *, max_bytes: int = LARGEST_BYTES) -> dict[str, npt.NDArray[Any]]:
    """Read a tensor file into memory.

    Args:
        path: The file.
        max_bytes: Largest file that is opened; a tensor file's tensors are never larger than the file.

    Returns:
        The arrays by name.

    Raises:
        ModelFileError: If it is no tensor file, is damaged, is larger than allowed, or holds numbers that are not
            finite.
    """
    _check_file(path, max_bytes)
    try:
        tensors = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is no whole safetensors file: {error}") from None
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"{path} is damaged: tensor {name!r} has numbers that are not finite")
    return dict(tensors)


def check_spelling(path: Path) -> None:
    """Refuse a tensor file that is read, but whose header is spelled otherwise than :func:`save_tensors` spells it.

    JSON has many spellings of one value, such as other spaces, and a digest over values notices none of them.

    Raises:
        ModelFileError: If it is spelled otherwise.
    """
    with path.open("rb") as file:
        text = file.read(int.from_bytes(file.read(8), "little"))
    if _spelled(json.loads(text)) != text:
        raise ModelFileError(f"{path} has a damaged header: it is not spelled as it was written")


def _with_metadata(data: bytes, metadata: Mapping[str, str]) -> bytes:
    # safetensors itself writes metadata in another order in each process. The format is the header's length as a
    # little-endian uint64, the header (JSON, padded with spaces to a multiple of 8), the tensors.
    start = 8 + int.from_bytes(data[:8], "little")
    text = _spelled({"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8:start])})
    return len(text).to_bytes(8, "little") + text + data[start:]


def _spelled(header: Mapping[str, Any]) -> bytes:
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)


def _check_file(path: Path, max_bytes: int) -> None:
    try:
        found = path.stat()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from None
    if stat.S_ISDIR(found.st_mode):
        raise ModelFileError(f"{path} is a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise ModelFileError(f"{path} is no regular file")
    if found.st_size > max_bytes:
        raise ModelFileError(f"{path} has {found.st_size:,} bytes, more than the {max_bytes:,} that are allowed")
    if found.st_size == 0:
        raise ModelFileError(f"{path} is empty")
