import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archives import content_digest, read_members

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


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_every_packing_gives_the_same(tmp_path, kind):
    path = tmp_path / "archive"
    make_zip(path, FILES) if kind == "zip" else make_tar(path, FILES, kind)
    assert read(path) == WANTED
    assert list(tmp_path.iterdir()) == [path]


def test_what_tar_and_zip_themselves_pack_is_read(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run([shutil.which("tar"), "-czf", "a.tgz", "top"], cwd=tmp_path, check=True)
    assert read(tmp_path / "a.tgz") == WANTED
    subprocess.run([sys.executable, "-m", "zipfile", "-c", "a.zip", "top"], cwd=tmp_path, check=True)
    assert read(tmp_path / "a.zip") == WANTED


def test_the_digest_is_the_documented_formula():
    lines = [f"{name}\0{hashlib.sha256(WANTED[name]).hexdigest()}\n" for name in sorted(WANTED)]
    assert content_digest(WANTED) == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert content_digest(dict(reversed(WANTED.items()))) == content_digest(WANTED)
    assert content_digest({**WANTED, "a/1.png": b"One"}) != content_digest(WANTED)


@pytest.mark.parametrize("name", ["../a.png", "top/../../a.png", "/etc/a.png", "C:/a.png", "top\\..\\a.png"])
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_a_path_that_leads_out_refuses_the_whole(tmp_path, make, name):
    with pytest.raises(DataError, match="leads out of it"):
        read(make(tmp_path / "archive", {**FILES, name: b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_plain_file_refuses_the_whole(tmp_path, kind):
    with pytest.raises(DataError, match="no plain file"):
        read(make_tar(tmp_path / "a.tar.xz", {"top/a.png": b""}, type=kind, linkname="/etc/passwd"))


def test_a_link_in_a_zip_refuses_the_whole(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("top/a.png")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(DataError, match="no plain file"):
        read(path)


def test_an_encrypted_member_refuses_the_whole(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"top/a.png": b"abc"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_refuses_the_whole(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top/a.png", "1")
        archive.writestr("top/a.png", "2")
    with pytest.raises(DataError, match="twice"):
        read(path)


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_more_bytes_than_allowed(tmp_path, make):
    with pytest.raises(DataError, match="more than 2,000 bytes"):
        read(make(tmp_path / "archive", FILES), max_bytes=2_000)


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_truncated_archive(tmp_path, make, share):
    path = make(tmp_path / "archive", {"top/a.png": os.urandom(5000), **FILES})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DataError, match=str(path)):
        read(path)


@pytest.mark.parametrize("content", [b"", b"not an archive" * 99, b"PK\x03\x04" + bytes(99)])
def test_no_archive(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="archive"):
        read(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "absent.zip")
