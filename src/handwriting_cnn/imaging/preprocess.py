"""From a grey picture to the network's square."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from PIL import Image

from handwriting_cnn.errors import ConfigError, UnknownNameError
from handwriting_cnn.imaging.decode import GreyImage
from handwriting_cnn.types import ImageArray

Polarity: TypeAlias = Literal["auto", "dark-on-light", "light-on-dark"]
Background: TypeAlias = Literal["subtract", "keep"]

_CHOICES: Final = {"polarity": Polarity, "background": Background}
_BLANK: Final = 32  # grey levels: less contrast than this is paper's texture, not ink
_INK: Final = 64  # a level that counts as ink when the picture is cropped


@dataclass(frozen=True, kw_only=True)
class PreprocessSpec:
    """How a picture becomes the network's square; travels with data sets and models.

    Attributes:
        height: Pixels of the result, 1..4096.
        width: Pixels of the result, 1..4096.
        polarity: ``"dark-on-light"`` is turned over, ``"light-on-dark"`` is not, and ``"auto"`` decides by the median
            of the picture's border: above 127 it is light paper.
        background: ``"subtract"`` makes the paper (the border's median) 0 and the ink's top 255, unless the whole range
            is below 32 levels: that is a blank, and stays dark. ``"keep"`` leaves the levels as they are.
        crop: Whether to cut to the ink's box before scaling.
        margin: Share of the square that stays paper on each side, 0 up to 0.45.
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
        """Make a spec from what :meth:`to_json` returned; a setting that does not exist is refused."""
        known = [item.name for item in fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownNameError("preprocessing setting", name, known)
        return cls(**values)


def preprocess(image: GreyImage, spec: PreprocessSpec) -> ImageArray:
    """Turn a grey picture into the network's square: bright ink on paper of 0.

    In this order: polarity, background, crop, scaling with its aspect kept (area-weighted when it shrinks, bilinear
    when it grows), and paper around it, centred. A picture that has the size and the form already is not changed.

    Args:
        image: uint8 of shape ``(height, width)``, as :func:`~handwriting_cnn.imaging.decode.decode_image` returns it.
        spec: The rules.

    Returns:
        uint8 of shape ``(spec.height, spec.width, 1)``.
    """
    paper = _paper_level(image)
    if spec.polarity == "dark-on-light" or (spec.polarity == "auto" and paper > 127):
        image, paper = 255 - image, 255 - paper
    if spec.background == "subtract":
        image = _subtract(image, paper)
    if spec.crop:
        image = _cropped(image)
    return _fitted(image, spec)[..., np.newaxis]


def _paper_level(image: GreyImage) -> int:
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return int(np.median(border))


def _subtract(image: GreyImage, paper: int) -> GreyImage:
    ink = np.maximum(image.astype(np.float32) - paper, 0)
    top = float(ink.max())
    if top < _BLANK:
        return np.zeros_like(image)
    return np.rint(ink * (255 / top)).astype(np.uint8)


def _cropped(image: GreyImage) -> GreyImage:
    rows, columns = (np.flatnonzero((image > _INK).any(axis=axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else image


def _fitted(image: GreyImage, spec: PreprocessSpec) -> GreyImage:
    inner = np.array([spec.height, spec.width]) * (1 - 2 * spec.margin)
    size = np.array(image.shape)
    height, width = np.maximum(np.rint(size * (inner / size).min()).astype(int), 1)
    height, width = min(height, spec.height), min(width, spec.width)
    if (height, width) != image.shape:
        # Pillow's bilinear filter covers the whole source area of a pixel when it shrinks.
        image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    result = np.zeros((spec.height, spec.width), np.uint8)
    top, left = (spec.height - height) // 2, (spec.width - width) // 2
    result[top : top + height, left : left + width] = image
    return result
