"""Pages of real characters with the truth beside them: a generator for tests, examples and benchmarks.

Characters of a data set are enlarged, written with a pen onto procedural paper, and photographed: light falls off, a
hand throws its shadow, the sheet lies askew on a cloth. Every page follows from its seed, and says where each character
is.
"""

from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
import numpy as np
import scipy.ndimage
from PIL import Image, ImageDraw, ImageFont

from handwriting_cnn.imaging.strokes import stroke_width

FONT = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
SIZE = 62  # pixels of a character's square, unless said
CONDITIONS = ("clean", "shadow", "texture", "ruled", "grid", "comb", "rotated", "perspective", "cloth")
HEIGHT, WIDTH = 1754, 1240  # A4 at 150 dpi


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """A page and its truth.

    Attributes:
        image: uint8 ``(height, width, 3)``, RGB.
        boxes: Of each character's ink in pixels: ``(n, 4)`` left, top, right, bottom (exclusive).
        labels: Class numbers ``(n,)``, in reading order.
        lines: Line numbers ``(n,)``, from 0 at the top.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    lines: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


def draw_page(images, labels, *, condition="clean", seed=0, columns=10, size=SIZE, rtl=False):
    """Return a page with the given characters in lines.

    Args:
        images: uint8 ``(n, height, width, 1)``, ink bright on 0: at most what fits, 14 lines at the usual size.
        labels: Their class numbers.
        condition: One of :data:`CONDITIONS`.
        seed: Of everything that is drawn at random.
        columns: Characters a line.
        size: Pixels of a character's square.
        rtl: Whether lines run from right to left.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"{condition!r} is none of {CONDITIONS}")
    random = np.random.default_rng(seed)
    ink, owner, cells = _write(images, random, columns=columns, size=size, rtl=rtl, steady=condition == "grid")
    printed = np.zeros_like(ink)
    if condition == "ruled":
        _rule(printed, cells, random)
    elif condition == "grid":
        _box(printed, cells)
    elif condition == "comb":
        _comb(printed, cells)
    paper = np.full((HEIGHT, WIDTH, 3), random.uniform(225, 250), np.float32) * random.uniform(0.97, 1, 3)
    if condition in {"texture", "cloth"}:
        paper *= (
            1
            + 0.05 * _noise(random, (HEIGHT, WIDTH), 2)[..., None]
            + 0.04 * _noise(random, (HEIGHT, WIDTH), 25)[..., None]
        )
    pen = random.uniform(10, 70, 3) * np.array([1, 1, random.uniform(1, 2.2)])
    line = random.uniform(110, 170, 3)
    paper += printed[..., None] * (line - paper)
    paper += ink[..., None] * (pen - paper)
    if condition in {"shadow", "cloth", "perspective"}:
        paper *= _light(random, (HEIGHT, WIDTH), shadow=condition == "shadow")[..., None]
    if condition == "rotated":
        paper, owner = _rotated(paper, owner, random.choice([-5.0, 5.0]))
    elif condition in {"perspective", "cloth"}:
        paper, owner = _photographed(paper, owner, random, cloth=condition == "cloth")
    paper += random.normal(0, 2.5, paper.shape)
    image = np.clip(np.rint(paper), 0, 255).astype(np.uint8)
    found = scipy.ndimage.find_objects(owner, max_label=len(images))
    nowhere = (slice(0, 0), slice(0, 0))  # a picture without ink
    boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in (place or nowhere for place in found)])
    return Page(image=image, boxes=boxes, labels=np.asarray(labels), lines=np.arange(len(images)) // columns)


def overlaps(one, other):
    """Intersection over union of each pair of boxes."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


def alike(found, truth):
    """Return the intersection over union of a character's ink and the truth, in its box."""
    left, top, right, bottom = found.box
    step = round((bottom - top) / found.ink.shape[0])
    ink = Image.fromarray(found.ink)
    copy = np.asarray(ink.resize((ink.width * step, ink.height * step), Image.Resampling.BICUBIC)) > 127
    height, across = (size - expected for size, expected in zip(copy.shape, (bottom - top, right - left), strict=True))
    ink = copy[max(height, 0) // 2 :, max(across, 0) // 2 :][: bottom - top, : right - left]
    there = truth[top:bottom, left:right][: ink.shape[0], : ink.shape[1]]
    return (ink & there).sum() / (ink | there).sum()


def _write(images, random, *, columns, size, rtl, steady):
    """Return ink 0..1, which character each pixel belongs to (from 1), and the squares (top, left, side)."""
    ink, owner, cells = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.int32), []
    left, pitch = 90, (WIDTH - 180) // columns
    height = int(pitch * 1.05)
    if 90 + -(-len(images) // columns) * height > HEIGHT:
        raise ValueError(f"{len(images)} characters do not fit on the page")
    for index, picture in enumerate(images):
        line, column = divmod(index, columns)
        column = columns - 1 - column if rtl else column
        side = size if steady else int(size * random.uniform(0.9, 1.15))
        wander = 0 if steady else 6
        top = 90 + line * height + (height - side) // 2 + int(random.integers(-wander, wander + 1))
        start = left + column * pitch + (pitch - side) // 2 + int(random.integers(-wander, wander + 1))
        mask = enlarged(picture[..., 0], side, random)
        place = np.s_[top : top + side, start : start + side]
        ink[place] = np.maximum(ink[place], mask)
        owner[place][mask > 0.5] = index + 1
        cells.append((90 + line * height, left + column * pitch, pitch, height))
    return ink, owner, cells


def enlarged(picture, side, random):
    """Return a small picture of a character as a pen would have written it at this size, 0..1."""
    large = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
    levels = scipy.ndimage.gaussian_filter(np.asarray(large, np.float32) / 255, side / 90)
    # A dot that the small picture has in a single pale pixel was as dark as the rest when it was written.
    reach = max(side // 10, 1)
    levels /= np.maximum(scipy.ndimage.grey_dilation(levels, (reach, reach)), 0.25)
    edge = random.uniform(0.42, 0.6)  # a lower one writes with a broader pen
    ink = np.clip((levels - edge) * 5 + 0.5, 0, 1)
    written = _without_dirt(ink > 0.5)
    return np.where(scipy.ndimage.binary_dilation(written, iterations=2), ink, 0)


def _without_dirt(mask):
    """Return a mask without the dirt of its scan: what is smaller than a dot, or small and cut by the frame."""
    labels, count = scipy.ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 2)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    dot = stroke_width(mask) ** 2
    largest = areas[1:].argmax() + 1
    areas[edges[areas[edges] < 2 * dot]] = 0
    kept = areas >= 0.5 * dot
    kept[0], kept[largest] = False, True
    return kept[labels]


def _rule(printed, cells, random):
    for top in sorted({top + int(height * 0.86) for top, _, _, height in cells}):
        printed[top : top + int(random.integers(1, 3)), 40:-40] = 1


def _box(printed, cells):
    for top, left, width, height in cells:
        for row in (top, top + height):
            printed[row : row + 2, left : left + width + 2] = 1
        for column in (left, left + width):
            printed[top : top + height + 2, column : column + 2] = 1


def _comb(printed, cells):
    """Print a tooth between characters, a line below them, and a label beside each line."""
    labels = Image.new("L", (WIDTH, HEIGHT))
    pen, font = ImageDraw.Draw(labels), ImageFont.truetype(str(FONT), 14)
    for top, left, width, height in cells:
        bottom = top + height - 4
        printed[bottom : bottom + 2, left : left + width + 2] = 1
        for column in (left, left + width):
            printed[bottom - height // 4 : bottom, column : column + 2] = 1
        pen.text((20, top + height // 2), "Answer", font=font, fill=255, anchor="lm")
    np.maximum(printed, np.asarray(labels, np.float32) / 255, out=printed)


def _noise(random, shape, scale):
    """Return smooth noise of unit deviation, grains of ``scale`` pixels."""
    coarse = random.normal(0, 1, (shape[0] // scale + 2, shape[1] // scale + 2)).astype(np.float32)
    fine = scipy.ndimage.zoom(coarse, scale, order=1)[: shape[0], : shape[1]]
    return fine / fine.std()


def _light(random, shape, *, shadow):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * (x / shape[1] - 0.5) + np.sin(angle) * (y / shape[0] - 0.5)) * random.uniform(0.3, 0.6)
    light = np.clip(1 - 0.15 + slope, 0.35, 1)
    if shadow:
        centre = random.uniform(0.2, 0.8, 2) * shape
        radius = random.uniform(0.25, 0.5) * shape[1]
        inside = np.hypot(y - centre[0], (x - centre[1]) * random.uniform(0.6, 1.4)) - radius
        light *= 1 - random.uniform(0.3, 0.5) / (1 + np.exp(np.clip(inside / random.uniform(6, 25), -50, 50)))
    return light


def _rotated(paper, owner, degrees):
    fill = tuple(int(value) for value in paper[:20].mean(axis=(0, 1)))
    image = Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8)).rotate(
        degrees, Image.Resampling.BICUBIC, fillcolor=fill
    )
    truth = Image.fromarray(owner).rotate(degrees, Image.Resampling.NEAREST)
    return np.asarray(image, np.float32), np.asarray(truth)


def _photographed(paper, owner, random, *, cloth):
    """Put the sheet askew into a larger picture, on a desk or on a patterned cloth."""
    height, width = 1900, 1500
    corners = np.array([[130, 70], [width - 130, 70], [width - 130, height - 70], [130, height - 70]], np.float64)
    corners += random.uniform(-55, 55, (4, 2))
    source = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)
    coefficients = _projective(corners, source)
    warp = {"size": (width, height), "method": Image.Transform.PERSPECTIVE, "data": coefficients}
    sheet = Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8)).transform(
        **warp, resample=Image.Resampling.BICUBIC
    )
    covered = Image.new("L", (WIDTH, HEIGHT), 255).transform(**warp)
    truth = Image.fromarray(owner).transform(**warp, resample=Image.Resampling.NEAREST)
    y, x = np.mgrid[0:height, 0:width]
    desk = np.full((height, width, 3), random.uniform(50, 120, 3), np.float32)
    if cloth:
        pattern = ((x // 35 + y // 35) % 2) * 70.0 + 25 * np.sin((x + 2 * y) / 11)
        desk = desk + pattern[..., None] * random.uniform(0.4, 1, 3)
    else:
        desk *= 1 + 0.08 * _noise(random, (height, width), 6)[..., None]
    share = np.asarray(covered, np.float32)[..., None] / 255
    return desk * (1 - share) + np.asarray(sheet, np.float32) * share, np.asarray(truth)


def _projective(start, end):
    """Return the eight coefficients that take each point of ``start`` to its partner."""
    rows, values = [], []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(values)))
