import errno
import os
import stat
from pathlib import Path

import pytest

from handwriting_cnn.errors import DownloadError, OutputError
from handwriting_cnn.storage.atomic import continued_file, staged_file, staged_folder, write_bytes, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_with_the_users_permissions(tmp_path):
    target = tmp_path / "new" / "file.txt"
    write_text(target, "ب\n")
    assert target.read_bytes() == "ب\n".encode()
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "file"
    write_bytes(target, b"old")

    def fail():
        with staged_file(target) as staged:
            staged.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_continued_file_takes_its_place_when_the_block_succeeds_and_stays_until_then(tmp_path):
    target, part = tmp_path / "new" / "file", tmp_path / "new" / "part"

    def go_on(text):
        with continued_file(target, part=part), part.open("a") as file:
            file.write(text)
            if text == "half, ":
                raise DownloadError("broke off")

    with pytest.raises(DownloadError, match="broke off"):
        go_on("half, ")
    assert names(tmp_path / "new") == ["part"]
    go_on("whole")
    assert target.read_text() == "half, whole"
    assert names(tmp_path / "new") == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_or_read_only_disk_is_one_line(tmp_path, monkeypatch, code):
    target = tmp_path / "file"
    write_bytes(target, b"old")

    def fail(*_args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError) as refused:
        write_bytes(target, b"new")
    assert str(refused.value) == f"cannot write {target}: {os.strerror(code)}"
    with pytest.raises(OutputError), staged_folder(tmp_path / "folder") as staged:
        (staged / "part").write_bytes(b"1")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_place_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "file" / "below", b"")


def test_errors_of_ours_pass_through(tmp_path):
    with pytest.raises(DownloadError, match="no answer"), staged_file(tmp_path / "file"):
        raise DownloadError("no answer")
    assert names(tmp_path) == []


def test_folders(tmp_path):
    target = tmp_path / "folder"
    with staged_folder(target) as staged:
        (staged / "inner").mkdir()
        (staged / "inner" / "file").write_bytes(b"1")
        assert not target.exists()
    with pytest.raises(OutputError, match="exists already"), staged_folder(target):
        pass
    with staged_folder(target, overwrite=True) as staged:
        (staged / "file").write_bytes(b"2")
    assert names(target) == ["file"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "folder"
    with staged_folder(target) as staged:
        (staged / "old").touch()

    def fail():
        with staged_folder(target, overwrite=True) as staged:
            (staged / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(target) == ["old"]
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("target", ["folder", "", "n" * 300], ids=["folder", "here", "long-name"])
def test_a_place_that_is_no_file_is_refused(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(Path(target), b"x")
    assert names(tmp_path) == ["folder"]


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("ش" * 127)  # 254 bytes in UTF-8, of 255
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_folder_that_came_meanwhile_is_not_removed(tmp_path):
    target = tmp_path / "folder"

    def race():
        with staged_folder(target) as staged:
            (staged / "ours").touch()
            target.mkdir()
            (target / "theirs").touch()

    with pytest.raises(OutputError, match="cannot write"):
        race()
    assert names(target) == ["theirs"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_that_cannot_take_its_place_brings_the_old_one_back(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    with staged_folder(target) as staged:
        (staged / "old").touch()
    real = Path.rename

    def rename(self, to):
        if self.suffix == ".part":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError), staged_folder(target, overwrite=True) as staged:
        (staged / "new").touch()
    assert names(target) == ["old"]
    assert names(tmp_path) == ["folder"]
