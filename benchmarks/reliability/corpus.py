"""Make the seeds of the fuzzer, tests/corpus/: small files of every format that is read, of strokes of our own.

    python benchmarks/reliability/corpus.py

A file's name begins with its kind. One that is sound but has to be refused has ``refused`` in its name.
"""

import csv
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

CORPUS = Path(__file__).parents[2] / "tests" / "corpus"
_DATE = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    CORPUS.mkdir(exist_ok=True)
    for name, content in (*pictures(), *tables(), *arrays(), *archives(), *models()):
        (CORPUS / name).write_bytes(content)
        print(f"{len(content):6,} bytes {name}")


def stroke(number: int, side: int = 12) -> Image.Image:
    """Return dark ink on light paper: a bow, a bar or a hook."""
    image = Image.new("L", (side, side), 240)
    pen, far = ImageDraw.Draw(image), side - 3
    if number % 3 == 0:
        pen.arc((2, 2, far, far), 30, 300, fill=20, width=2)
    elif number % 3 == 1:
        pen.line((2, far, far, 2), fill=20, width=2)
    else:
        pen.line((2, 2, 2, far, far, far), fill=20, width=2)
    return image


def pictures() -> Iterator[tuple[str, bytes]]:
    grey = stroke(0)
    colours, clear = grey.convert("RGB"), grey.convert("RGBA")
    clear.putalpha(stroke(1))
    wide = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    levels = Image.fromarray(np.asarray(grey, np.float32) / 255)
    turned = Image.Exif()
    turned[0x0112] = 6
    few = colours.quantize(4)
    for name, image, form, options in (
        ("png-grey.png", grey, "PNG", {}),
        ("png-clear-turned.png", clear, "PNG", {"exif": turned}),
        ("png-wide.png", wide, "PNG", {}),
        ("png-palette.png", few, "PNG", {"transparency": 0}),
        ("png-bits.png", grey.convert("1"), "PNG", {}),
        ("jpeg-colours.jpg", colours, "JPEG", {"quality": 40, "exif": turned}),
        ("jpeg-progressive.jpg", colours, "JPEG", {"quality": 40, "progressive": True}),
        ("jpeg-cmyk.jpg", colours.convert("CMYK"), "JPEG", {"quality": 40}),
        ("webp-lossy.webp", colours, "WEBP", {}),
        ("webp-clear.webp", clear, "WEBP", {"lossless": True}),
        ("webp-frames.webp", colours, "WEBP", {"save_all": True, "append_images": [stroke(1).convert("RGB")]}),
        ("bmp-grey.bmp", grey, "BMP", {}),
        ("bmp-colours.bmp", colours, "BMP", {}),
        ("gif-frames.gif", few, "GIF", {"save_all": True, "append_images": [stroke(2)]}),
        ("tiff-raw.tif", grey, "TIFF", {}),
        ("tiff-turned.tif", clear, "TIFF", {"compression": "tiff_lzw", "exif": turned}),
        ("tiff-deflate.tif", wide, "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("tiff-levels.tif", levels, "TIFF", {}),
        ("tiff-fax.tif", grey.convert("1"), "TIFF", {"compression": "group4"}),
        ("tiff-jpeg.tif", colours, "TIFF", {"compression": "jpeg"}),
        ("ppm-grey.pgm", grey, "PPM", {}),
        ("ppm-colours.ppm", colours, "PPM", {}),
    ):
        file = io.BytesIO()
        image.save(file, form, **options)
        yield name, file.getvalue()
    yield "ppm-plain.pgm", b"P2\n# ink\n4 3\n255\n" + b" ".join(b"%d" % (20 * place) for place in range(12))
    yield "bmp-runs.bmp", _bmp_of_runs()
    file = io.BytesIO()
    Image.new("RGBA", (6000, 6000)).save(file, "WEBP", lossless=True, method=0)
    yield "webp-refused-of-one-colour.webp", file.getvalue()


def _bmp_of_runs() -> bytes:
    pixels = b"\x04\x00\x04\x01\x00\x00" * 4 + b"\x00\x01"
    palette = b"\x60\x20\x10\x00\xff\xff\xff\x00"  # blue ink: of greys Pillow 12 reads no runs
    start = 14 + 40 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    return header + struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(pixels), 0, 0, 2, 0) + palette + pixels


def tables() -> Iterator[tuple[str, bytes]]:
    pixels = [np.asarray(stroke(number, 6)).ravel().tolist() for number in range(6)]
    letters = "abcabc"
    headings = ["label", *(f"pixel{place}" for place in range(36))]
    rows = [[letter, *row] for letter, row in zip(letters, pixels, strict=True)]
    yield "csv-kaggle.csv", _table([headings, *rows])
    yield "csv-bare.csv", _table([[number % 3, *row] for number, row in enumerate(pixels)], ";")
    yield "csv-labels.csv", _table([["label"], *([number % 3 + 1] for number in range(6))])
    yield "csv-files.csv", _table([["file", "character"], *([f"ink{place}.png", "بتث"[place]] for place in range(3))])


def _table(rows: list[list[object]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def arrays() -> Iterator[tuple[str, bytes]]:
    pixels = np.stack([np.asarray(stroke(number, 8)) for number in range(6)])
    labels = np.arange(6, dtype=np.uint8) % 3
    for name, held in (
        ("npz-numbers.npz", {"x_train": pixels, "y_train": labels}),
        ("npz-texts.npz", {"images": pixels[..., np.newaxis], "labels": np.array(["а", "б", "в"] * 2)}),
    ):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, array in held.items():
                inner = io.BytesIO()
                np.lib.format.write_array(inner, array, allow_pickle=False)
                archive.writestr(_dated(f"{key}.npy"), inner.getvalue())
        yield name, file.getvalue()
    for what, array in (("images", pixels), ("labels", labels)):
        content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
        yield f"idx-{what}.idx", content
        yield f"idx-{what}.idx.gz", gzip.compress(content, mtime=0)


def archives() -> Iterator[tuple[str, bytes]]:
    file = io.BytesIO()
    stroke(0).save(file, "PNG")
    files = {"top/a/1.png": file.getvalue(), f"top/{'long' * 30}/ب.png": b"ink" * 20, "top/notes.txt": b"text"}
    for form, kind in ((tarfile.PAX_FORMAT, "pax"), (tarfile.GNU_FORMAT, "gnu")):
        for suffix in ("", ".gz", ".bz2", ".xz"):
            file = io.BytesIO()
            with tarfile.open(fileobj=file, mode=f"w:{suffix[1:]}", format=form) as archive:
                for name, content in files.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            packed = bytearray(file.getvalue())
            if suffix == ".gz":
                packed[4:8] = bytes(4)  # the time
            if suffix or kind == "gnu":
                yield f"archive-{kind}.tar{suffix}", bytes(packed)
    for packing, kind in ((zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated")):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", packing) as zipped:
            for name, content in files.items():
                zipped.writestr(_dated(name), content, packing)
        yield f"archive-{kind}.zip", file.getvalue()


def _dated(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def models() -> Iterator[tuple[str, bytes]]:
    import tempfile

    import handwriting_cnn as hw
    from handwriting_cnn.artifact.model_file import SavedModel

    card = {"data": {"name": "strokes"}, "metrics": {"accuracy": 0.5}, "licence": "MIT", "versions": {}}
    small: dict[str, Any] = {"input_shape": (16, 16, 1), "num_classes": 3, "seed": 0}
    plain = hw.build_model("cnn14", width=1, **small)
    for name, model in (
        ("model-cnn14.safetensors", plain),
        ("model-glyphnet.safetensors", hw.build_model("glyphnet", width=1, **small)),
        ("model-transfer.safetensors", hw.transfer(plain, num_classes=3, head="linear", adapter="conv", seed=0)),
    ):
        saved = SavedModel(
            model=model, alphabet=hw.Alphabet.of("ابج"), preprocessing=hw.PreprocessSpec(height=16, width=16), card=card
        )
        with tempfile.TemporaryDirectory() as folder:
            yield name, saved.save(Path(folder) / name).read_bytes()


if __name__ == "__main__":
    main()
