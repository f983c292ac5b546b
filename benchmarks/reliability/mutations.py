"""From a sound file to a hostile one: changes of bytes, and of what lies under a checksum or a compression.

All draws come from one ``random.Random``, so a case's number gives its bytes again.
"""

import bz2
import functools
import gzip
import hashlib
import io
import json
import lzma
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

_LONGEST = 2**15
_BLOCK = 512

_NUMBERS = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 100, 127, 128, 255, 256, 511, 512, 1000, 4096, 16_383, 32_767, 32_768)
_LARGE = (65_535, 65_536, 10**6, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
_INTEGERS = (*_NUMBERS, *_LARGE, -1)

_TIFF_TAGS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 323, 330, 338, 339, 347, 34_665)

_TOKENS: dict[str, tuple[bytes, ...]] = {
    "png": tuple(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT zTXt iTXt iCCP eXIf gAMA".split()),
    "jpeg": (
        *(bytes([255, kind]) for kind in (*range(0xC0, 0xE3), 0xED, 0xEE, 0xFE)),
        *(b"Exif\0\0", b"Adobe", b"MPF\0", b"ICC_PROFILE\0"),
    ),
    "webp": (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"XMP ", b"RIFF"),
    "bmp": (b"BM", b"BITMAPINFOHEADER", *(struct.pack("<I", number) for number in (12, 124, 3))),
    "gif": (b"GIF89a", b"\x21\xf9\x04", b"\x21\xff\x0bNETSCAPE2.0", b"\x2c", b"\x3b", b"\x21\xfe"),
    "tiff": tuple(struct.pack("<HHI", tag, kind, 1) for tag in _TIFF_TAGS for kind in (3, 4)),
    "ppm": tuple(b"P1 P2 P3 P4 P5 P6 P7 Pf PF Py # 99999 65535 -1".split()),
    "csv": (
        *(b'"', b"\xef\xbb\xbf", b"\r", b"\0", b"label", b"file", b"\xe2\x80\xa8", b";", b"\t", b"-1", b"256", b"1e9"),
        *(b"../", b"9" * 5000, "²".encode(), "٣".encode(), b"\xed\xa0\x80"),
    ),
    "npz": (
        *(b"\x93NUMPY", b"'descr': '|O'", b"'<U0'", b"(4294967296,)", b"(-1,)"),
        *(b"True", b"'|V9'", b"((((", b"PK\x05\x06"),
    ),
    "idx": (b"\0\0\x08\x03", b"\0\0\x08\x01", b"\x1f\x8b\x08", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"),
    "archive": (
        *(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"../", b"\0" * 512, b"ustar\0"),
        *(b"x", b"g", b"L", b"S", b"30 path=top/x\n", b"22 GNU.sparse.major=1\n"),
    ),
    "model": tuple(b'__metadata__ handwriting_cnn data_offsets "F64" "BF16" NaN [[[[ 1e999 \\ud800'.split()),
}

Wrap = Callable[[bytes], bytes]


def mutated(name: str, content: bytes, *, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    """Return a seed's content after one to five changes, half of them beneath its checksums and compressions.

    Args:
        name: The seed's, which begins with its kind and ends in its format.
        content: The seed's.
        others: Contents of the kind's seeds, parts of which are put in.
        rng: Draws everything.
    """
    inner, wrap = _unwrapped(name, content, rng) if rng.random() < 0.5 else (content, bytes)
    tokens = _TOKENS[name.partition("-")[0]]
    changed = bytearray(inner)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        rng.choice(_CHANGES)(changed, rng, tokens, others)
        del changed[_LONGEST:]
    return wrap(bytes(changed))


def _flip(content: bytearray, rng: random.Random, *_: Any) -> None:
    if content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _set(content: bytearray, rng: random.Random, *_: Any) -> None:
    if content:
        content[rng.randrange(len(content))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))


def _integer(content: bytearray, rng: random.Random, *_: Any) -> None:
    size, order = rng.choice((1, 2, 2, 4, 4, 8)), rng.choice(("little", "big"))
    place = rng.randrange(len(content) + 1)
    value = rng.choice(_INTEGERS) % 256**size
    content[place : place + size] = value.to_bytes(size, order)


def _digits(content: bytearray, rng: random.Random, *_: Any) -> None:
    places = [place for place, byte in enumerate(content[:2000]) if 48 <= byte <= 57]
    if places:
        place = rng.choice(places)
        content[place : place + 1] = str(rng.choice(_INTEGERS)).encode()


def _token(content: bytearray, rng: random.Random, tokens: tuple[bytes, ...], _: Any) -> None:
    token, place = rng.choice(tokens), rng.randrange(len(content) + 1)
    content[place : place + rng.choice((0, len(token)))] = token


def _cut(content: bytearray, rng: random.Random, *_: Any) -> None:
    del content[rng.randrange(len(content) + 1) :]


def _drop(content: bytearray, rng: random.Random, *_: Any) -> None:
    place = rng.randrange(len(content) + 1)
    del content[place : place + _length(rng)]


def _double(content: bytearray, rng: random.Random, *_: Any) -> None:
    place = rng.randrange(len(content) + 1)
    content[place:place] = content[place : place + _length(rng)] * rng.choice((1, 1, 2, 50))


def _splice(content: bytearray, rng: random.Random, _: Any, others: tuple[bytes, ...]) -> None:
    other = rng.choice(others)
    place, start = rng.randrange(len(content) + 1), rng.randrange(len(other) + 1)
    content[place : place + rng.choice((0, 10**6, _length(rng)))] = other[
        start : start + rng.choice((10**6, _length(rng)))
    ]


_CHANGES = (_flip, _flip, _set, _set, _integer, _integer, _digits, _token, _cut, _drop, _double, _splice)


def _length(rng: random.Random) -> int:
    return rng.choice((1, 2, 4, 8, 12, 32, 512))


def _unwrapped(name: str, content: bytes, rng: random.Random) -> tuple[bytes, Wrap]:
    """Return what lies beneath a file's checksums and compressions, and what puts it under them again."""
    if name.endswith(".png"):
        return (content, with_png_checksums) if rng.random() < 0.7 else _png_pixels(content)
    if name.endswith(".npz"):
        return _npz_array(content, rng)
    if name.endswith(".safetensors"):
        return content, functools.partial(signed, rng=rng)
    tar: Wrap = with_tar_checksums if ".tar" in name else bytes
    for suffix, unpack, pack in (
        (".gz", gzip.decompress, functools.partial(gzip.compress, compresslevel=1, mtime=0)),
        (".bz2", bz2.decompress, functools.partial(bz2.compress, compresslevel=1)),
        (".xz", lzma.decompress, functools.partial(lzma.compress, preset=0)),
    ):
        if name.endswith(suffix):
            return unpack(content), lambda inner, pack=pack: pack(tar(inner))
    return content, tar


def with_png_checksums(content: bytes) -> bytes:
    place, fixed = 8, bytearray(content)
    while place + 12 <= len(fixed):
        length = int.from_bytes(fixed[place : place + 4], "big")
        end = place + 8 + length
        fixed[end : end + 4] = zlib.crc32(fixed[place + 4 : end]).to_bytes(4, "big") if end + 4 <= len(fixed) else b""
        place = end + 4
    return bytes(fixed)


def _png_pixels(content: bytes) -> tuple[bytes, Wrap]:
    start = content.index(b"IDAT")
    length = int.from_bytes(content[start - 4 : start], "big")

    def wrap(pixels: bytes) -> bytes:
        packed = zlib.compress(pixels, 1)
        chunk = len(packed).to_bytes(4, "big") + b"IDAT" + packed + bytes(4)
        return with_png_checksums(content[: start - 4] + chunk + content[start + length + 8 :])

    return zlib.decompress(content[start + 4 : start + 4 + length]), wrap


def _npz_array(content: bytes, rng: random.Random) -> tuple[bytes, Wrap]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        arrays = {name: archive.read(name) for name in archive.namelist()}
    chosen = rng.choice(sorted(arrays))

    def wrap(array: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, held in {**arrays, chosen: array}.items():
                archive.writestr(zipfile.ZipInfo(name), held)
        return file.getvalue()

    return arrays[chosen], wrap


def with_tar_checksums(content: bytes) -> bytes:
    fixed = bytearray(content)
    for start in range(0, len(fixed) - _BLOCK + 1, _BLOCK):
        block = fixed[start : start + _BLOCK]
        if block[257:262] == b"ustar":
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            fixed[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(fixed)


# ---- Model files: JSON within JSON, under a digest


def signed(content: bytes, *, rng: random.Random, parts: tuple[str, ...] = ()) -> bytes:
    """Return a model file after a change of its header's values, under a right digest; other bytes are given back.

    Args:
        content: The file's.
        rng: Draws the change.
        parts: The header's parts of which one is changed; ``()`` changes any value.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        outer = json.loads(content[8 : 8 + length])
        header = json.loads(outer["__metadata__"]["handwriting_cnn"])
        tensors = content[8 + length :]
        part = rng.choice(parts or tuple(header))
        header[part] = _changed_value(header[part], rng)
        header["sha256"] = _digest(header, outer, tensors)
        outer["__metadata__"]["handwriting_cnn"] = _canonical(header)
        text = json.dumps(outer, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return content
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + tensors


def _digest(header: dict[str, Any], outer: dict[str, Any], tensors: bytes) -> str:
    header = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(_canonical(header).encode())
    for name in sorted(set(outer) - {"__metadata__"}):
        start, end = outer[name]["data_offsets"]
        kind = {"F32": "float32", "F16": "float16", "I64": "int64", "U32": "uint32"}[outer[name]["dtype"]]
        digest.update(_canonical([name, kind, outer[name]["shape"]]).encode())
        digest.update(tensors[start:end])
    return digest.hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _changed_value(value: Any, rng: random.Random) -> Any:
    """Return JSON values with one of them replaced, somewhere."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {key: held for key, held in value.items() if key != name}
        if rng.random() < 0.1:
            return {**value, rng.choice(("seed", "base", "name", "width", "input_shape", "x" * 300)): _drawn(rng)}
        return {**value, name: _changed_value(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], _changed_value(value[place], rng), *value[place + 1 :]]
    if isinstance(value, list) and rng.random() < 0.3:
        return value * rng.choice((0, 2, 1000))
    return _drawn(rng)


def _drawn(rng: random.Random) -> Any:
    draws: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(_INTEGERS),
        lambda: rng.choice((0.0, -0.0, 0.5, 1e308, -1e308, 5e-324, 3.0)),
        lambda: rng.choice((None, True, False)),
        lambda: rng.choice(("", " ", "conv", "cnn3", "vgg16", "transfer", "relu", "\0", "é", "é", "x" * 5000)),
        list,
        dict,
        lambda: [rng.choice(_INTEGERS)] * rng.choice((1, 3, 2000)),
        lambda: _nested(rng.choice((3, 10, 400))),
        lambda: [chr(0x4E00 + place) for place in range(rng.choice((2, 5000)))],
    )
    return rng.choice(draws)()


def _nested(depth: int) -> Any:
    value: Any = {"name": "cnn3", "options": {"input_shape": [16, 16, 1], "num_classes": 3}}
    for _ in range(depth):
        value = {"name": "transfer", "options": {"input_shape": [16, 16, 1], "num_classes": 3, "base": value}}
    return value
