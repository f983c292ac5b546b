"""Fixtures of the data room's tests."""

import contextlib
import csv
import hashlib
import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from handwriting_cnn.data.catalog import CATALOG, RemoteFile
from handwriting_cnn.data.loading import load_dataset


@pytest.fixture(scope="session")
def ahcd_cache(mirror, tmp_path_factory):
    """A cache that AHCD was parsed into, once for all tests."""
    folder = tmp_path_factory.mktemp("ahcd-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDWRITING_CNN_DATA", str(folder))
        patch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
        load_dataset("ahcd")
    return folder


@pytest.fixture
def ahcd(ahcd_cache, monkeypatch):
    """AHCD from the cache alone: neither a mirror nor the network is asked."""
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(ahcd_cache))
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(ahcd_cache / "nowhere"))
    return load_dataset("ahcd")


@pytest.fixture(scope="session")
def ahcd_rows(mirror):
    """The test table's rows as the csv module reads them: (pixels, label), not touched by this library."""
    with zipfile.ZipFile(mirror / CATALOG["ahcd"].files[0].path) as archive:

        def table(name):
            with archive.open(name) as raw:
                return list(csv.reader(io.TextIOWrapper(raw, encoding="ascii")))

        images, labels = table("csvTestImages 3360x1024.csv"), table("csvTestLabel 3360x1.csv")
    return [(tuple(map(int, row)), int(label)) for row, (label,) in zip(images, labels, strict=True)]


BREAK_OFF_AT_FIRST = {"breaks", "stalls", "ignores", "elsewhere", "done", "spoils"}


class Answer(BaseHTTPRequestHandler):
    """Serves a file in a right and in many wrong ways, which the first part of the path names."""

    def do_GET(self):
        site, kind = self.server, self.path.strip("/").partition("/")[0]
        wanted = self.headers.get("Range")
        breaks_off = kind in BREAK_OFF_AT_FIRST and self.path not in site.asked
        site.asked.append(self.path)
        site.ranges.append(wanted)
        site.encodings.append(self.headers.get("Accept-Encoding"))
        if kind == "silent":
            site.released.wait(60)
        elif kind != "resets":
            with contextlib.suppress(OSError):  # the reader may have had enough
                if breaks_off:
                    self.reply(200, site.content[: site.breaks_at], {"Content-Length": len(site.content)})
                    if kind == "stalls":
                        site.released.wait(60)
                elif wanted:
                    self.reply(*self.rest(kind, int(wanted.removeprefix("bytes=").removesuffix("-"))))
                else:
                    self.reply(*self.whole(kind))
        self.close_connection = True

    def whole(self, kind):
        content = self.server.content
        if kind in {"good", *BREAK_OFF_AT_FIRST}:
            return 200, content
        return {
            "short": (200, content[:1000]),
            "understated": (200, content, {"Content-Length": 1000}),
            "page": (200, b"<!DOCTYPE html><html>Please log in</html>"),
            "other": (200, content[::-1]),
            "endless": (200, content * 40),
            "busy": (503, b"later"),
            "to": (302, b"", {"Location": unquote(self.path.removeprefix("/to/"))}),
            "nowhere": (302, b"a redirect without an address"),
        }.get(kind, (404, b""))

    def rest(self, kind, begun):
        content = self.server.content
        size = len(content)
        right = {"Content-Range": f"bytes {begun}-{size - 1}/{size}"}
        return {
            "breaks": (206, content[begun:], right),
            "stalls": (206, content[begun:], right),
            "elsewhere": (206, content, {"Content-Range": f"bytes 0-{size - 1}/{size}"}),
            "done": (416, b""),
            "spoils": (206, content[begun:][::-1], right),
        }.get(kind, (200, content))

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
        self.server.sent.append(len(body))

    def log_message(self, *arguments):
        pass


class Site(ThreadingHTTPServer):
    """A site on this machine: what it was asked, with which headers, and how much it sent each time."""

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Answer)
        self.content, self.breaks_at = bytes(range(256)) * 1000, 100_000
        self.asked, self.ranges, self.encodings, self.sent = [], [], [], []
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def remote(self, *urls):
        """The file that it serves, at these of its paths or other URLs."""
        return RemoteFile(
            path="toy/the file.zip",
            urls=tuple(url if re.match(r"\w+:", url) else f"{self.url}/{url}" for url in urls),
            sha256=hashlib.sha256(self.content).hexdigest(),
            size=len(self.content),
        )

    @contextlib.contextmanager
    def up(self):
        """Answer inside the block."""
        with self:
            thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                self.released.set()
                self.shutdown()
                thread.join()


@pytest.fixture
def site(monkeypatch):
    """A site that is up while the test runs."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Site().up() as server:
        yield server


@pytest.fixture
def leftovers(cache):
    """What lies in the cache beside locks, by name."""
    return lambda: sorted(path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock")
