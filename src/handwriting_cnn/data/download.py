"""Fetching published files, verified, from a mirror or from where they were published."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from handwriting_cnn.data.cache import cache_root
from handwriting_cnn.data.catalog import RemoteFile
from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.errors import DownloadError, IntegrityError
from handwriting_cnn.storage.atomic import staged_file
from handwriting_cnn.storage.canonical import file_sha256
from handwriting_cnn.storage.locks import file_lock

if TYPE_CHECKING:
    from requests import Response

MIRROR_VARIABLE: Final = "HANDWRITING_CNN_MIRROR"

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 2**16
_SECONDS: Final = 30.0


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
    kept = cache_root() / "downloads" / remote.path
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    failures: list[DownloadError] = []
    urls, local = list(remote.urls), [kept] if kept.exists() else []
    if mirror.startswith(("http://", "https://")):
        urls.insert(0, f"{mirror.rstrip('/')}/{quote(remote.path)}")
    elif mirror:
        local.insert(0, Path(mirror).expanduser() / remote.path)
    for path in local:
        if _accepted(path, remote, failures):
            return _had(path, failures)
    with file_lock(kept.with_name(f"{kept.name}.lock")):
        if kept not in local and kept.exists() and _accepted(kept, remote, failures):
            return _had(kept, failures)  # another process was faster
        for url in urls:
            try:
                with staged_file(kept) as staged:
                    _download(url, staged, remote)
                    _verify(staged, remote, url)
            except DownloadError as error:
                failures.append(error)
            else:
                return _had(kept, failures)
    reasons = "; ".join(map(str, failures)) or "it has no source"
    raise (IntegrityError if any(isinstance(error, IntegrityError) for error in failures) else DownloadError)(
        f"{remote.path!r} ({remote.size:,} bytes) could not be had: {reasons}. "
        f"Put the file at {kept}, or set {MIRROR_VARIABLE} to a folder that holds it as {remote.path!r}"
    )


def _accepted(path: Path, remote: RemoteFile, failures: list[DownloadError]) -> bool:
    try:
        _verify(path, remote, str(path))
    except DownloadError as error:
        failures.append(error)
        return False
    return True


def _had(path: Path, failures: list[DownloadError]) -> Path:
    # Where nothing could be had, one error says all of this.
    for failure in failures:
        _LOG.warning("%s", failure)
    return path


def _verify(path: Path, remote: RemoteFile, source: str) -> None:
    """Raise DownloadError if there is no file, and IntegrityError if it is not the one that was published."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(512).lstrip().lower()
        digest = file_sha256(path) if size == remote.size else ""
    except OSError as error:
        raise DownloadError(f"{source}: {error.strerror or error}") from None
    if digest == remote.sha256:
        return
    expected = f"{source}: expected {remote.size:,} bytes with sha256 {remote.sha256[:12]}..., but got "
    if start.startswith((b"<!doctype html", b"<html")):
        raise IntegrityError(f"{expected}an HTML page of {size:,} bytes")
    if size < remote.size:
        raise IntegrityError(f"{expected}only {size:,} bytes")
    raise IntegrityError(f"{expected}{f'sha256 {digest[:12]}...' if digest else f'{size:,} bytes'}")


def _download(url: str, path: Path, remote: RemoteFile) -> None:
    import pooch
    from requests.exceptions import ChunkedEncodingError, RequestException  # pooch downloads with requests

    _LOG.info("downloading %s", url)
    with ExitStack() as stack:

        def close_later(response: "Response", **_: object) -> None:
            stack.callback(response.close)  # pooch leaves it open when it fails

        show = stack.enter_context(late_progress(f"Downloading {Path(remote.path).name}", total=remote.size))
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
                raise IntegrityError(f"{url}: broke off before all {remote.size:,} bytes had come") from None
            if error.response is not None:
                raise DownloadError(f"{url}: HTTP status {error.response.status_code}") from None
            raise DownloadError(f"{url}: no answer ({type(error).__name__})") from None


class _Meter:
    """What pooch takes for a progress bar, and the end of a download that is longer than it may be."""

    def __init__(self, remote: RemoteFile, url: str, show: Callable[[int], None]) -> None:
        self.total = remote.size  # pooch writes here what the server announces
        self._remote, self._url, self._show, self._done = remote, url, show, 0

    def update(self, count: int) -> None:
        self._done += count
        if self._done > self._remote.size + _CHUNK:  # pooch counts the last chunk as a full one
            raise IntegrityError(f"{self._url}: expected {self._remote.size:,} bytes, but more came")
        self._show(self._done)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass
