import io
import struct
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from archive_files import DIRECTORY, END, FILES, LOCAL, WANTED, changed, make, make_zip, peak_megabytes, read, refused


def test_a_name_with_a_zero_byte_refuses_the_whole(tmp_path):
    path = make(tmp_path, "zip", {"top/a_b.png": b"x"})
    path.write_bytes(path.read_bytes().replace(b"a_b", b"a\0b"))
    refused(path, "whose name is no text")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice_refuses_the_whole(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("top/a.png", "1")
        archive.writestr("top/a.png", "2")
    refused(tmp_path / "a.zip", "twice")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666, 0o040755])
def test_a_link_or_a_device_in_a_zip_refuses_the_whole(tmp_path, mode):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        member = zipfile.ZipInfo("top/a.png")
        member.external_attr = mode << 16
        archive.writestr(member, "/etc/passwd")
    refused(tmp_path / "a.zip", "no plain file")


def test_an_encrypted_member_refuses_the_whole(tmp_path):
    refused(changed(make(tmp_path, "zip", FILES), DIRECTORY, 8, "<H", 1), "encrypted")


@pytest.mark.parametrize(
    ("signature", "offset", "form"),
    [
        *((LOCAL, 14, "<I"), (LOCAL, 18, "<I"), (LOCAL, 22, "<I"), (LOCAL, 30, "<B"), (LOCAL, 8, "<H")),
        *((DIRECTORY, 16, "<I"), (DIRECTORY, 20, "<I"), (DIRECTORY, 24, "<I"), (DIRECTORY, 46, "<B")),
    ],
)
def test_a_zip_whose_two_accounts_of_a_member_differ(tmp_path, signature, offset, form):
    refused(changed(make(tmp_path, "zip", FILES), signature, offset, form, 65), "not what its directory says")


@pytest.mark.parametrize("size", [0, 999, 1001, 9_000])
def test_a_zip_that_claims_another_size_in_both(tmp_path, size):
    path = make(tmp_path, "zip", {"top/a.png": bytes(1000)})
    changed(changed(path, LOCAL, 22, "<I", size), DIRECTORY, 24, "<I", size)
    refused(path, f"has not the {size:,} bytes that it claims")


def test_members_of_a_zip_that_share_their_bytes(tmp_path):
    path = make(tmp_path, "zip", {"top/a.png": b"1" * 999, "top/b.png": b"1" * 999})
    content = path.read_bytes()
    second = content.index(DIRECTORY, content.index(DIRECTORY) + 4)
    changed(path, content[second : second + 46], 42, "<I", 0)
    refused(path, "begins where it cannot")


def test_a_zip_whose_member_reaches_over_the_next(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr("top/a.png", "1" * 99)
        archive.writestr("top/b.png", "2" * 99)
    for signature, offset in ((LOCAL, 18), (DIRECTORY, 20)):
        for field in (0, 4):
            changed(tmp_path / "archive", signature, offset + field, "<I", 200)
    refused(tmp_path / "archive", "begins where it cannot")


@pytest.mark.parametrize(("offset", "form", "value"), [(10, "<H", 1), (12, "<I", 0), (12, "<I", 2**31), (16, "<I", 9)])
def test_a_zip_whose_end_lies(tmp_path, offset, form, value):
    refused(changed(make(tmp_path, "zip", FILES), END, offset, form, value), "directory|where it cannot")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_packed_otherwise(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("top/a.png", "1")
    refused(tmp_path / "a.zip", "neither stored nor deflated")


def test_what_lies_before_a_zip_refuses_it(tmp_path):
    path = make(tmp_path, "zip", FILES)
    path.write_bytes(b"PK\x03\x04 more" + path.read_bytes())
    refused(path, "directory is not what its end says")


def test_a_zip_that_is_a_bomb_takes_little_memory(tmp_path):
    path = make_zip(tmp_path / "a", {"top/a.png": bytes(2**26)})
    assert peak_megabytes(path, 2**20) < 8
    for signature, offset in ((LOCAL, 22), (DIRECTORY, 24)):
        changed(path, signature, offset, "<I", 1000)
    assert peak_megabytes(path) < 8
    path.write_bytes(path.read_bytes()[:-22] + bytes(2**26) + struct.pack("<4s4H2LH", END, 0, 0, 1, 1, 2**26, 0, 0))
    assert peak_megabytes(path) < 8


def test_zips_as_other_programs_write_them(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

        def seek(self, *_):
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # sizes follow each member
        for name, content in FILES.items():
            archive.writestr(name, content)
        archive.comment = b"a comment"
    (tmp_path / "pipe.zip").write_bytes(pipe.getvalue())
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as archive:  # as if of more than 4 gigabytes
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(content)
    with zipfile.ZipFile(tmp_path / "folders.zip", "w") as archive:
        archive.mkdir("top")
        for name, content in FILES.items():
            archive.writestr(name, content)
    for name in ("pipe.zip", "large.zip", "folders.zip"):
        assert read(tmp_path / name) == WANTED
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert read(tmp_path / "empty.zip") == {}


def test_a_zip_of_more_members_than_its_end_can_count(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"top/{number}"), b"")
        archive.writestr("top/a.png", b"1")
    assert read(tmp_path / "many.zip") == {"a.png": b"1"}
