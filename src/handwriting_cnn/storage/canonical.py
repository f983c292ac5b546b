"""One spelling for a value, and digests."""

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return the JSON of a value that equal values share: sorted keys, no spaces, UTF-8.

    Raises:
        ValueError: If the value holds a number that JSON does not have (NaN, infinity).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def parse_json(text: str | bytes) -> Any:
    """Return the value of JSON from a file that anybody may have written.

    Raises:
        ValueError: If it is no JSON, or nested so deeply that reading it would need more stack than there is.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def file_sha256(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
