"""The header of a model file, readable without a framework.

A model file is a safetensors file whose metadata has one key, ``handwriting_cnn``: canonical JSON with

- ``format_version``: 1
- ``architecture``: the registered name and its options
- ``alphabet``, ``preprocessing``, ``reading``: as their ``to_json`` gives them
- ``card``: data with digests, protocol, training, metrics with intervals, versions, licence
- ``sha256``: over all of that and the tensors
"""

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.errors import ModelFileError
from handwriting_cnn.storage.canonical import canonical_json
from handwriting_cnn.storage.tensors import LARGEST_BYTES, check_spelling, read_header

FORMAT_VERSION: Final = 1
KEY: Final = "handwriting_cnn"

_PARTS: Final = {
    "format_version": int,
    "architecture": dict,
    "alphabet": dict,
    "preprocessing": dict,
    "reading": dict,
    "card": dict,
}


def read_model_header(path: str | PathLike[str], *, max_bytes: int = LARGEST_BYTES) -> dict[str, Any]:
    """Read what a model file says of itself; its tensors are neither read nor checked.

    Args:
        path: The model file.
        max_bytes: Largest file that is opened.

    Returns:
        The header's JSON values, see this module's description.

    Raises:
        ModelFileError: If the file is none, is damaged, or is of a newer format.
    """
    path = Path(path)
    metadata = read_header(path, max_bytes=max_bytes).metadata
    if set(metadata) != {KEY}:
        raise ModelFileError(f"{path} is a safetensors file, but not a model of this library: no {KEY!r} in its header")
    try:
        header = json.loads(metadata[KEY], parse_constant=_no_number)
        spelled = canonical_json(header).decode()
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} has a damaged header: {error}") from None
    if spelled != metadata[KEY]:  # 1E-05 for 1e-05 is a changed byte that no digest over values would notice
        raise ModelFileError(f"{path} has a damaged header: its values are not spelled as they were written")
    check_spelling(path)
    if not isinstance(header, dict) or type(header.get("format_version")) is not int:
        raise ModelFileError(f"{path} has a damaged header: no format_version")
    if header["format_version"] != FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format {header['format_version']}, but this version of handwriting-cnn reads "
            f"format {FORMAT_VERSION}: a newer version is needed"
        )
    wrong = [name for name, kind in _PARTS.items() if not isinstance(header.get(name), kind)]
    if wrong or set(header) != {*_PARTS, "sha256"}:
        raise ModelFileError(f"{path} has a damaged header: {', '.join(wrong) or 'other parts than expected'}")
    return header


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def content_digest(header: Mapping[str, Any], tensors: Mapping[str, Any]) -> str:
    """Return the sha256, in hexadecimal, over a header without its ``sha256`` and the tensors in order of name."""
    digest = hashlib.sha256(canonical_json({name: value for name, value in header.items() if name != "sha256"}))
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(canonical_json([name, str(array.dtype), list(array.shape)]))
        digest.update(array.tobytes())
    return digest.hexdigest()
