"""The members of a tar, in one pass over it.

``tarfile`` reads the headers that extend others into memory, however long they claim to be, and goes through them in
quadratic time. Here it only takes blocks of 512 bytes apart.
"""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO, Final

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archive_members import Member

_BLOCK: Final = 512
_CHUNK: Final = 2**16
_LONGEST_EXTENSION: Final = 2**14  # bytes of a header that extends another: the longest path has 4,096
_MOST_EXTENSIONS: Final = 4  # in a row
_LONGEST_END: Final = 2**20  # bytes of zeros, with which tars are filled up to the size of a tape's record
_XZ_MEMORY: Final = 2**27  # bytes; what "xz -9" made needs half of it

_FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_PAX: Final = (tarfile.XHDTYPE, tarfile.XGLTYPE)
_ENCODING: Final = ("utf-8", "surrogateescape")


def tar_members(file: BinaryIO) -> Iterator[Member]:
    """Give the files and folders of a tar, plain or compressed with gzip, bzip2 or xz.

    Raises:
        DataError: If a member is another, such as a file with holes, a header is too long, or more follows the end.
        ValueError: If it is damaged; or ``EOFError``, ``tarfile.TarError`` or an error of the compressions.
    """
    stream = _Stream(_unpacked(file))
    extended: dict[str, str] = {}
    extensions = 0
    while (block := stream.take(_BLOCK)).strip(b"\0"):
        header = tarfile.TarInfo.frombuf(block, *_ENCODING)
        if header.type in {*_PAX, tarfile.GNUTYPE_LONGNAME}:
            extensions += 1
            if not 0 <= header.size <= _LONGEST_EXTENSION or extensions > _MOST_EXTENSIONS:
                raise DataError(f"it holds an extended header of {header.size:,} bytes, or many in a row")
            extended |= _extension(header, stream.take(header.size))
            stream.skip(-header.size % _BLOCK)
            continue
        name, folder = extended.get("path", header.name), header.isdir()
        if not (folder or header.type in _FILES) or any(key.startswith("GNU.sparse") for key in extended):
            raise DataError(f"it holds {name[:80]!r}, which is no plain file")
        size = 0 if folder else int(extended.get("size", header.size))
        if size < 0:
            raise DataError(f"it holds {name[:80]!r} of {size} bytes")
        end = stream.place + size + -size % _BLOCK
        yield Member(name=name, size=size, folder=folder, read=partial(stream.take, size))
        stream.skip(end - stream.place)
        extended, extensions = {}, 0
    if extensions:
        raise DataError("it ends in the midst of a member")
    stream.check_end()


def _extension(header: tarfile.TarInfo, content: bytes) -> dict[str, str]:
    """Return what an extended header says of the next member, by its names in POSIX's pax format."""
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.partition(b"\0")[0].decode(*_ENCODING)}
    records: dict[str, str] = {}
    while content:
        length, _, _ = content.partition(b" ")  # of the whole record, "23 path=top/letter.png\n"
        record, content = content[: int(length)], content[int(length) :]
        key, equals, value = record[len(length) + 1 :].partition(b"=")
        if not equals or not value.endswith(b"\n") or len(record) != int(length):
            raise ValueError("an extended header is damaged")
        records[key.decode(*_ENCODING)] = value[:-1].decode(*_ENCODING)
    if header.type == tarfile.XGLTYPE:
        if records.keys() & {"path", "size"}:
            raise DataError("it holds one path or size for all of its members")
        return {}
    return records


class _Stream:
    """Bytes that come in chunks, of which as many are taken as are wanted."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._chunk, self._used = chunks, b"", 0
        self.place = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes; memory grows with those that are there, not with those that are asked for."""
        return b"".join(self._parts(size))

    def skip(self, size: int) -> None:
        for _ in self._parts(size):
            pass

    def check_end(self) -> None:
        """Read on to the last byte, where a compression's own checksum is compared."""
        rest = 0
        for chunk in chain([self._chunk[self._used :]], self._chunks):
            rest += len(chunk)
            if rest > _LONGEST_END or chunk.strip(b"\0"):
                raise DataError("something follows its end")

    def _parts(self, size: int) -> Iterator[bytes]:
        while size:
            if self._used == len(self._chunk):
                self._chunk, self._used = next(self._chunks, b""), 0
                if not self._chunk:
                    raise EOFError("it ends too early")
            part = self._chunk[self._used : self._used + size]
            self._used += len(part)
            self.place += len(part)
            size -= len(part)
            yield part


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file) as unzipped:
            yield from iter(partial(unzipped.read, _CHUNK), b"")
    elif start.startswith(b"BZh"):
        yield from _decompressed(file, bz2.BZ2Decompressor)
    elif start == b"\xfd7zXZ\0":
        # Python's own files of this kind take as much memory as is claimed to be needed, up to 4 gigabytes.
        yield from _decompressed(file, partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))
    else:
        yield from iter(partial(file.read, _CHUNK), b"")


def _decompressed(file: BinaryIO, new: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> Iterator[bytes]:
    unpacker, packed = new(), b""
    while packed := packed or file.read(_CHUNK):
        if unpacker.eof:  # compressors that work in parallel write streams one after the other
            unpacker = new()
        chunk = unpacker.decompress(packed, _CHUNK)
        while chunk:
            yield chunk
            chunk = b"" if unpacker.eof or unpacker.needs_input else unpacker.decompress(b"", _CHUNK)
        packed = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise EOFError("its compression ends too early")
