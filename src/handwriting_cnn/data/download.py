"""Fetching published files, verified, from a mirror or from where they were published."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from handwriting_cnn.data.cache import cache_root
from handwriting_cnn.data.catalog import RemoteArchive, RemoteFile
from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.errors import DataError, DownloadError, IntegrityError
from handwriting_cnn.storage.archives import content_digest, read_members
from handwriting_cnn.storage.atomic import staged_file
from handwriting_cnn.storage.canonical import file_sha256
from handwriting_cnn.storage.locks import file_lock

if TYPE_CHECKING:
    from requests import Response

MIRROR_VARIABLE: Final = "HANDWRITING_CNN_MIRROR"

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 2**16
_SECONDS: Final = 30.0
_T = TypeVar("_T")


def fetch(remote: RemoteFile) -> Path:
    """Return a local copy of a published file, verified by length and sha256.

    Sources in order: the folder that ``HANDWRITING_CNN_MIRROR`` names, whose file is used where it lies; the cache; the
    URL that ``HANDWRITING_CNN_MIRROR`` names; the published URLs. One that gives a wrong file is passed over.

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
    urls, local = list(remote.urls), [kept] if kept.exists() else []
    if mirror.startswith(("http://", "https://")):
        urls.insert(0, f"{mirror.rstrip('/')}/{quote(remote.path)}")
    elif mirror:
        local.insert(0, Path(mirror).expanduser() / remote.path)
    for path in local:
        with _noted(failures):
            return path, _passed(check(path, str(path)), failures)
    with file_lock(kept.with_name(f"{kept.name}.lock")):
        if kept not in local and kept.exists():
            with _noted(failures):  # another process was faster
                return kept, _passed(check(kept, str(kept)), failures)
        for url in urls:
            with _noted(failures):
                with staged_file(kept) as staged:
                    _download(url, staged, remote)
                    content = check(staged, url)
                return kept, _passed(content, failures)
    reasons = "; ".join(map(str, failures)) or "it has no source"
    raise (IntegrityError if any(isinstance(error, IntegrityError) for error in failures) else DownloadError)(
        f"{remote.path!r} ({remote.describe()}) could not be had: {reasons}. "
        f"Put the file at {kept}, or set {MIRROR_VARIABLE} to a folder that holds it as {remote.path!r}"
    )


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


def _download(url: str, path: Path, remote: RemoteFile | RemoteArchive) -> None:
    import pooch
    from requests.exceptions import ChunkedEncodingError, RequestException  # pooch downloads with requests

    _LOG.info("downloading %s", url)
    with ExitStack() as stack:

        def close_later(response: "Response", **_: object) -> None:
            stack.callback(response.close)  # pooch leaves it open when it fails

        show = stack.enter_context(late_progress(f"Downloading {Path(remote.path).name}", total=remote.max_bytes))
        file = stack.enter_context(path.open("wb"))
        download = pooch.HTTPDownloader(
            progressbar=_Meter(remote, url, show),
            chunk_size=_CHUNK,
            timeout=_SECONDS,
            hooks={"response": close_later},
        )
        try:
            download(url, file, None)
        except RequestException as error:
            if file.tell() or isinstance(error, ChunkedEncodingError):
                raise IntegrityError(f"{url}: broke off before all of {remote.describe()} had come") from None
            if error.response is not None:
                raise DownloadError(f"{url}: HTTP status {error.response.status_code}") from None
            raise DownloadError(f"{url}: no answer ({type(error).__name__})") from None


class _Meter:
    """What pooch takes for a progress bar, and the end of a download that is longer than it may be."""

    def __init__(self, remote: RemoteFile | RemoteArchive, url: str, show: Callable[[int], None]) -> None:
        self.total = remote.max_bytes  # pooch writes here what the server announces
        self._remote, self._url, self._show, self._done = remote, url, show, 0

    def update(self, count: int) -> None:
        self._done += count
        if self._done > self._remote.max_bytes + _CHUNK:  # pooch counts the last chunk as a full one
            raise IntegrityError(f"{self._url}: expected {self._remote.describe()}, but more came")
        self._show(self._done)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass
