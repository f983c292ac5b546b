"""How large a picture may be, and that it is decoded in bands as it would be in one piece."""

import io
import math
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from handwriting_cnn.errors import ImageDecodeError
from handwriting_cnn.imaging import decode
from handwriting_cnn.imaging.decode import decode_colours, decode_image

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


def encoded(image, form, **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_every_orientation_is_pillows(mode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(RAMP).convert(mode), "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(decode_image(data), np.asarray(upright.convert("RGB").convert("L")))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16", "F"])
def test_a_picture_of_many_bands_is_the_same_as_one_of_one(monkeypatch, mode):
    ramp = RAMP / np.float32(255) if mode == "F" else RAMP.astype(np.uint16) * 257 if mode == "I;16" else RAMP
    image = Image.fromarray(ramp) if mode in {"F", "I;16"} else Image.fromarray(ramp).convert(mode)
    data = encoded(image, "TIFF")
    grey, colours = decode_image(data), decode_colours(data)
    monkeypatch.setattr(decode, "_BAND_PIXELS", 50)
    np.testing.assert_array_equal(decode_image(data), grey)
    np.testing.assert_array_equal(decode_colours(data), colours)


@pytest.mark.parametrize(
    ("form", "mode", "options", "share"),
    [
        ("PNG", "L", {}, 1),
        ("PNG", "L", {"transparency": 0}, 7 / 8),
        ("PNG", "P", {}, 7 / 8),
        ("PNG", "RGB", {}, 7 / 8),
        ("WEBP", "RGB", {"lossless": True}, 1 / 3),
        ("JPEG", "L", {}, 1),
        ("JPEG", "RGB", {}, 7 / 8),
        ("JPEG", "RGB", {"progressive": True}, 3 / 5),
        ("TIFF", "1", {"compression": "group4"}, 1),
        ("TIFF", "RGB", {}, 3 / 4),
    ],
)
def test_fewer_pixels_where_one_needs_more_memory(form, mode, options, share):
    side = 100
    data = encoded(Image.new(mode, (side, side)), form, **options)
    most = round(side**2 / share)
    assert decode_colours(data, max_pixels=most + 1).shape[:2] == (side, side)
    with pytest.raises(ImageDecodeError, match=r"100x100 pixels; 1 to 9,9\d\d are allowed"):
        decode_colours(data, max_pixels=most - 10)


@pytest.mark.parametrize(("channels", "share"), [((), 1), ((1,), 1), ((3,), 7 / 8), ((4,), 7 / 8)])
def test_fewer_pixels_of_arrays_in_colours(channels, share):
    array = np.zeros((100, 100, *channels), np.uint8)
    most = round(100**2 / share)
    assert decode_colours(array, max_pixels=most + 1).shape[:2] == (100, 100)
    with pytest.raises(ImageDecodeError, match=r"the array has 100x100 pixels; 1 to 9,9\d\d are allowed"):
        decode_colours(array, max_pixels=most - 10)


def test_pillows_own_limit_is_named_where_it_is_lower(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    data = encoded(Image.new("L", (20, 10)), "PNG")
    with pytest.raises(ImageDecodeError, match="the picture is too large: 1 to 100 pixels are allowed"):
        decode_image(data, max_pixels=1000)


def test_what_pillow_decodes_in_python_is_small():
    plain = b"P2\n%d 1000\n255\n"
    with pytest.raises(ImageDecodeError, match="500x1000 pixels; 1 to 416,666 are allowed"):
        decode_image(plain % 500)
    assert decode_image(plain % 4 + b"9 " * 4000).shape == (1000, 4)
    size = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 62)
    runs = size + struct.pack("<IiiHHIIiiII", 40, 2**23, 4, 1, 8, 1, 0, 0, 0, 2, 0) + bytes(8) + b"\0\0" * 9
    with pytest.raises(ImageDecodeError, match="8388608x4 pixels; 1 to 1,666,666 are allowed"):
        decode_image(runs)


def test_a_jpeg_of_endless_scans_is_refused_before_they_are_gone_through(monkeypatch):
    data = encoded(Image.fromarray(RAMP), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    assert decode_image(data[:-2] + last * 9 + data[-2:]).shape == RAMP.shape
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageDecodeError, match=r"no usual JPEG: it has \d+ scans, more than 40"):
        decode_image(data[:-2] + last * 50 + data[-2:])


LARGEST = """
import io, sys
from pathlib import Path
from PIL import Image
from handwriting_cnn.imaging.decode import decode_colours, decode_image

def memory(name):
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) // 1024

data = Path(sys.argv[1]).read_bytes()
decode_colours(Path(sys.argv[2]).read_bytes())
before = memory("VmRSS")
decode_colours(data)
decode_image(data)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("form", "mode", "share", "options"),
    [
        ("PNG", "L", 1, {"compress_level": 1}),
        ("PNG", "RGBA", 7 / 8, {"compress_level": 1}),
        ("PNG", "P", 7 / 8, {"compress_level": 1}),
        ("WEBP", "RGBA", 1 / 3, {"lossless": True, "method": 0}),
        ("JPEG", "RGB", 3 / 5, {"progressive": True, "subsampling": 0}),
        ("TIFF", "1", 1, {"compression": "group4"}),
        ("TIFF", "L", 1, {"compression": "tiff_deflate", "one_strip": True}),
        ("TIFF", "RGBA", 3 / 4, {"compression": "tiff_deflate", "one_strip": True}),
    ],
)
def test_the_largest_picture_fits_a_quarter_of_a_gigabyte(tmp_path, form, mode, share, options):
    side = math.isqrt(int(decode.MAX_PIXELS * share))
    small = Image.new(mode, (9, 9))
    if options.pop("one_strip", False):
        options = {**options, "tiffinfo": {278: side}}
    for name, image in (("large", Image.new(mode, (side, side))), ("small", small)):
        image.save(tmp_path / name, form, **options)
    paths = [tmp_path / "large", tmp_path / "small"]
    done = subprocess.run([sys.executable, "-c", LARGEST, *paths], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 256
