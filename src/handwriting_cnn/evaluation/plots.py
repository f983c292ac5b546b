"""Pictures of data and results, drawn with matplotlib; none of them is shown or kept in pyplot's state."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.lettering import drawable_labels
from handwriting_cnn.errors import ConfigError
from handwriting_cnn.types import ImageArray, LabelArray

from .matrix_drawing import MOST_COUNTED
from .metrics import ClassScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGHT: Final = "#0f766e"
_WRONG: Final = "#c2410c"
_INK: Final = "#1f2328"
_MUTED: Final = "#6b7280"
_LINE: Final = "#e5e7eb"
_FRAME, _SMALLEST_CELL, _LONGEST_SIDE = 2.2, 0.16, 30.0  # inches; a picture's memory grows with its side's square
_MOST_SCORES: Final = 200


def plot_confusion(
    confusion: npt.NDArray[np.int64], alphabet: Alphabet, *, normalize: bool = True, ax: "Axes | None" = None
) -> "Axes":
    """Draw a confusion matrix: right answers in green, mistakes in orange on a scale of their own.

    On one scale for both, a good classifier's mistakes would all look white.

    Args:
        confusion: How often each class (row) got each answer (column), ``(num_classes, num_classes)``.
        alphabet: What the classes are.
        normalize: Whether the colour is the share of the row's pictures, rather than the count.
        ax: Where to draw; ``None`` makes a new figure of a size that fits the number of classes, at most 30 inches.
            With 174 classes or more it has no room for all labels: each second one is shown, each third, and so on.

    Returns:
        The axes.
    """
    from matplotlib.colors import to_rgb

    count = len(alphabet)
    if ax is None:
        cell = 0.42 if count <= 12 else 0.27 if count <= MOST_COUNTED else _SMALLEST_CELL
        side = min(_FRAME + count * cell, _LONGEST_SIDE)
        ax = _new_axes(side, side)
    strength = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1) if normalize else confusion
    diagonal = np.eye(count, dtype=bool)
    colours = np.ones((count, count, 3))
    for colour, cells, darkest in ((_RIGHT, diagonal, 0.6), (_WRONG, ~diagonal, 0.85)):
        shares = np.sqrt(strength[cells] / max(strength[cells].max(initial=0), 1e-9)) * darkest
        colours[cells] += shares[:, np.newaxis] * (np.array(to_rgb(colour)) - 1)
    edges = np.arange(count + 1) - 0.5
    step = -(-count // int((_LONGEST_SIDE - _FRAME) / _SMALLEST_CELL))  # above 1, cells are too small for lines
    ax.pcolormesh(edges, edges, colours, edgecolors=_LINE if step == 1 else "none", linewidth=0.5)  # imshow is slower
    ax.set(aspect="equal", xlim=(edges[0], edges[-1]), ylim=(edges[-1], edges[0]))
    if count <= MOST_COUNTED:
        size = 10 if count <= 12 else 6.5
        for row, column in np.argwhere(confusion).tolist():
            ax.text(column, row, str(confusion[row, column]), ha="center", va="center", size=size, color=_INK)
    labels = drawable_labels(alphabet)
    size = 13 if count <= 12 else 11 if count <= MOST_COUNTED else 7
    upright = 0 if max(map(len, labels)) <= 2 else 90
    ax.set_xticks(range(0, count, step), labels[::step], size=size, rotation=upright, parse_math=False)
    ax.set_yticks(range(0, count, step), labels[::step], size=size, parse_math=False)
    ax.tick_params(length=0)
    ax.spines[:].set_color(_LINE)
    ax.set_xlabel("answered", color=_MUTED)
    ax.set_ylabel("written", color=_MUTED)
    return ax


def plot_scores(scores: ClassScores, alphabet: Alphabet, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the F1 of each class that has pictures as a dot, the lowest first; of more than 200, the lowest 200.

    Args:
        scores: The scores of each class.
        alphabet: What the classes are.
        ax: Where to draw; ``None`` makes a new figure.

    Returns:
        The axes.
    """
    seen = np.flatnonzero(scores.support > 0)
    order = seen[np.argsort(scores.f1[seen], kind="stable")][:_MOST_SCORES]
    if ax is None:
        ax = _new_axes(5.0, 1.0 + 0.24 * len(order))
    labels = drawable_labels(alphabet)
    places = np.arange(len(order))
    # Dots, since the axis does not begin at 0: a bar's length would lie.
    ax.plot(scores.f1[order] * 100, places, "o", color=_RIGHT, markersize=6)
    for place, score in enumerate((scores.f1[order] * 100).tolist()):
        ax.text(score, place, f"   {score:.1f}", va="center", size=8, color=_MUTED)
    ax.set_yticks(places, [labels[number] for number in order], size=10, parse_math=False)
    low = max(0.0, np.floor(scores.f1[order].min() * 10 - 0.5) * 10)
    ax.set(xlim=(low, 100 + (100 - low) * 0.12), ylim=(len(order) - 0.4, -0.6), xlabel="F1, percent")
    if len(order) < len(seen):
        ax.set_title(f"the lowest {len(order)} of {len(seen):,}", size=8, color=_MUTED)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(visible=True, color=_LINE, linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def plot_samples(
    dataset: Dataset, *, rows: int = 5, columns: int = 10, seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """Draw pictures of a data set with their letters, drawn at random and taking turns over the classes.

    Args:
        dataset: The data set.
        rows: Most rows of pictures, 1 or more.
        columns: Pictures a row, 1 or more.
        seed: Seed of the draw.
        ax: Where to draw; ``None`` makes a new figure.

    Returns:
        The axes.

    Raises:
        ConfigError: If ``rows`` or ``columns`` is no int of 1 or more.
    """
    places = checked_places(rows=rows, columns=columns)
    shown = _one_of_each(dataset.labels, np.random.default_rng(seed))[:places]
    images, labels = dataset.take(shown), drawable_labels(dataset.alphabet)
    height = -(-len(shown) // columns)
    if ax is None:
        ax = _new_axes(columns * 0.8, height * 1.06)
    for place, (image, number) in enumerate(zip(images, dataset.labels[shown], strict=True)):
        left, top = place % columns * 1.15, place // columns * 1.5
        _draw_picture(ax, image, left, top + 0.4)
        ax.text(left + 0.5, top + 0.2, labels[number], ha="center", va="center", size=11, color=_INK, parse_math=False)
    return _as_gallery(ax, columns * 1.15 - 0.15, height * 1.5 - 0.1)


def checked_places(**sides: int) -> int:
    """Return how many pictures rows and columns hold.

    Raises:
        ConfigError: If one is no int of 1 or more.
    """
    for name, count in sides.items():
        if type(count) is not int or count < 1:
            raise ConfigError(f"{name} must be an int of 1 or more, but is {count!r}")
    return math.prod(sides.values())


def plot_mistakes(
    images: ImageArray,
    labels: LabelArray,
    answers: Sequence[Sequence[tuple[int, float | None]]],
    alphabet: Alphabet,
    *,
    columns: int = 5,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw pictures with what they are and the most probable answers.

    Args:
        images: The pictures, ``(n, height, width, 1)``; there may be none.
        labels: What they are, ``(n,)``.
        answers: For each the most probable ``(class number, probability or None)``, the best first.
        alphabet: What the classes are.
        columns: Pictures a row, 1 or more.
        ax: Where to draw; ``None`` makes a new figure.

    Returns:
        The axes.

    Raises:
        ConfigError: If ``columns`` is no int of 1 or more.
    """
    checked_places(columns=columns)
    columns = min(columns, max(len(images), 1))
    texts, rows = drawable_labels(alphabet), max(-(-len(images) // columns), 1)
    if ax is None:
        ax = _new_axes(max(columns * 1.9, 3), rows * 1.25)
    for place, (image, number, best) in enumerate(zip(images, labels, answers, strict=True)):
        left, top = place % columns * 2.5, place // columns * 1.65
        _draw_picture(ax, image, left, top + 0.42)
        plain: dict[str, Any] = {"va": "center", "parse_math": False}
        ax.text(left + 0.5, top + 0.2, texts[number], ha="center", size=13, color=_RIGHT, **plain)
        for line, (answer, share) in enumerate(best):
            middle = top + 0.59 + line * 0.33
            colour = _RIGHT if answer == number else _WRONG if line == 0 else _INK
            ax.text(left + 1.28, middle, texts[answer], ha="center", size=12, color=colour, **plain)
            if share is not None:
                ax.text(left + 2.15, middle, f"{share:.0%}", ha="right", size=8, color=_MUTED, **plain)
    if not len(images):
        ax.text(0.5, 0.8, "no mistakes", ha="center", va="center", color=_MUTED)
    return _as_gallery(ax, columns * 2.5 - 0.3, rows * 1.65 - 0.2)


def _new_axes(width: float, height: float) -> "Axes":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _draw_picture(ax: "Axes", image: ImageArray, left: float, top: float) -> None:
    # Dark ink on white, as on paper; the extent's vertical order goes with an axis that points down.
    ax.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=255, extent=(left, left + 1, top + 1, top))
    outline = ([left, left + 1, left + 1, left, left], [top, top, top + 1, top + 1, top])
    ax.plot(*outline, color=_LINE, linewidth=0.8)


def _as_gallery(ax: "Axes", width: float, height: float) -> "Axes":
    ax.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
    ax.set_axis_off()
    return ax


def _one_of_each(labels: LabelArray, generator: np.random.Generator) -> LabelArray:
    """Return all positions in random order: one of each class, then a second of each, and so on."""
    shuffled = generator.permutation(len(labels))
    grouped = shuffled[np.argsort(labels[shuffled], kind="stable")]
    starts = np.searchsorted(labels[grouped], labels[grouped])
    return grouped[np.argsort(np.arange(len(labels)) - starts, kind="stable")]
