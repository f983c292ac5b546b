"""Decoding pictures of any kind to grey pixels."""

import io
import warnings
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from handwriting_cnn.errors import DataError, ImageDecodeError

GreyImage: TypeAlias = npt.NDArray[np.uint8]
"""One grey picture as it was photographed or drawn, uint8 of shape ``(height, width)``."""

ImageSource: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[Any]
"""A path, an encoded file's bytes, an open file, a PIL image, or an array of pixels."""

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MAX_PIXELS: Final = 40_000_000


def decode_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> GreyImage:
    """Decode a picture to grey.

    Colour becomes luma (ITU-R BT.601), transparency lies on white paper, a camera's orientation is applied, 16 bits
    become 8, and of several pages or frames the first is taken.

    Args:
        source: A path, bytes, open file or PIL image of a format in :data:`FORMATS`; or an array, uint8 or bool of
            shape ``(height, width)`` or ``(height, width, channels)`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
        max_pixels: Largest picture, decided before its pixels are decoded.

    Returns:
        uint8 of shape ``(height, width)``.

    Raises:
        ImageDecodeError: If it is no picture of these formats, is damaged, or is larger than allowed.
        DataError: If an array has another form.
    """
    if isinstance(source, np.ndarray):
        return _to_grey(_from_array(source, max_pixels))
    if isinstance(source, Image.Image):
        _check_pixels("the picture", source.size, max_pixels)
        return _to_grey(source)
    if isinstance(source, str | PathLike):
        name = str(Path(source))
        try:
            data: BinaryIO = io.BytesIO(Path(source).read_bytes())
        except OSError as error:
            raise ImageDecodeError(f"{name} cannot be read: {error.strerror or error}") from None
    else:
        name = "the picture"
        data = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(data, formats=FORMATS) as image:
                _check_pixels(name, image.size, max_pixels)
                return _to_grey(image)
    except ImageDecodeError:
        raise
    except UnidentifiedImageError:
        raise ImageDecodeError(f"{name} is no picture of a format that is read ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombWarning:
        raise ImageDecodeError(f"{name} is larger than the {max_pixels:,} pixels that are allowed") from None
    except Exception as error:
        # Decoders meet hostile bytes with errors of many kinds: each means a damaged file.
        raise ImageDecodeError(f"{name} is a damaged picture: {error}") from None


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
            "an array of pixels must be uint8 of shape (height, width) or (height, width, 1, 3 or 4), "
            f"but is {array.dtype} of {array.shape}"
        )
    _check_pixels("the array", (array.shape[1], array.shape[0]), max_pixels)
    return Image.fromarray(np.ascontiguousarray(array))


def _to_grey(image: Image.Image) -> GreyImage:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        values = np.asarray(image, np.float64)
        top = 65_535 if image.mode != "F" else 1.0  # Pillow opens 16-bit files as I;16 or I
        return np.clip(np.rint(values / top * 255), 0, 255).astype(np.uint8)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        paper = Image.new("RGBA", colours.size, "white")
        image = Image.alpha_composite(paper, colours)
    return np.array(image.convert("RGB").convert("L") if image.mode not in {"L", "1"} else image.convert("L"))
