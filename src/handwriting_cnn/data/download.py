"""Fetching published files, verified, from a mirror or from where they were published."""

import glob
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from handwriting_cnn.data.cache import cache_lock, cache_root
from handwriting_cnn.data.catalog import RemoteArchive, RemoteFile
from handwriting_cnn.data.transfer import download_rest, shown
from handwriting_cnn.errors import DataError, DownloadError, IntegrityError, OutputError
from handwriting_cnn.storage.archives import content_digest, read_members
from handwriting_cnn.storage.atomic import continued_file
from handwriting_cnn.storage.canonical import file_sha256

MIRROR_VARIABLE: Final = "HANDWRITING_CNN_MIRROR"

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


def fetch(remote: RemoteFile) -> Path:
    """Return a local copy of a published file, verified by length and sha256.

    Sources in order: the folder that ``HANDWRITING_CNN_MIRROR`` names, whose file is used where it lies; the cache; the
    URL that ``HANDWRITING_CNN_MIRROR`` names; the published URLs. One that gives a wrong file is passed over; a wrong
    file in the cache is moved aside, to its name and ``.wrong``. Processes that want the same file at the same time
    download it once, and what came of a download that broke off is continued by the next.

    Args:
        remote: What to fetch.

    Returns:
        The file's path.

    Raises:
        IntegrityError: If no source had the file, and what one of them had is another.
        DownloadError: If no source could be reached or had the file.
        OutputError: If the cache cannot be written.
    """
    path, _ = _obtain(remote, lambda path, source: _verify(path, remote, source))
    return path


def fetch_members(remote: RemoteArchive) -> dict[str, bytes]:
    """Return what a published archive holds, verified by the digest of its content, however it was packed.

    Sources and errors are those of :func:`fetch`.

    Args:
        remote: What to fetch.

    Returns:
        The contents of the members that count, by their path below the top folder.
    """
    _, members = _obtain(remote, lambda path, source: _read(path, remote, source))
    return members


def _obtain(remote: RemoteFile | RemoteArchive, check: Callable[[Path, str], _T]) -> tuple[Path, _T]:
    """Return the first copy that is right, and what the check of it returned; it raises DownloadError if it is not."""
    kept = cache_root() / "downloads" / remote.path
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    failures: list[DownloadError] = []
    urls = list(remote.urls)
    if re.match(r"[a-z][a-z0-9+.-]+:/", mirror, re.IGNORECASE):  # a drive of Windows has one letter
        urls.insert(0, f"{mirror.rstrip('/')}/{quote(remote.path)}")
    elif mirror:
        path = Path(mirror).expanduser() / remote.path
        with _noted(failures):
            return path, _passed(check(path, str(path)), failures)
    with suppress(DownloadError):  # not there, wrong, or being replaced right now: only the lock's holder can tell
        return kept, _passed(check(kept, str(kept)), failures)
    with cache_lock(kept):
        if os.path.lexists(kept):
            try:
                return kept, _passed(check(kept, str(kept)), failures)
            except DownloadError as error:
                failures.append(_quarantined(kept, error))
        for url in urls:
            with _noted(failures):
                return kept, _passed(_downloaded(url, kept, remote, check), failures)
    reasons = "; ".join(map(str, failures)) or "it has no source"
    raise (IntegrityError if any(isinstance(error, IntegrityError) for error in failures) else DownloadError)(
        f"{remote.path!r} ({remote.describe()}) could not be had: {reasons}. "
        f"Put the file at {kept}, or set {MIRROR_VARIABLE} to a folder that holds it as {remote.path!r}"
    )


def _downloaded(url: str, kept: Path, remote: RemoteFile | RemoteArchive, check: Callable[[Path, str], _T]) -> _T:
    """Bring a URL's file into the cache, and return what the check of it returned."""
    # Mirrors may pack an archive differently: what came from one is continued from that one alone.
    part = _part(kept, hashlib.sha256(url.encode()).hexdigest()[:12])
    with continued_file(kept, part=part):
        while True:
            joined = part.exists() and part.stat().st_size > 0
            try:
                download_rest(url, part, remote=remote)
                content = check(part, shown(url))
                break
            except IntegrityError as error:
                _LOG.info("%s", error)
                part.unlink(missing_ok=True)
                if not joined:
                    raise
        # Before the file has its place: after that, nobody would come by to remove them.
        for other in kept.parent.glob(_part(Path(glob.escape(kept.name)), "[0-9a-f]" * 12).name):
            if other != part:
                other.unlink(missing_ok=True)
    return content


def _part(kept: Path, source: str) -> Path:
    return kept.with_name(f"{kept.name}.{source}.part")


def _quarantined(kept: Path, error: DownloadError) -> DownloadError:
    """Move a wrong file in the cache aside, for its owner may have put it there by hand, and return what is said."""
    wrong = kept.with_name(f"{kept.name}.wrong")
    try:
        kept.replace(wrong)
    except OSError as refused:
        raise OutputError(f"{error}; it cannot be moved aside to {wrong}: {refused.strerror or refused}") from refused
    return type(error)(f"{error}; it was moved aside to {wrong}")


@contextmanager
def _noted(failures: list[DownloadError]) -> Iterator[None]:
    try:
        yield
    except DownloadError as error:
        failures.append(error)


def _passed(content: _T, failures: list[DownloadError]) -> _T:
    # Where nothing could be had, one error says all of this.
    for failure in failures:
        _LOG.warning("%s", failure)
    return content


def _verify(path: Path, remote: RemoteFile, source: str) -> None:
    """Raise DownloadError if there is no file, and IntegrityError if it is not the one that was published."""
    size, page = _looked_at(path, source)
    digest = file_sha256(path) if size == remote.size else ""
    if digest == remote.sha256:
        return
    expected = f"{source}: expected {remote.describe()} with sha256 {remote.sha256[:12]}..., but got "
    if page:
        raise IntegrityError(f"{expected}an HTML page of {size:,} bytes")
    if size < remote.size:
        raise IntegrityError(f"{expected}only {size:,} bytes")
    raise IntegrityError(f"{expected}{f'sha256 {digest[:12]}...' if digest else f'{size:,} bytes'}")


def _read(path: Path, remote: RemoteArchive, source: str) -> dict[str, bytes]:
    """Return the members; raise DownloadError and IntegrityError as :func:`_verify` does."""
    size, page = _looked_at(path, source)
    expected = f"{source}: expected {remote.describe()}, but got "
    if page:
        raise IntegrityError(f"{expected}an HTML page of {size:,} bytes")
    try:
        members = read_members(path, pattern=remote.members, max_bytes=remote.max_bytes)
    except DataError as error:
        raise IntegrityError(f"{source}: {error}") from None
    digest = content_digest(members)
    if digest != remote.sha256:
        raise IntegrityError(
            f"{expected}{len(members):,} with the content digest {digest[:12]}..., not {remote.sha256[:12]}..."
        )
    return members


def _looked_at(path: Path, source: str) -> tuple[int, bool]:
    """Return a file's bytes, and whether it is an HTML page."""
    try:
        with path.open("rb") as file:
            start = file.read(512).lstrip().lower()
        return path.stat().st_size, start.startswith((b"<!doctype html", b"<html"))
    except OSError as error:
        raise DownloadError(f"{source}: {error.strerror or error}") from None
