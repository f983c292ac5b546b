"""Archives (zip and tar), read into memory without unpacking anything onto the disk."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archive_members import DAMAGE, Member
from handwriting_cnn.storage.tar_members import tar_members
from handwriting_cnn.storage.zip_members import zip_members

_MOST_MEMBERS: Final = 200_000
_ZIP_STARTS: Final = {b"PK\x03\x04", b"PK\x05\x06"}  # the second one's is empty


def read_members(path: Path, *, pattern: str, max_bytes: int) -> dict[str, bytes]:
    """Read the files of an archive that a pattern names.

    An archive with a single member that could do harm is refused whole: one that is no plain file or folder (a link, a
    device, a file with holes), is encrypted, lies about its size, shares its bytes with another, has an absolute path
    or one that leads out (``..``), or is there twice, be it in other letter case. So is one with bytes before or behind
    it. Memory does not depend on what a file claims: it holds the members that are read, and a few megabytes.

    Args:
        path: A zip, stored or deflated; or a tar that is plain or compressed with gzip, bzip2 or xz.
        pattern: A regular expression for the whole of a path inside, after the top folder was removed.
        max_bytes: The most bytes that all members have together.

    Returns:
        The contents by path, without the top folder.

    Raises:
        DataError: If it is no archive, is damaged, holds a member of these kinds, or is larger than allowed.
    """
    wanted, found, seen, total = re.compile(pattern), dict[str, bytes](), set[str](), 0
    with _translated(path):
        for count, member in enumerate(_members(path), start=1):
            parts = _checked_parts(member.name)
            total += member.size
            if total > max_bytes or count > _MOST_MEMBERS:
                raise DataError(f"it holds more than {max_bytes:,} bytes or {_MOST_MEMBERS:,} members")
            if member.folder:
                continue
            same = unicodedata.normalize("NFC", "/".join(parts)).casefold()
            inside = "/".join(parts[1:])
            read = wanted.fullmatch(inside) is not None
            if same in seen or (read and inside in found):
                raise DataError(f"it holds {member.name[:80]!r} twice")
            seen.add(same)
            if read:
                found[inside] = member.read()
    return found


def content_digest(members: Mapping[str, bytes]) -> str:
    """Return the hexadecimal sha256 over what an archive holds, however it was packed.

    It is taken over the lines ``path NUL sha256-of-the-content NEWLINE`` in order of path.
    """
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{name}\0{hashlib.sha256(members[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _members(path: Path) -> Iterator[Member]:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        yield from zip_members(file) if start in _ZIP_STARTS else tar_members(file)


def _checked_parts(name: str) -> tuple[str, ...]:
    parts = name.split("/")
    if not name or "\\" in name or name.startswith("/") or ":" in parts[0] or ".." in parts:
        raise DataError(f"it holds a member that leads out of it: {name[:80]!r}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise DataError(f"it holds a member whose name is no text: {name[:80]!a}")
    return PurePosixPath(name).parts


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{path} is refused: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise DataError(f"{path} cannot be read: {error.strerror}") from None
        raise DataError(f"{path} is no whole archive: {error}") from None
    except DAMAGE as error:
        raise DataError(f"{path} is no whole archive: {str(error)[:200] or type(error).__name__}") from None
