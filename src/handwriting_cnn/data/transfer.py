"""One file over HTTP: https alone, never more than it may be, and continued where an earlier try broke off."""

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from handwriting_cnn.data.catalog import RemoteArchive, RemoteFile
from handwriting_cnn.data.progress import late_progress
from handwriting_cnn.errors import DownloadError, IntegrityError

if TYPE_CHECKING:
    from requests import Response

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 2**16
_SECONDS: Final = 30.0
_MOST_REDIRECTS: Final = 10
# Matched as text up to the host's end: what another parser of addresses may read in it cannot matter.
_LOOPBACK: Final = re.compile(r"http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?([/?#]|$)", re.IGNORECASE)


def download_rest(url: str, part: Path, *, remote: RemoteFile | RemoteArchive) -> None:
    """Bring what a URL gives into a file; of what the file holds already, only the rest is asked for.

    A server that sends the whole all the same is taken at its word, and the file begun anew.

    Args:
        url: An https address, or an http one of this machine.
        part: The file; what has come stays in it, however this ends.
        remote: What is expected there.

    Raises:
        IntegrityError: If what came is too much, or does not continue the file.
        DownloadError: If the address or one that it redirects to is refused, if there is no answer or none that is a
            file, or if it broke off.
        OSError: If the file cannot be written.
    """
    from requests.exceptions import RequestException

    source, answered = shown(url), False
    begun = part.stat().st_size if part.exists() else 0
    _LOG.info("downloading %s from byte %d", source, begun)
    try:
        with _answer(url, begun) as answer:
            answered = True
            begun = _continued(answer, begun, source)
            with (
                part.open("ab" if begun else "wb") as file,
                late_progress(f"Downloading {Path(remote.path).name}", total=remote.max_bytes) as show,
            ):
                for chunk in answer.iter_content(_CHUNK):
                    if file.tell() + len(chunk) > remote.max_bytes:
                        raise IntegrityError(f"{source}: expected {remote.describe()}, but more came")
                    file.write(chunk)
                    show(file.tell())
    except RequestException as error:
        if "timed out" in str(error):  # of several classes, and of none of its own in mid-body
            raise DownloadError(f"{source}: nothing came for {_SECONDS:g} seconds") from None
        if answered:
            raise DownloadError(f"{source}: broke off before all of {remote.describe()} had come") from None
        raise DownloadError(f"{source}: no answer ({type(error).__name__})") from None


def shown(url: str) -> str:
    """Return a URL as it may stand in a message: without a password."""
    return re.sub(r"//[^/?#]*@", "//", url)


@contextmanager
def _answer(url: str, begun: int) -> Iterator["Response"]:
    """Give the block the answer that is no redirect; each address on the way is checked before it is asked."""
    import requests

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begun}-"} if begun else {})
    source, previous, address = shown(url), url, url
    with requests.Session() as session:
        for _ in range(_MOST_REDIRECTS + 1):
            if not _allowed(address, previous):
                leads = "" if address == url else f"redirects to {shown(address).partition('?')[0][:200]!r}; "
                raise DownloadError(
                    f"{source}: {leads}only https:// is asked, and http:// on this machine alone "
                    "(localhost, 127.0.0.1, [::1])"
                )
            with ExitStack() as stack:
                try:
                    response = stack.enter_context(
                        session.get(address, headers=headers, stream=True, timeout=_SECONDS, allow_redirects=False)
                    )
                    previous, address = address, urljoin(address, response.headers.get("location", ""))
                except ValueError:  # also of urllib3, whose own get through requests
                    raise DownloadError(f"{source}: leads to no address") from None
                if not response.is_redirect:
                    yield response
                    return
    raise DownloadError(f"{source}: redirects more than {_MOST_REDIRECTS} times")


def _allowed(address: str, previous: str) -> bool:
    secure = address.lower().startswith("https://")
    return secure or bool(_LOOPBACK.match(address) and _LOOPBACK.match(previous))


def _continued(answer: "Response", begun: int, source: str) -> int:
    """Return how many of the bytes that were there the answer continues; raise where it is no such answer."""
    if answer.status_code == 200:
        return 0
    if begun and answer.status_code == 416:
        raise IntegrityError(f"{source}: has no bytes after the {begun:,} that came before")
    if answer.status_code != 206:
        raise DownloadError(f"{source}: HTTP status {answer.status_code}")
    if not answer.headers.get("Content-Range", "").lower().startswith(f"bytes {begun}-"):
        raise IntegrityError(f"{source}: sent another part of the file than the one from byte {begun:,}")
    return begun
