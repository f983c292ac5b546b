"""The members of a zip, its two accounts of each compared.

A zip says of a member twice what it is: before its bytes, and in the directory at the file's end. ``zipfile`` believes
the directory. Here a file whose accounts differ is refused, and so is one whose members share bytes.
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archive_members import Member

_LONGEST_DIRECTORY: Final = 12 * 2**20  # bytes, each of which takes ten of memory
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END: Final = struct.Struct("<4s4H2LH")
_ENCRYPTED: Final = 1
_SIZES_FOLLOW: Final = 8
_UTF_8: Final = 2**11
_IN_EXTRA: Final = 2**32 - 1  # in zips of more than 4 gigabytes
_MANY: Final = 2**16 - 1


def zip_members(file: BinaryIO) -> Iterator[Member]:
    """Give the files and folders of a zip, stored or deflated.

    Raises:
        DataError: If a member is another, is encrypted, or is not what it claims; or something lies before the first
            or behind the end.
        ValueError: If the file is damaged; or an error of ``zipfile``, ``zlib`` or ``struct``.
    """
    with zipfile.ZipFile(_Guarded(file)) as archive:
        members = archive.infolist()
        file.seek(-_END.size - len(archive.comment), os.SEEK_END)
        signature, *_, count, _, offset, _ = _END.unpack(file.read(_END.size))
        if signature != b"PK\x05\x06":
            raise DataError("something follows its end")
        if count not in {len(members), _MANY} or offset not in {archive.start_dir, _IN_EXTRA}:
            raise DataError("its directory is not what its end says")
        starts, end = {}, 0
        for member in sorted(members, key=lambda one: one.header_offset):
            _check_kind(member)
            if member.header_offset < end or (end == 0 and member.header_offset):
                raise DataError(f"it holds {member.orig_filename[:80]!r}, which begins where it cannot")
            starts[member.header_offset] = _checked_start(file, member)
            end = starts[member.header_offset] + member.compress_size
        if end > archive.start_dir:
            raise DataError("its last member is longer than it can be")
        for member in members:
            start = starts[member.header_offset]
            yield Member(
                name=member.orig_filename,
                size=member.file_size,
                folder=member.is_dir(),
                read=partial(_content, file, member, start),
            )


class _Guarded:
    """A file whose directory is not read if it claims to be huge."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        if size > _LONGEST_DIRECTORY:
            raise DataError(f"its directory has {size:,} bytes, more than the {_LONGEST_DIRECTORY:,} that are read")
        return self._file.read(size)


def _check_kind(member: zipfile.ZipInfo) -> None:
    mode = member.external_attr >> 28  # the upper four bits of a Unix mode: 4 is a folder, 8 a file
    plain = mode in {0, 4} and not member.file_size if member.is_dir() else mode in {0, 8}
    if not plain or member.flag_bits & _ENCRYPTED:
        raise DataError(f"it holds {member.orig_filename[:80]!r}, which is encrypted or no plain file")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataError(f"it holds {member.orig_filename[:80]!r}, which is neither stored nor deflated")


def _checked_start(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Return where a member's bytes begin."""
    file.seek(member.header_offset)
    signature, _, flags, kind, _, _, *sums, name_bytes, extra_bytes = _LOCAL.unpack(file.read(_LOCAL.size))
    name = file.read(name_bytes).decode("utf-8" if flags & _UTF_8 else "cp437")
    known = not flags & _SIZES_FOLLOW and _IN_EXTRA not in sums[1:]
    claimed = [member.CRC, member.compress_size, member.file_size]
    if (signature, name, kind) != (b"PK\x03\x04", member.orig_filename, member.compress_type) or (
        known and sums != claimed
    ):
        raise DataError(f"it holds {member.orig_filename[:80]!r}, which is not what its directory says")
    return file.tell() + extra_bytes


def _content(file: BinaryIO, member: zipfile.ZipInfo, start: int) -> bytes:
    file.seek(start)
    content, whole = file.read(member.compress_size), True
    if member.compress_type == zipfile.ZIP_DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacker.decompress(content, member.file_size + 1)
        whole = unpacker.eof and not unpacker.unused_data
    if not whole or len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise DataError(f"{member.orig_filename[:80]!r} has not the {member.file_size:,} bytes that it claims")
    return content
