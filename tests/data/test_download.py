import errno
import hashlib
import io
import logging
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import replace

import pytest

from handwriting_cnn.data.catalog import CATALOG, RemoteArchive, RemoteFile
from handwriting_cnn.data.download import fetch, fetch_members
from handwriting_cnn.data.loading import load_dataset
from handwriting_cnn.errors import DownloadError, IntegrityError, OutputError
from handwriting_cnn.storage.archives import content_digest

CONTENT = bytes(range(256)) * 1000
PAGE = b"<!DOCTYPE html><html>Please log in</html>"


def remote(*urls):
    return RemoteFile(path="toy/the file.zip", urls=urls, sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))


def put(path, content=CONTENT):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_mirror_folders_file_is_used_where_it_lies(cache, tmp_path, monkeypatch):
    path = put(tmp_path / "mirror" / "toy" / "the file.zip")
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tmp_path / "mirror"))
    assert fetch(remote()) == path
    assert not cache.exists()


def test_a_mirror_url_is_asked_first_and_its_file_kept(cache, leftovers, site, monkeypatch):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", f"{site.url}/good/")
    for _ in range(2):
        path = fetch(remote(f"{site.url}/page"))
        assert path == cache / "downloads" / "toy" / "the file.zip"
        assert path.read_bytes() == CONTENT
    assert site.asked == ["/good/toy/the%20file.zip"]
    assert leftovers() == ["the file.zip"]


def test_a_file_put_into_the_cache_by_hand_is_used(cache):
    path = put(cache / "downloads" / "toy" / "the file.zip")
    assert fetch(remote()) == path


def test_urls_are_tried_in_order_until_one_is_right(cache, site, caplog):
    with caplog.at_level(logging.WARNING):
        path = fetch(remote(*(f"{site.url}/{kind}" for kind in ("missing", "page", "good", "short"))))
    assert path.read_bytes() == CONTENT
    assert site.asked == ["/missing", "/page", "/good"]
    assert len(caplog.records) == 2


WRONG = {"truncated": CONTENT[:99], "other": CONTENT[::-1], "page": PAGE}


@pytest.mark.parametrize("hand_made", WRONG.values(), ids=WRONG)
def test_a_wrong_file_in_the_cache_is_moved_aside_with_one_warning(cache, leftovers, site, caplog, hand_made):
    path = put(cache / "downloads" / "toy" / "the file.zip", hand_made)
    with caplog.at_level(logging.WARNING):
        assert fetch(remote(f"{site.url}/good")) == path
    assert path.read_bytes() == CONTENT
    assert (path.parent / "the file.zip.wrong").read_bytes() == hand_made
    (warning,) = caplog.messages
    assert warning.startswith(f"{path}: expected 256,000 bytes")
    assert warning.endswith(f"; it was moved aside to {path}.wrong")
    path.write_bytes(b"wrong again")
    assert fetch(remote(f"{site.url}/good")) == path
    assert leftovers() == ["the file.zip", "the file.zip.wrong"]
    assert (path.parent / "the file.zip.wrong").read_bytes() == b"wrong again"


def test_where_the_right_file_cannot_be_had_the_error_says_where_the_wrong_one_lies(cache, leftovers, site):
    path = put(cache / "downloads" / "toy" / "the file.zip", PAGE)
    with pytest.raises(
        IntegrityError, match=re.escape(f"an HTML page of 41 bytes; it was moved aside to {path}.wrong")
    ):
        fetch(remote(f"{site.url}/missing"))
    assert leftovers() == ["the file.zip.wrong"]


def test_a_wrong_file_that_cannot_be_moved_is_an_output_error(cache, site):
    path = put(cache / "downloads" / "toy" / "the file.zip", PAGE)
    (path.parent / "the file.zip.wrong" / "folder").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"HTML page of 41 bytes; it cannot be moved aside to .*\.wrong: "):
        fetch(remote(f"{site.url}/good"))
    assert path.read_bytes() == PAGE


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("understated", "but got only 1,000 bytes"),
        ("short", "expected 256,000 bytes with sha256 .*, but got only 1,000 bytes"),
        ("page", "expected 256,000 bytes .*, but got an HTML page of 41 bytes"),
        ("other", "expected 256,000 bytes .*, but got sha256"),
        ("endless", "expected 256,000 bytes, but more came"),
    ],
)
def test_another_file_than_the_published_one(leftovers, site, kind, message):
    url = f"{site.url}/{kind}"
    with pytest.raises(IntegrityError, match=message) as caught:
        fetch(remote(url))
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert leftovers() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:10], "only 10 bytes"),
        (PAGE, "an HTML page"),
        (CONTENT + b"!", "256,001 bytes"),
        (CONTENT[::-1], "sha256"),
    ],
    ids=["truncated", "page", "too long", "other"],
)
def test_a_mirror_folder_with_another_file(cache, tmp_path, monkeypatch, content, message):
    path = put(tmp_path / "mirror" / "toy" / "the file.zip", content)
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(IntegrityError, match=message) as caught:
        fetch(remote())
    assert str(path) in str(caught.value)


def test_nothing_to_be_had_says_what_is_missing_and_where_to_put_it(cache, site, monkeypatch, tmp_path):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tmp_path / "no mirror"))
    closed = "http://127.0.0.1:1/file"
    with pytest.raises(DownloadError) as caught:
        fetch(remote(f"{site.url}/missing", closed))
    assert not isinstance(caught.value, IntegrityError)
    message = str(caught.value)
    for part in (
        "toy/the file.zip",
        f"{site.url}/missing: HTTP status 404",
        f"{closed}: no answer",
        str(tmp_path / "no mirror" / "toy" / "the file.zip"),
        str(cache / "downloads" / "toy" / "the file.zip"),
        "HANDWRITING_CNN_MIRROR",
    ):
        assert part in message
    assert "\n" not in message


def test_a_cache_that_cannot_be_written_is_no_download_error(site, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(tmp_path / "file"))
    monkeypatch.delenv("HANDWRITING_CNN_MIRROR", raising=False)
    with pytest.raises(OutputError, match=r"set HANDWRITING_CNN_DATA to a folder that can be written$"):
        fetch(remote(f"{site.url}/good"))
    assert site.asked == []


def test_a_full_disk_is_no_download_error_and_no_source_is_asked_after_it(cache, site, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*the file\.zip: No space left on device"):
        fetch(remote(f"{site.url}/good", f"{site.url}/ranged"))
    assert site.asked == ["/good"]


def test_a_home_that_cannot_be_written_is_named_and_nothing_else_written(tmp_path):
    (tmp_path / "home").write_text("a file")
    (tmp_path / "temporary").mkdir()
    code = (
        "from handwriting_cnn.data.catalog import RemoteFile\n"
        "from handwriting_cnn.data.download import fetch\n"
        "from handwriting_cnn.errors import OutputError\n"
        "try:\n"
        "    fetch(RemoteFile(path='toy/file', urls=('https://127.0.0.1:1/file',), sha256='', size=1))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    environment = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (line,) = done.stdout.splitlines()
    assert str(tmp_path / "home") in line
    assert line.endswith("set HANDWRITING_CNN_DATA to a folder that can be written")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "temporary"]


def test_the_catalogues_file_is_the_mirrors(mirror, cache, monkeypatch):
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(mirror))
    (file,) = CATALOG["ahcd"].files
    assert fetch(file) == mirror / file.path


def test_all_published_addresses_are_https_and_pinned_to_a_digest():
    files = [file for row in CATALOG.values() for file in row.files]
    assert files
    for file in files:
        assert file.urls
        assert all(url.startswith("https://") for url in file.urls)
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def pack(folder, name, mode, files):
    with tarfile.open(folder / name, mode) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"top-{mode[2:]}/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / name


FILES = {"1/a.png": b"one", "2/b.png": b"two", ".DS_Store": b"skipped"}


def archive(*urls, files=FILES):
    counted = {path: content for path, content in files.items() if path.endswith(".png")}
    return RemoteArchive(
        path="toy/pictures.tar.xz",
        urls=urls,
        members=r"\d/.*\.png",
        sha256=content_digest(counted),
        count=len(counted),
        max_bytes=10_000,
    )


def test_an_archives_content_decides_not_its_packing(cache, tmp_path, monkeypatch):
    wanted = {path: content for path, content in FILES.items() if path.endswith(".png")}
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tmp_path / "mirror"))
    for mode in ("w:xz", "w:gz"):
        pack(tmp_path / "mirror" / "toy", "pictures.tar.xz", mode, {**FILES, mode[2:]: b"else"})
        assert fetch_members(archive()) == wanted
    assert not cache.exists()


def test_an_archive_is_downloaded_and_kept(leftovers, site, tmp_path, monkeypatch):
    site.content = pack(tmp_path, "a.tgz", "w:gz", FILES).read_bytes()
    for _ in range(2):
        assert len(fetch_members(archive(f"{site.url}/page", f"{site.url}/good"))) == 2
    assert site.asked == ["/page", "/good"]
    assert leftovers() == ["pictures.tar.xz"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1/a.png": b"one"}, "expected an archive with 2 files that count, but got 1 with the content digest"),
        ({**FILES, "1/a.png": b"One"}, "but got 2 with the content digest"),
        ({**FILES, "../../a.png": b"out"}, "leads out of it"),
    ],
)
def test_another_archive_than_the_published_one(leftovers, site, tmp_path, files, message):
    site.content = pack(tmp_path, "a.tgz", "w:gz", files).read_bytes()
    with pytest.raises(IntegrityError, match=message):
        fetch_members(archive(f"{site.url}/good"))
    assert leftovers() == []


@pytest.mark.parametrize(("kind", "message"), [("page", "an HTML page"), ("other", "no whole archive|cannot be read")])
def test_no_archive_at_all(leftovers, site, kind, message):
    with pytest.raises(IntegrityError, match=message):
        fetch_members(replace(archive(f"{site.url}/{kind}"), max_bytes=len(CONTENT)))
    assert leftovers() == []


def test_a_wrong_mirror_leaves_no_cached_data_set(leftovers, tmp_path, monkeypatch):
    (row,) = CATALOG["ahcd"].files
    put(tmp_path / "mirror" / row.path, PAGE)
    monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setattr("handwriting_cnn.data.download.download_rest", no_network)
    with pytest.raises(IntegrityError, match="HTML page of 41 bytes"):
        load_dataset("ahcd")
    assert leftovers() == []


def no_network(url, part, *, remote):
    raise DownloadError(f"{url}: no answer")
