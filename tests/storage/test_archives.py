import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archives import content_digest

sys.path.insert(0, str(Path(__file__).parent))
from archive_files import FILES, PACKINGS, WANTED, make, make_tar, make_zip, read, refused


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


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(
    "name",
    ["../a.png", "top/../../a.png", "top/..", "/etc/a.png", "//host/a.png", "C:/a.png", "C:a.png", "top\\..\\a.png"],
)
def test_a_path_that_leads_out_refuses_the_whole(tmp_path, packing, name):
    refused(make(tmp_path, packing, {**FILES, name: b"x"}), "leads out of it")


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", ["top/\x1b[2J.png", "top/a\n.png", "top/\x7f.png"])
def test_a_name_of_control_characters_refuses_the_whole(tmp_path, packing, name):
    refused(make(tmp_path, packing, {**FILES, name: b"x"}), "whose name is no text")


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(
    "name", ["top/A/1.PNG", "./top/a/1.png", "top//a/1.png", "other/a/1.png", "top/b c/e\u0301.png"]
)
def test_a_member_that_is_there_twice_refuses_the_whole(tmp_path, packing, name):
    refused(make(tmp_path, packing, {**FILES, name: b"2"}), "twice")


@pytest.mark.parametrize("packing", ["w", *PACKINGS, "w:bz2"])
@pytest.mark.parametrize("more", [b"garbage", b"an archive"])
def test_what_follows_the_end_refuses_the_whole(tmp_path, packing, more):
    content = make(tmp_path, packing, FILES).read_bytes()
    more = make(tmp_path, packing, {"top/other.png": b"x"}).read_bytes() if more == b"an archive" else more
    (tmp_path / "archive").write_bytes(content + more)
    refused(tmp_path / "archive", "archive")


@pytest.mark.parametrize("packing", PACKINGS)
def test_more_bytes_than_allowed(tmp_path, packing):
    with pytest.raises(DataError, match="more than 2,000 bytes"):
        read(make(tmp_path, packing, FILES), max_bytes=2_000)


@pytest.mark.parametrize("packing", ["w", "w:bz2", *PACKINGS])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_archive(tmp_path, packing, share):
    path = make(tmp_path, packing, {"top/a.png": os.urandom(50_000), **FILES})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "archive")


@pytest.mark.parametrize("content", [b"", b"not an archive" * 99, b"PK\x03\x04" + bytes(99)])
def test_no_archive(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="archive"):
        read(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "absent.zip")
