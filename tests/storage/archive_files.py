"""Archives for tests, sound and changed, and what must come of those that are refused."""

import io
import struct
import subprocess
import sys
import tarfile
import zipfile

import pytest

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archives import read_members

FILES = {"top/a/1.png": b"one", "top/a/2.png": b"two" * 1000, "top/readme.md": b"text", "top/b c/é.png": b""}
WANTED = {"a/1.png": b"one", "a/2.png": b"two" * 1000, "b c/é.png": b""}


def make_tar(path, files, mode="w:xz", **changes):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in changes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return path


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read(path, *, pattern=r".*\.png", max_bytes=10_000):
    return read_members(path, pattern=pattern, max_bytes=max_bytes)


PACKINGS = ["zip", "w:gz", "w:xz"]


def make(folder, packing, files, **changes):
    path = folder / "archive"
    return make_zip(path, files) if packing == "zip" else make_tar(path, files, packing, **changes)


def refused(path, message):
    """Assert that an archive is refused in one line that names it."""
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} ")
    assert len(str(caught.value).splitlines()) == 1


def changed(path, signature, offset, form, value):
    """Change a field that lies ``offset`` behind a zip's first record of that signature."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, content.index(signature) + offset, value)
    path.write_bytes(content)
    return path


LOCAL, DIRECTORY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def extended(kind, content, *, claimed=None):
    """Return a tar of one member under an extended header."""
    header, member = tarfile.TarInfo("header"), tarfile.TarInfo("top/a.png")
    header.type, header.size = kind, len(content) if claimed is None else claimed
    blocks = [header.tobuf(tarfile.GNU_FORMAT), content, bytes(-len(content) % 512)]
    return b"".join([*blocks, member.tobuf(tarfile.GNU_FORMAT), bytes(1024)])


PEAK = """
import sys, tracemalloc
from pathlib import Path
from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archives import read_members
tracemalloc.start()
try:
    read_members(Path(sys.argv[1]), pattern=".*png", max_bytes=int(sys.argv[2]))
    print("read")
except DataError as error:
    print(tracemalloc.get_traced_memory()[1] // 2**20, error)
"""


def peak_megabytes(path, max_bytes=2**30):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path, str(max_bytes)], capture_output=True, text=True, check=True
    )
    peak, _, message = done.stdout.partition(" ")
    assert message.startswith(f"{path} ")
    return int(peak)
