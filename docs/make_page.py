"""Draw the picture of the how-to on photographs: a page of digits on a cloth, and what a model reads in it.

    python docs/make_page.py runs/digits/model.safetensors

writes docs/_static/page.png. The digits are scikit-learn's, which come with it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import handwriting_cnn as hw

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "recognition"))

from pages import draw_page  # noqa: E402  (found by the line above)

HEIGHT = 560


def main(model: str) -> None:
    reader, test = hw.Recognizer.load(model), hw.load_dataset("digits").test
    rows = np.random.default_rng(0).permutation(len(test))[:88]
    page = draw_page(test.take(rows), test.labels[rows], condition="cloth", seed=2, columns=8, size=84)
    pictures = [Image.fromarray(page.image), reader.annotate(page.image)]
    width = round(HEIGHT * pictures[0].width / pictures[0].height)
    both = Image.new("RGB", (2 * width + 12, HEIGHT), "white")
    for place, picture in enumerate(pictures):
        both.paste(picture.resize((width, HEIGHT), Image.Resampling.LANCZOS), (place * (width + 12), 0))
    both.quantize(160).save(HERE / "_static" / "page.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
