"""Boxes and letters drawn onto the picture that was read."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from handwriting_cnn.data.lettering import font_of

_RECOGNISED: Final = (0, 120, 60)
_UNKNOWN: Final = (200, 40, 40)
_LETTER: Final = 0.45  # of the boxes' median side
_SMALLEST: Final = 10  # pixels of a letter


def drawn(picture: npt.NDArray[np.uint8], boxes: Sequence[tuple[tuple[int, int, int, int], str]]) -> Image.Image:
    """Return a picture in RGB with boxes and the text of each; a box without text is red.

    Args:
        picture: uint8 ``(height, width)`` or ``(height, width, 3)``.
        boxes: Left, top, right and bottom of each, and a text that matplotlib's current fonts can draw.
    """
    image = Image.fromarray(picture).convert("RGB")
    if not boxes:
        return image
    pen = ImageDraw.Draw(image)
    sides = [max(right - left, bottom - top) for (left, top, right, bottom), _ in boxes]
    size = max(round(_LETTER * float(np.median(sides))), _SMALLEST)
    fonts = {text: ImageFont.truetype(font_of(text), size) for text in {text for _, text in boxes if text}}
    line = max(size // 12, 1)
    for (left, top, right, bottom), text in boxes:
        colour = _RECOGNISED if text else _UNKNOWN
        pen.rectangle((left - line, top - line, right + line, bottom + line), outline=colour, width=line)
        if text:
            pen.text((left, max(top - line, size)), text, fill=colour, font=fonts[text], anchor="ls")
    return image
