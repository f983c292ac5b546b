"""Draw docs/_static/ink.png, photographs of strokes of our own before and after: python docs/make_ink.py."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from handwriting_cnn.imaging.ink import extract_ink

SIDE = 48
PENS = {
    "black": (40, 40, 45),
    "blue": (50, 70, 160),
    "red": (190, 60, 70),
    "yellow": (215, 205, 70),
    "pink": (235, 190, 205),
}
PAPERS = ("plain", "ruled", "squared", "fine squares", "shaded")
PITCHES = {"ruled": 14, "squared": 9, "fine squares": 4}


def strokes(rng):
    """A hook with a bar and two dots, unsteady."""
    large = Image.new("L", (SIDE * 8, SIDE * 8), 0)
    pen = ImageDraw.Draw(large)

    def at(x, y):
        return (x + rng.normal(0, 0.02)) * SIDE * 8, (y + rng.normal(0, 0.02)) * SIDE * 8

    (left, top), (right, bottom) = at(0.2, 0.35), at(0.65, 0.8)
    pen.arc([left, top, right, bottom], 10, 300, 255, int(SIDE * 0.45))
    pen.line([at(0.75, 0.2), at(0.7, 0.82)], 255, int(SIDE * 0.45))
    for x in (0.3, 0.5):
        (across, down), radius = at(x, 0.2), SIDE * 0.35
        pen.ellipse([across - radius, down - radius, across + radius, down + radius], 255)
    return np.asarray(large.resize((SIDE, SIDE), Image.Resampling.BOX)) / 255


def photograph(mask, pen, paper, rng):
    """Paper, printed lines, ink and light, multiplied; then the camera's blur and noise."""
    sheet = np.ones((SIDE, SIDE, 3)) * np.array([226, 222, 214]) / 255
    lines = np.zeros((SIDE, SIDE))
    if paper in PITCHES:
        lines[8 % PITCHES[paper] :: PITCHES[paper]] = 1
    if "square" in paper:
        lines[:, 5 % PITCHES[paper] :: PITCHES[paper]] = 1
    sheet *= 1 - lines[..., None] * np.array([0.28, 0.18, 0.1])
    sheet *= 1 - mask[..., None] * (1 - np.array(pen) / 255)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    sheet *= np.exp(-(0.45 if paper == "shaded" else 0.05) * (x + 0.5 * y + 1.5))[..., None]
    sheet = gaussian_filter(sheet, (0.6, 0.6, 0))
    return np.clip(sheet * 255 + rng.normal(0, 2.5, sheet.shape), 0, 255).astype(np.uint8)


rng = np.random.default_rng(0)
figure = Figure(figsize=(11, 6), layout="constrained")
axes = figure.subplots(len(PAPERS), 2 * len(PENS))
for number, (row, paper) in enumerate(zip(axes, PAPERS, strict=True)):
    for place, (name, pen) in enumerate(PENS.items()):
        before = photograph(strokes(rng), pen, paper, rng)
        for ax, picture in ((row[2 * place], before), (row[2 * place + 1], extract_ink(before))):
            ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
            ax.set_xticks([])
            ax.set_yticks([])
        if number == 0:
            row[2 * place].set_title(f"{name}: before")
            row[2 * place + 1].set_title("after")
    row[0].set_ylabel(paper)
figure.savefig(Path(__file__).parent / "_static" / "ink.png", dpi=70)
