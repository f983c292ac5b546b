import bz2
import gzip
import lzma
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from archive_files import FILES, WANTED, extended, make, peak_megabytes, read, refused


def test_a_name_that_is_no_unicode_refuses_the_whole(tmp_path):
    refused(make(tmp_path, "w:gz", {**FILES, "top/\udcff.png": b"x"}), "whose name is no text")


@pytest.mark.parametrize("packing", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
        b"M",
    ],
)
def test_a_member_that_is_no_plain_file_refuses_the_whole(tmp_path, packing, kind):
    refused(make(tmp_path, packing, {"top/a.png": b""}, type=kind, linkname="/etc/passwd"), "no plain file")


@pytest.mark.parametrize("packing", ["w", "w:gz", "w:xz"])
def test_a_file_with_holes_refuses_the_whole(tmp_path, packing):
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)}
    refused(make(tmp_path, packing, {"top/a.png": b"1\n0\n1\n"}, pax_headers=pax), "no plain file")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("size", [-1, -512, 2**40, 2**62])
def test_a_tar_that_claims_an_absurd_size(tmp_path, pack, size):
    member = tarfile.TarInfo("top/a.png")
    member.size = size
    (tmp_path / "a.tar").write_bytes(pack(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    refused(tmp_path / "a.tar", "bytes")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0 path=x\n", "damaged"),
        (b"-9 path=x\n", "damaged"),
        (b"99 path=x\n", "damaged"),
        (b"9 path=xx", "damaged"),
        (b"7" * 6000, "no whole archive"),
        (b"path", "no whole archive"),
        (b"11 size=-5\n", "of -5 bytes"),
        (b"12 size=1e5\n", "no whole archive"),
        (b"29 size=99999999999999999999\n", "more than"),
    ],
)
def test_a_damaged_extended_header(tmp_path, content, message):
    (tmp_path / "a.tar").write_bytes(extended(tarfile.XHDTYPE, content))
    refused(tmp_path / "a.tar", message)


def test_the_names_that_extended_headers_give(tmp_path):
    for kind, content in ((tarfile.GNUTYPE_LONGNAME, b"top/b.png\0"), (tarfile.XHDTYPE, b"18 path=top/b.png\n")):
        (tmp_path / "a.tar").write_bytes(extended(kind, content))
        assert read(tmp_path / "a.tar") == {"b.png": b""}
    (tmp_path / "a.tar").write_bytes(extended(tarfile.XGLTYPE, b"18 comment=commit\n"))  # as git writes
    assert read(tmp_path / "a.tar") == {"a.png": b""}
    (tmp_path / "a.tar").write_bytes(extended(tarfile.XGLTYPE, b"18 path=top/b.png\n"))
    refused(tmp_path / "a.tar", "for all of its members")


def test_extended_headers_without_end(tmp_path):
    one = extended(tarfile.XHDTYPE, b"13 comment=a\n")[:1024]
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(one * 9 + bytes(1024)))
    refused(tmp_path / "a.tar.gz", "many in a row")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(one + bytes(1024)))
    refused(tmp_path / "a.tar.gz", "in the midst of a member")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("kind", ["header", "end", "file", "unread"])
def test_a_compressed_tar_that_is_a_bomb_takes_little_memory(tmp_path, pack, kind):
    zeros = bytes(2**26)
    member = tarfile.TarInfo("top/a.png" if kind == "file" else "top/a.txt")
    member.size = {"file": 2**40, "unread": 2**29}.get(kind, 0)
    header = extended(tarfile.XHDTYPE, b"", claimed=2**33)[:512] if kind == "header" else member.tobuf()
    (tmp_path / "a").write_bytes(pack(header + zeros))
    assert peak_megabytes(tmp_path / "a") < 16  # xz's own dictionary has 8


def test_an_xz_that_claims_to_need_gigabytes(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**29}]
    content = make(tmp_path, "w", FILES).read_bytes()
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(content, filters=filters))
    refused(tmp_path / "a.tar.xz", "no whole archive: Memory usage limit exceeded")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compression_in_several_streams_is_read(tmp_path, pack):
    content = make(tmp_path, "w", FILES).read_bytes()
    (tmp_path / "a").write_bytes(b"".join(pack(content[start : start + 700]) for start in range(0, len(content), 700)))
    assert read(tmp_path / "a") == WANTED


def test_a_tar_whose_first_member_is_called_as_zips_begin(tmp_path):
    assert read(make(tmp_path, "w", {"PK/a.png": b"1"})) == {"a.png": b"1"}
