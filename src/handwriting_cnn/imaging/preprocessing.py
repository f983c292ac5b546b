"""From a grey picture to the network's square."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from handwriting_cnn.errors import ConfigError, DataError, UnknownNameError
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.types import ImageArray

Polarity: TypeAlias = Literal["auto", "dark-on-light", "light-on-dark"]
Background: TypeAlias = Literal["subtract", "keep"]
_Levels: TypeAlias = npt.NDArray[np.float32]

_CHOICES: Final = {"polarity": Polarity, "background": Background}
_BLANK: Final = 32  # grey levels: less contrast than this is paper's texture, not ink
_TEXTURE: Final = 3 * 1.4826  # of the median absolute deviation: three standard deviations of a normal spread
_INK: Final = 64  # a level, of 255, that counts as ink when the picture is cropped
_BAND_PIXELS: Final = 2**20
_GAIN: Final = 8  # most that levels are raised after shrinking: a speck of dust must not become a letter


@dataclass(frozen=True, kw_only=True)
class PreprocessSpec:
    """How a picture becomes the network's square; travels with data sets and models.

    Attributes:
        height: Pixels of the result, 1..4096.
        width: Pixels of the result, 1..4096.
        polarity: ``"dark-on-light"`` is turned over, ``"light-on-dark"`` is not, and ``"auto"`` decides by the median
            of the picture's border: above 127 it is light paper.
        background: ``"subtract"`` makes the paper and its texture 0 and the ink's top 255; see :func:`preprocess`.
            ``"keep"`` leaves the levels as they are.
        crop: Whether to cut to the ink's box before scaling.
        margin: Share of the square that stays paper on each side, 0 up to 0.45.

    Raises:
        ConfigError: If a number is outside its range, or ``crop`` is neither true nor false.
        UnknownNameError: If ``polarity`` or ``background`` is none of the above.
    """

    height: int = 32
    width: int = 32
    polarity: Polarity = "auto"
    background: Background = "subtract"
    crop: bool = False
    margin: float = 0.0

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 4096:
                raise ConfigError(f"{name} must be an int in 1..4096, but is {value!r}")
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                raise UnknownNameError(name, str(getattr(self, name)), get_args(kind))
        if type(self.crop) is not bool:
            raise ConfigError(f"crop must be true or false, but is {self.crop!r}")
        if isinstance(self.margin, bool) or not isinstance(self.margin, int | float) or not 0 <= self.margin <= 0.45:
            raise ConfigError(f"margin must be a number in 0..0.45, but is {self.margin!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the spec as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PreprocessSpec":
        """Make a spec from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a setting does not exist, or ``polarity`` or ``background`` is none.
            ConfigError: If another setting is outside its range.
        """
        UnknownNameError.check("preprocessing setting", values, known=(item.name for item in fields(cls)))
        return cls(**values)


def preprocess(image: GreyImage, spec: PreprocessSpec) -> ImageArray:
    """Turn a grey picture into the network's square: bright ink on paper of 0.

    1. Polarity: dark ink on light paper is turned over.
    2. Background, if it is subtracted: the paper's level, the median of the border, becomes 0, and so does its texture
       and shade, three standard deviations of the border (estimated from its median absolute deviation; at most half
       of the contrast); the ink's top becomes 255. A picture with less contrast than 32 levels is a blank, all 0.
    3. Crop, if wanted, to the box of all that has at least a quarter of the ink's contrast.
    4. Scaling with its aspect kept, weighted by area when it shrinks and bilinear when it grows; paper around it,
       centred.
    5. Levels, if the background is subtracted: what shrinking made faint is raised to 255, by a factor of at most 8.

    A picture that has the network's form already (its size, light on a border whose median is 0; no crop, no margin)
    is not changed, so to do this twice is to do it once.

    Args:
        image: uint8 of shape ``(height, width)``, as :func:`~handwriting_cnn.imaging.decode.decode_image` returns it.
        spec: The rules.

    Returns:
        uint8 of shape ``(spec.height, spec.width, 1)``, not a view of the picture.

    Raises:
        DataError: If the picture has another type or shape, or no pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 2 or image.size == 0:
        raise DataError(f"a grey picture must be uint8 of shape (height, width), but is {image.dtype} of {image.shape}")
    paper, texture = _paper(image)
    turned = spec.polarity == "dark-on-light" or (spec.polarity == "auto" and paper > 127)
    if not turned and paper == 0 and image.shape == (spec.height, spec.width) and not spec.crop and not spec.margin:
        return image[..., np.newaxis].copy()
    levels = np.arange(256, dtype=np.float32)  # what becomes of each grey
    if turned:
        levels, paper = 255 - levels, 255 - paper
    ink = _ink(levels - paper, texture, brightest=image.min() if turned else image.max())
    subtract = spec.background == "subtract"
    if subtract:
        levels, paper = ink, 0.0
    if spec.crop:
        image = image[box_of((ink > _INK)[image])]
    square = _fitted(image, levels, spec, paper=paper)
    if subtract:
        square *= min(255 / max(float(square.max()), 1), _GAIN)
    return np.clip(np.rint(square), 0, 255).astype(np.uint8)[..., np.newaxis]


def _paper(image: GreyImage) -> tuple[float, float]:
    border = border_of(image).astype(np.float32)
    level = quantile(border, 0.5)
    return level, _TEXTURE * quantile(np.abs(border - level), 0.5)


def reduced(picture: npt.NDArray[np.uint8], side: int) -> tuple[npt.NDArray[np.uint8], int]:
    """Return a copy whose longer side has at most so many pixels, means of whole blocks, and how much smaller it is."""
    step = -(-max(picture.shape[:2]) // side)
    return np.asarray(Image.fromarray(picture).reduce(step)), step


def border_of(picture: Any) -> Any:
    """Return the pixels along a picture's four edges; those of its corners twice."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def ring_of(picture: Any) -> Any:
    """Return the pixels along a picture's four edges, each once, clockwise from its left upper corner."""
    return np.concatenate([picture[0, :-1], picture[:-1, -1], picture[-1, :0:-1], picture[:0:-1, 0]])


def quantile(values: Any, share: float) -> float:
    """Return a quantile of at least one value, of an array of any shape, linear between neighbours, as NumPy's.

    NumPy's own spends longer on its preparations than on a character or its border, of which a page has hundreds.
    """
    ordered = np.sort(values, axis=None)
    place = share * (len(ordered) - 1)
    below, part = int(place), place % 1
    return float(ordered[below] + part * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below]))


def median(values: Any) -> float:
    """Return the median of at least one float, of an array of any shape, as NumPy's; see :func:`quantile`."""
    ordered = np.sort(values, axis=None)
    upper = len(ordered) // 2
    return float(ordered[upper] if len(ordered) % 2 else (ordered[upper - 1] + ordered[upper]) / 2)


def _ink(contrast: _Levels, texture: float, *, brightest: int) -> _Levels:
    """Return the ink of each grey, by the contrast of each and which of them is the picture's brightest."""
    top = float(contrast[brightest])
    if top < _BLANK:
        return np.zeros_like(contrast)
    texture = min(texture, top / 2)
    return np.maximum(contrast - texture, 0) * (255 / (top - texture))


def box_of(inked: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns of the box around ink, all of them where there is none."""
    if not inked.any():
        return slice(None), slice(None)
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _fitted(image: GreyImage, levels: _Levels, spec: PreprocessSpec, *, paper: float) -> _Levels:
    inner = 1 - 2 * spec.margin
    scale = min(spec.height * inner / image.shape[0], spec.width * inner / image.shape[1])
    height, width = (max(round(side * scale), 1) for side in image.shape)
    rows = max(_BAND_PIXELS // image.shape[1], 1)
    if len(image) > rows:
        # Pillow scales widths first, row by row: in bands it is the same but for rounding. The floats of a whole photo
        # would take four times the memory of its pixels.
        tops = range(0, len(image), rows)
        scaled = np.concatenate([_scaled(levels[image[top : top + rows]], width=width) for top in tops])
    else:
        scaled = levels[image]
    scaled = _scaled(scaled, width=width, height=height)
    square = np.full((spec.height, spec.width), paper, np.float32)
    top, left = (spec.height - height) // 2, (spec.width - width) // 2
    square[top : top + height, left : left + width] = scaled
    return square


def _scaled(levels: _Levels, *, width: int, height: int | None = None) -> _Levels:
    size = (width, len(levels) if height is None else height)
    if size == levels.shape[::-1]:
        return levels
    # Pillow's bilinear filter covers the whole source area of a pixel when it shrinks.
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR))
