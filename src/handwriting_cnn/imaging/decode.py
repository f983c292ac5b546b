"""Decoding pictures of any kind to grey pixels."""

import io
import stat
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from os import PathLike, fspath
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
    return _decoded(source, max_pixels, lambda image: np.array(image.convert("L")))


def decode_colours(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Decode a picture to RGB, or to grey if it has no colours.

    Transparency lies on white paper, a camera's orientation (EXIF) is applied,
    16 bits become 8, floats 0..1 become 0..255, and of several pages or frames the first is taken.

    Args:
        source: A path, bytes, open file or PIL image of a format in :data:`FORMATS`; or an array, uint8 or bool of
            shape ``(height, width)`` or ``(height, width, channels)`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
        max_pixels: Largest picture, decided before its pixels are decoded.

    Returns:
        uint8 of shape ``(height, width, 3)`` or ``(height, width)``.

    Raises:
        ImageDecodeError: If it is no picture of these formats, is damaged, or is larger than allowed.
        DataError: If an array has another form.
    """
    return _decoded(source, max_pixels, np.array)


def _decoded(source: ImageSource, max_pixels: int, finish: Callable[[Image.Image], Any]) -> Any:
    if isinstance(source, np.ndarray):
        return finish(_flattened("the array", _from_array(source, max_pixels)))
    name = _name(source)
    try:
        # Pillow warns of damaged metadata, which matters to no pixel, and of sizes, which are checked here.
        with warnings.catch_warnings(action="ignore"), _opened(source) as image:
            _check_pixels(name, image.size, max_pixels)
            return finish(_flattened(name, image))
    except DataError:
        raise
    except UnidentifiedImageError:
        raise ImageDecodeError(f"{name} is no picture of a format that is read ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise ImageDecodeError(f"{name} is too large: 1 to {max_pixels:,} pixels are allowed") from None
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
    _check_pixels("the array", (array.shape[1], array.shape[0]), max_pixels)
    return Image.fromarray(np.ascontiguousarray(array))


def _flattened(name: str, image: Image.Image) -> Image.Image:
    """Return an image in mode L or RGB."""
    image = ImageOps.exif_transpose(image)
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
