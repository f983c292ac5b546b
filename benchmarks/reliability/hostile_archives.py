"""Archives of every kind, sound and hostile, made of nothing but a random generator's draws."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import TypeAlias

PACKINGS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz")
MAX_BYTES = 4 * 2**20
PATTERN = r"[^/]+/.*"
"""Members two folders deep are read, without the top folder's name; others are not."""

_BOMB = 32 * 2**20
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_TAR_BLOCK = 512

Files: TypeAlias = dict[str, bytes]
Maker: TypeAlias = Callable[[str, Files, random.Random], bytes]
"""Makes an archive in a packing, of files it may use."""


def made_archive(rng: random.Random) -> tuple[str, bytes, Files | None]:
    """Return what an archive is, its bytes, and what is read of it: ``None`` if it is to be refused."""
    packing = rng.choice(PACKINGS)
    files = _files(rng)
    if rng.random() < 0.3:
        return f"sound {packing}", packed(packing, files, rng), _wanted(files)
    kinds = _HOSTILE | (_HOSTILE_ZIP if packing == "zip" else _HOSTILE_TAR)
    kind = rng.choice(sorted(kinds))
    return kind, kinds[kind](packing, files, rng), None


def damaged(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return an archive that was cut off, or of which bytes or bits were changed or doubled, and what was done."""
    kind = rng.choice(("cut off", "flipped bits", "zeroed", "doubled", "spliced"))
    changed = bytearray(content)
    if kind == "cut off":
        del changed[rng.randrange(len(changed)) :]
    elif kind == "flipped bits":
        for _ in range(rng.choice((1, 1, 2, 20))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == "zeroed":
        place = rng.randrange(len(changed))
        changed[place : place + 64] = bytes(min(64, len(changed) - place))
    else:
        place, start = rng.randrange(len(changed)), rng.randrange(len(changed))
        changed[place : place if kind == "doubled" else place + 64] = changed[start : start + rng.choice((8, 64, 512))]
    return kind, bytes(changed)


def packed(
    packing: str, files: Files, rng: random.Random, *, change: Callable[[tarfile.TarInfo], None] | None = None
) -> bytes:
    """Return files in an archive, a tar with the last member's header changed by ``change``."""
    if packing == "zip":
        return _zipped(files, rng)
    form = rng.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
    blocks = []
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        if change is not None and name == _last(files):
            change(member)
        blocks += [member.tobuf(form), content, bytes(-len(content) % _TAR_BLOCK)]
    return compressed(packing, b"".join(blocks) + bytes(2 * _TAR_BLOCK))


def compressed(packing: str, content: bytes) -> bytes:
    """Return a tar as ``packing`` names it; not packed well, as that takes longer than to read it."""
    if packing == "tar.gz":
        return gzip.compress(content, compresslevel=1, mtime=0)
    if packing == "tar.bz2":
        return bz2.compress(content, compresslevel=1)
    return lzma.compress(content, preset=0) if packing == "tar.xz" else content


def _files(rng: random.Random) -> Files:
    names = ("a/1.png", "a/2.png", "b c/é.png", f"{'long' * 40}/1.csv", "readme.md", "ب/ت.png")
    chosen = rng.sample(names, rng.randrange(2, len(names)))
    return {f"top/{name}": rng.randbytes(rng.choice((0, 1, 511, 512, 513, 5000))) for name in chosen}


def _wanted(files: Files) -> Files:
    inside = {name.partition("/")[2]: content for name, content in files.items()}
    return {name: content for name, content in inside.items() if "/" in name}


def _last(files: Files) -> str:
    return list(files)[-1]


def _zipped(files: Files, rng: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)  # unlike a plain text, it may be any name
            member.compress_type = archive.compression
            archive.writestr(member, content)
    return file.getvalue()


def _named(*names: str) -> Maker:
    return lambda packing, files, rng: packed(packing, {**files, rng.choice(names): b"x"}, rng)


def _twice(packing: str, files: Files, rng: random.Random) -> bytes:
    name = _last(files)
    return packed(packing, {**files, rng.choice((name.upper(), f"./{name}", name.replace("/", "//"))): b"x"}, rng)


def _bomb(packing: str, files: Files, rng: random.Random) -> bytes:
    return packed(packing, {**files, "top/a/bomb.png": bytes(_BOMB)}, rng)


def _followed(packing: str, files: Files, rng: random.Random) -> bytes:
    return packed(packing, files, rng) + rng.choice((b"garbage" * 9, packed(packing, {"top/a/other.png": b"x"}, rng)))


def _no_archive(packing: str, files: Files, rng: random.Random) -> bytes:
    starts = (b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"<html>")
    return rng.choice(starts) + rng.randbytes(rng.choice((0, 10, 600)))


_HOSTILE: dict[str, Maker] = {
    "leads out": _named("../a/x.png", "top/../../x.png", "top/a/..", "top\\..\\..\\x.png"),
    "absolute": _named("/etc/cron.d/x", "//host/share/x.png", "C:/x.png", "C:x.png"),
    "name of control characters": _named("top/a/\x1b[2J.png", "top/a/\n.png", "top/a/\x7f.png"),
    "twice": _twice,
    "bomb": _bomb,
    "followed by more": _followed,
    "no archive": _no_archive,
}


def _typed(*types: bytes) -> Maker:
    def make(packing: str, files: Files, rng: random.Random) -> bytes:
        def change(member: tarfile.TarInfo) -> None:
            member.type, member.size, member.linkname = rng.choice(types), 0, "/etc/passwd"

        return packed(packing, files, rng, change=change)

    return make


def _claiming(packing: str, files: Files, rng: random.Random) -> bytes:
    def change(member: tarfile.TarInfo) -> None:
        member.size = rng.choice((member.size + 2000, 2**20 * 3, 2**40, 2**62))

    return packed(packing, files, rng, change=change)


def _header(name: str, kind: bytes, size: int, content: bytes = b"") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % _TAR_BLOCK)


def _extended(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a tar with an extended header that claims much and has it, or has nothing behind it."""
    kind = rng.choice((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK))
    size = rng.choice((20_000, 2**25, 2**33))
    content = rng.choice((b"1", b"\0", b"14 path=top/x\n")) * min(size // 14, 2**17)
    return compressed(packing, _header("x", kind, size, content if rng.random() < 0.7 else b"") + bytes(1024))


def _records(*records: bytes) -> Maker:
    def make(packing: str, files: Files, rng: random.Random) -> bytes:
        content = rng.choice(records)
        kinds = (tarfile.XHDTYPE,) if b"GNU" in content else (tarfile.XHDTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE)
        kind = rng.choice(kinds)
        sound = _header("top/a/1.png", tarfile.REGTYPE, 4, b"ink!")
        return compressed(packing, _header("x", kind, len(content), content) + sound + bytes(1024))

    return make


def _chain(packing: str, files: Files, rng: random.Random) -> bytes:
    one = _header("x", rng.choice((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)), 14, b"14 comment=in\n")
    return compressed(packing, one * rng.choice((10, 2000)) + bytes(1024))


def _endless(packing: str, files: Files, rng: random.Random) -> bytes:
    return compressed(packing, _header("top/a/1.png", tarfile.REGTYPE, 4, b"ink!") + bytes(_BOMB))


_HOSTILE_TAR: dict[str, Maker] = {
    "link in a tar": _typed(tarfile.SYMTYPE, tarfile.LNKTYPE),
    "device in a tar": _typed(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"\x80", b"D", b"M", b"V"),
    "sparse tar": _typed(tarfile.GNUTYPE_SPARSE),
    "tar that claims more bytes": _claiming,
    "tar with a long extended header": _extended,
    "tar with a damaged extended header": _records(
        *(b"0 path=x\n", b"99999999999999999999 path=x\n", b"-5 path=x\n", b"99 path=top\n", b"1" * 5000),
        *(b"14 size=-1000\n", b"30 size=1000000000000000000000\n", b"12 size=1e9\n"),
    ),
    "sparse tar by extended header": _records(b"22 GNU.sparse.major=1\n", b"27 GNU.sparse.map=0,1,2,99\n"),
    "chain of extended headers": _chain,
    "endless tar": _endless,
}


def _attributed(mode: int) -> Maker:
    return lambda packing, files, rng: _patched(_zipped(files, rng), _CENTRAL, 38, "<I", mode << 16)


def _patched(content: bytes, signature: bytes, offset: int, form: str, value: int, *, mask: int = 0) -> bytes:
    """Return a zip with a field of its first local header, or of its first in the directory, replaced or masked in."""
    changed = bytearray(content)
    place = changed.index(signature) + offset
    (old,) = struct.unpack_from(form, changed, place)
    struct.pack_into(form, changed, place, old | mask if mask else value)
    return bytes(changed)


def _encrypted(packing: str, files: Files, rng: random.Random) -> bytes:
    return _patched(_patched(_zipped(files, rng), _CENTRAL, 8, "<H", 0, mask=1), _LOCAL, 6, "<H", 0, mask=1)


def _lying(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a zip whose directory and local header differ in a member's sum, sizes or packing."""
    signature, shift = rng.choice(((_CENTRAL, 2), (_LOCAL, 0)))
    offset, form = rng.choice(((14, "<I"), (18, "<I"), (22, "<I"), (8, "<H")))
    return _patched(_zipped(files, rng), signature, offset + shift, form, rng.choice((7, 9, 2**15)))


def _lying_twice(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a zip whose both accounts claim the same wrong size of a member that is read."""
    content = _zipped({"top/a/0.png": bytes(999), **files}, rng)
    size = rng.choice((1, 998, 1000, 2**21))
    return _patched(_patched(content, _CENTRAL, 24, "<I", size), _LOCAL, 22, "<I", size)


def _renamed(packing: str, files: Files, rng: random.Random) -> bytes:
    content = bytearray(_zipped(files, rng))
    content[content.index(_LOCAL) + 30] ^= 1
    return bytes(content)


def _overlapping(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a zip in whose directory several names share one member's bytes, as those of bombs do."""
    content = _zipped({"top/a/1.png": bytes(30_000), "top/a/2.png": b"x"}, rng)
    first = content.index(_CENTRAL)
    second = content.index(_CENTRAL, first + 4)
    directory, end = content[first : content.index(b"PK\x05\x06")], bytearray(content[-22:])
    entry = content[first:second]
    for number in range(3, 3 + rng.choice((1, 50))):
        directory += entry.replace(b"1.png", b"%05d" % number)
    struct.pack_into("<HHI", end, 8, *(len(directory) // len(entry),) * 2, len(directory))
    return content[:first] + directory + bytes(end)


def _quoted(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a zip whose first member's bytes reach over the second, header and all."""
    content = _zipped({"top/a/1.txt": b"x" * 40, "top/a/2.png": b"x" * 40}, rng)
    first = content.index(_CENTRAL)
    size = content.index(_LOCAL, 4) + 20
    for place, offset in ((first, 20), (0, 18)):
        changed = bytearray(content)
        struct.pack_into("<II", changed, place + offset, size, size)
        content = bytes(changed)
    return content


def _directory(packing: str, files: Files, rng: random.Random) -> bytes:
    """Return a zip whose end record lies of its directory: the number of entries, the size or the place."""
    content = bytearray(_zipped(files, rng))
    offset, form = rng.choice(((12, "<I"), (16, "<I")))
    struct.pack_into(form, content, len(content) - 22 + offset, rng.choice((0, 1, 2**24, 2**31, 2**32 - 2)))
    return bytes(content)


def _method(packing: str, files: Files, rng: random.Random) -> bytes:
    kind = rng.choice((1, 9, 12, 14, 95, 99))
    return _patched(_patched(_zipped(files, rng), _CENTRAL, 10, "<H", kind), _LOCAL, 8, "<H", kind)


_HOSTILE_ZIP: dict[str, Maker] = {
    "link in a zip": _attributed(0o120777),
    "device in a zip": _attributed(0o020666),
    "encrypted zip": _encrypted,
    "zip whose accounts differ": _lying,
    "zip whose accounts lie alike": _lying_twice,
    "zip whose names differ": _renamed,
    "overlapping zip": _overlapping,
    "zip whose member reaches over the next": _quoted,
    "zip with a lying end": _directory,
    "zip packed otherwise": _method,
}
