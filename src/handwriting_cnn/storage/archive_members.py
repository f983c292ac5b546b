"""What archives of all kinds share: members, and the errors that hostile bytes lead to."""

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from lzma import LZMAError
from typing import Final

DAMAGE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,  # also NotImplementedError and RecursionError
    ValueError,  # also UnicodeError
)
"""What Python's own readers raise for a damaged archive, besides :class:`OSError`."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file or a folder of an archive.

    Attributes:
        name: Its path inside, as it was packed.
        size: Its bytes, as the archive claims: nothing was read yet.
        folder: Whether it is a folder.
        read: Returns the content, which has exactly ``size`` bytes; to be called before the next member is asked for.
    """

    name: str
    size: int
    folder: bool
    read: Callable[[], bytes]
