"""Decoding pictures of any kind to grey pixels."""

import io
import re
import stat
import warnings
from contextlib import AbstractContextManager, nullcontext
from os import PathLike, fspath
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from handwriting_cnn.errors import DataError, ImageDecodeError

GreyImage: TypeAlias = npt.NDArray[np.uint8]
"""One grey picture as it was photographed or drawn, uint8 of shape ``(height, width)``."""

ImageSource: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[Any]
"""A path, an encoded file's bytes, an open file, a PIL image, or an array of pixels."""

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MAX_PIXELS: Final = 40_000_000
"""Pixels of the largest grey picture; a colour picture of a quarter of a gigabyte has seven eighths of them."""

_BAND_PIXELS: Final = 2**18
_MOST_SCANS: Final = 40  # of a JPEG: each goes over all pixels, and may be of a few bytes; usual are 10
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)  # of a JPEG, but for those inside a scan
_SCAN, _END = b"\xda", b"\xd9"
_ORIENTATION: Final = 0x0112  # EXIF's tag

# Shares of the most pixels, by the bytes that a pixel takes at worst, measured: the decoder's and the result's.
_GREY: Final = 1.0  # 3 bytes
_COLOURS: Final = 7 / 8  # 7 bytes
_TIFF_COLOURS: Final = 3 / 4  # 8 bytes
_PROGRESSIVE: Final = 3 / 5  # 10 bytes
_WEBP: Final = 1 / 3  # 18 bytes
_SLOW_DECODERS: Final = {"bmp_rle": 1 / 24, "ppm_plain": 1 / 96}  # Pillow decodes them in Python, pixel by pixel


def decode_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> GreyImage:
    """Decode a picture to grey: colour becomes luma (ITU-R BT.601). See :func:`decode_colours`.

    Args:
        source: As there.
        max_pixels: As there.

    Returns:
        uint8 of shape ``(height, width)``.

    Raises:
        ImageDecodeError: As there.
        DataError: As there.
    """
    return _decoded(source, max_pixels, grey=True)


def decode_colours(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Decode a picture to RGB, or to grey if it has no colours.

    Transparency lies on white paper, a camera's orientation (EXIF) is applied,
    16 bits become 8, floats 0..1 become 0..255, and of several pages or frames the first is taken.

    Args:
        source: A path, bytes, open file or PIL image of a format in :data:`FORMATS`; or an array, uint8 or bool of
            shape ``(height, width)`` or ``(height, width, channels)`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
        max_pixels: Largest picture, decided before its pixels are decoded. This many are allowed in grey and in black
            and white. Colours and transparency need more memory a pixel, some decoders more still, and some are slow:
            seven eighths are allowed in colours, three quarters in a TIFF of colours, three fifths in a JPEG of several
            scans (progressive), a third in WebP, a 24th in a BMP of runs, a 96th in a PPM of digits.

    Returns:
        uint8 of shape ``(height, width, 3)`` or ``(height, width)``.

    Raises:
        ImageDecodeError: If it is no picture of these formats, is damaged, or is larger than allowed.
        DataError: If an array has another form.
    """
    return _decoded(source, max_pixels, grey=False)


def _decoded(source: ImageSource, max_pixels: int, *, grey: bool) -> npt.NDArray[np.uint8]:
    if isinstance(source, np.ndarray):
        return _pixels("the array", _from_array(source, max_pixels), grey=grey)
    name = _name(source)
    try:
        # Pillow warns of damaged metadata, which matters to no pixel, and of sizes, which are checked here.
        with warnings.catch_warnings(action="ignore"), _opened(source) as image:
            _check_pixels(name, image.size, int(max_pixels * _share(name, image)))
            image.load()
            orientation = image.getexif().get(_ORIENTATION)
            pixels = _pixels(name, image, grey=grey)
        return _upright(pixels, orientation)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise ImageDecodeError(f"{name} is no picture of a format that is read ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:  # by Pillow's own limit, before ours is looked at
        most = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or max_pixels))
        raise ImageDecodeError(f"{name} is too large: 1 to {most:,} pixels are allowed") from None
    except Exception as error:  # noqa: BLE001
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageDecodeError(f"{name} cannot be read: {error.strerror}") from None
        # Decoders meet hostile bytes with errors of many kinds: each means a damaged file.
        raise ImageDecodeError(f"{name} is a damaged picture: {error}") from None


def _name(source: Any) -> str:
    path = source if isinstance(source, str | PathLike) else getattr(source, "name", None)
    return str(fspath(path)) if isinstance(path, str | PathLike) else "the picture"


def _opened(source: Any) -> AbstractContextManager[Image.Image]:
    if isinstance(source, Image.Image):
        return nullcontext(source)
    if isinstance(source, bytes | bytearray | memoryview):
        source = io.BytesIO(source)
    elif isinstance(source, str | PathLike):
        if not stat.S_ISREG(Path(source).stat().st_mode):
            raise ImageDecodeError(
                f"{_name(source)} cannot be read: it is no regular file"
            )  # a pipe would be waited for
    elif not hasattr(source, "read"):
        raise DataError(
            "a picture must be a path, bytes, an open file, a PIL image or an array, "
            f"but is {type(source).__module__}.{type(source).__qualname__}"
        )
    return Image.open(source, formats=FORMATS)


def _share(name: str, image: Image.Image) -> float:
    """Return how many of the most pixels an opened picture may have."""
    if image.format == "WEBP":
        return _WEBP
    for tile in getattr(image, "tile", ()):
        if tile[0] in _SLOW_DECODERS:
            return _SLOW_DECODERS[tile[0]]
    scans = _count_scans(image) if image.format in {"JPEG", "MPO"} else 0
    if scans > _MOST_SCANS:
        raise ImageDecodeError(f"{name} is no usual JPEG: it has {scans:,} scans, more than {_MOST_SCANS}")
    if scans > 1:
        return _PROGRESSIVE
    if image.mode in {"1", "L"} and not image.has_transparency_data:
        return _GREY
    return _TIFF_COLOURS if image.format == "TIFF" and image.mode != "P" else _COLOURS


def _count_scans(image: Image.Image) -> int:
    file = getattr(image, "fp", None)
    if file is None:
        return 0  # decoded already
    place = file.tell()  # in or behind the header of the first scan
    content = file.read()
    file.seek(place)
    scans, reached = 1, 0
    while marker := _MARKER.search(content, reached):
        kind, reached = marker[1], marker.end()
        if kind == _END:  # what follows is no part of the picture: some phones put a film there
            break
        scans += kind == _SCAN
        reached += int.from_bytes(content[reached : reached + 2], "big")
    return scans


def _check_pixels(name: str, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or width * height == 0:
        raise ImageDecodeError(f"{name} has {width}x{height} pixels; 1 to {max_pixels:,} are allowed")


def _from_array(array: npt.NDArray[Any], max_pixels: int) -> Image.Image:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in {3, 4})):
        raise DataError(
            "an array of pixels must be uint8 or bool of shape (height, width) or (height, width, 1, 3 or 4), "
            f"but is {array.dtype} of {array.shape}"
        )
    share = _GREY if array.ndim == 2 else _COLOURS
    _check_pixels("the array", (array.shape[1], array.shape[0]), int(max_pixels * share))
    return Image.fromarray(np.ascontiguousarray(array))


def _pixels(name: str, image: Image.Image, *, grey: bool) -> npt.NDArray[np.uint8]:
    """Return an image's pixels, converted in bands of rows: a second image of its size would double the memory."""
    width, height = image.size
    rows = max(_BAND_PIXELS // width, 1)
    whole = np.empty(0, np.uint8)
    for top in range(0, height, rows):
        band = _flattened(name, image.crop((0, top, width, min(top + rows, height))))
        pixels = np.asarray(band.convert("L") if grey else band)
        if not top:
            whole = np.empty((height, *pixels.shape[1:]), np.uint8)
        whole[top : top + rows] = pixels
    return whole


def _upright(pixels: npt.NDArray[np.uint8], orientation: object) -> npt.NDArray[np.uint8]:
    """Return pixels as a camera that was held so saw them, by EXIF's eight orientations."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _flattened(name: str, image: Image.Image) -> Image.Image:
    """Return an image in mode L or RGB."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image).astype(np.float32)
        top = 1 if image.mode == "F" else 65_535  # Pillow opens 16-bit files as I;16 or I
        if not ((values >= 0) & (values <= top)).all():
            raise ImageDecodeError(f"{name} has pixels outside 0..{top}")
        return Image.fromarray(np.rint(values * np.float32(255 / top)).astype(np.uint8))
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    # Not every mode becomes grey in one step.
    return image.convert("L" if image.mode in {"L", "1"} else "RGB")
