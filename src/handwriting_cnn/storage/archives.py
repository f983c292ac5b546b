"""Archives (zip and tar), read into memory without unpacking anything onto the disk."""

import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeAlias

from handwriting_cnn.errors import DataError

_Member: TypeAlias = tuple[str, int, Callable[[], IO[bytes] | None]]
"""A file's path and bytes, and what opens it."""

_MOST_MEMBERS: Final = 1_000_000


def read_members(path: Path, *, pattern: str, max_bytes: int) -> dict[str, bytes]:
    """Read the files of an archive that a pattern names.

    An archive with a single member that could do harm is refused whole: one that is no plain file or folder (a link, a
    device), is encrypted, has an absolute path or one that leads out (``..``), or is there twice.

    Args:
        path: A zip, or a tar that is plain or compressed with gzip, bzip2 or xz.
        pattern: A regular expression for the whole of a path inside, after the top folder was removed.
        max_bytes: The most bytes that all members have together.

    Returns:
        The contents by path, without the top folder.

    Raises:
        DataError: If it is no archive, is damaged, holds a member of these kinds, or is larger than allowed.
    """
    wanted, found, seen, total = re.compile(pattern), {}, set[str](), 0
    with _translated(path):
        for name, size, opened in _members(path):
            _check_name(path, name)
            total += size
            if total > max_bytes or len(seen) == _MOST_MEMBERS:
                raise DataError(f"{path} holds more than {max_bytes:,} bytes or {_MOST_MEMBERS:,} members")
            if name in seen:
                raise DataError(f"{path} holds {name!r} twice")
            seen.add(name)
            inside = "/".join(PurePosixPath(name).parts[1:])
            if wanted.fullmatch(inside):
                file = opened()
                content = b"" if file is None else file.read(size + 1)
                if len(content) != size:
                    raise DataError(f"{path} is damaged: {name!r} has not the {size:,} bytes that it claims")
                found[inside] = content
    return found


def content_digest(members: Mapping[str, bytes]) -> str:
    """Return the hexadecimal sha256 over what an archive holds, however it was packed.

    It is taken over the lines ``path NUL sha256-of-the-content NEWLINE`` in order of path.
    """
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{name}\0{hashlib.sha256(members[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _members(path: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(path):
        yield from _zip_members(path)
    else:
        yield from _tar_members(path)


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = member.external_attr >> 28  # the upper four bits of a Unix mode: 4 is a folder, 8 a file
            if member.flag_bits & 1 or kind not in {0, 4, 8}:
                raise DataError(f"{path} holds {member.filename!r}, which is encrypted or no plain file")
            if not member.is_dir():
                yield member.filename, member.file_size, partial(archive.open, member)


def _tar_members(path: Path) -> Iterator[_Member]:
    with tarfile.open(path) as archive:
        for member in archive:
            if not (member.isreg() or member.isdir()):
                raise DataError(f"{path} holds {member.name!r}, which is no plain file")
            if member.isreg():
                yield member.name, member.size, partial(archive.extractfile, member)


def _check_name(path: Path, name: str) -> None:
    parts = name.split("/")
    if not name or "\\" in name or "\0" in name or name.startswith("/") or ":" in parts[0] or ".." in parts:
        raise DataError(f"{path} holds a member that leads out of it: {name[:80]!r}")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is no whole archive: {error}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read as an archive: {error.strerror or error}") from None
