"""A site on this machine that misbehaves at random, as a process that can be killed."""

import os
import random
import signal
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from handwriting_cnn.errors import DownloadError

CONTENT = random.Random(0).randbytes(2**21)  # noqa: S311
WEIGHTS = {
    "good": 45,
    "breaks off": 10,
    "ignores the range": 6,
    "another range": 5,
    "status 416": 5,
    "other bytes": 5,
    "understated length": 4,
    "too much": 4,
    "HTML": 4,
    "status 503": 4,
    "no answer": 4,
    "stalls": 3,
    "redirects to itself": 4,
    "redirects to http elsewhere": 3,
}


class Answer(BaseHTTPRequestHandler):
    """The content, often not as it should be; a line in the log for each request."""

    def do_GET(self):
        wanted = self.headers.get("Range")
        begun = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        chance = self.server.chance
        kind = "good"
        if not self.path.startswith("/crowd"):
            (kind,) = chance.choices([*WEIGHTS], [*WEIGHTS.values()])
        if kind in {"another range", "status 416", "ignores the range"} and not wanted:
            kind = "good"
        self.server.log.write(f"{self.path}\t{kind}\t{begun}\n".encode())
        self.close_connection = True
        with suppress(OSError):  # the reader was killed, or has had enough
            if kind != "no answer":
                self.answer(kind, begun, chance)

    def answer(self, kind, begun, chance):
        size, rest = len(CONTENT), CONTENT[begun:]
        status, part = (206, {"Content-Range": f"bytes {begun}-{size - 1}/{size}"}) if begun else (200, {})
        some = (status, rest[: chance.randrange(len(rest) + 1)], {**part, "Content-Length": len(rest)})
        self.reply(
            *{
                "good": (status, rest, part),
                "breaks off": some,
                "stalls": some,
                "ignores the range": (200, CONTENT),
                "another range": (206, CONTENT, {"Content-Range": f"bytes 0-{size - 1}/{size}"}),
                "status 416": (416, b""),
                "other bytes": (status, rest[::-1], part),
                "understated length": (status, rest, {**part, "Content-Length": len(rest) // 2}),
                "too much": (status, rest + CONTENT, part),
                "HTML": (200, b"<!DOCTYPE html><html>Please log in</html>"),
                "status 503": (503, b"later"),
                "redirects to itself": (302, b"", {"Location": self.path}),
                "redirects to http elsewhere": (302, b"", {"Location": "http://example.org/file"}),
            }[kind]
        )
        if kind == "stalls":
            time.sleep(2)

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        pause = self.server.chance.uniform(0, 0.003)
        for start in range(0, len(body), 2**15):
            self.wfile.write(body[start : start + 2**15])
            time.sleep(pause)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class Site:
    """The server's process, which can die and come back at the same address."""

    def __init__(self, log: Path, *, seed: int):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log, self.seed, self.lives = log, seed, 0
        self.start()

    def start(self):
        self.lives += 1
        self.pid = forked(self.serve)
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)

    def serve(self):
        with Server(("127.0.0.1", self.port), Answer) as server, self.log.open("ab", buffering=0) as log:
            server.log, server.chance = log, random.Random(f"{self.seed} {self.lives}")  # noqa: S311
            server.serve_forever()
        return 0

    def die(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def requests(self) -> list[tuple[str, str, int]]:
        lines = (line.split("\t") for line in self.log.read_text().splitlines())
        return [(path.rpartition("/")[0], kind, int(begun)) for path, kind, begun in lines]


def forked(work: Callable[[], int]) -> int:
    """Run a function in a process of its own, and return its id; the function returns the exit status."""
    pid = os.fork()
    if pid:
        return pid
    status = 2
    try:
        status = work()
    except DownloadError:
        status = 1
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(status)
