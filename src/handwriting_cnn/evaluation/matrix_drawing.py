"""The confusion matrix as SVG: its letters are text, and its colours follow the page's light and dark."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.data.lettering import language_tag, title

from .markup import element

_CELL: Final = 24  # SVG units
_LETTER: Final = 15
_LONGEST: Final = 9  # characters of a label before it is cut
MOST_COUNTED: Final = 40  # classes: with more, a count would not fit into its cell


def draw_matrix(confusion: npt.NDArray[np.int64], alphabet: Alphabet) -> Element:
    """Return the drawing.

    Args:
        confusion: How often each class (row) got each answer (column), ``(num_classes, num_classes)``.
        alphabet: What the classes are.
    """
    count = len(alphabet)
    labels = [text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…" for text in alphabet.characters]
    longest = max(map(len, labels))
    margin = _CELL + 2 if longest <= 2 else 10 + longest * _LETTER * 0.6
    side = margin * 2 + count * _CELL
    grid = element("path", d=_grid(count, margin), class_="grid")
    wrong = int(confusion.sum() - np.trace(confusion))
    return element(
        "svg",
        grid,
        *_cells(confusion, alphabet, margin),
        *_labels(labels, margin, side),
        viewBox=f"0 0 {side:g} {side:g}",
        role="img",
        aria_label=f"Confusion matrix of {count} letters: {int(confusion.sum())} pictures, {wrong} mistakes",
        class_="matrix" if count > 12 else "matrix few",
        style=f"--cells: {side / _CELL:.1f}",
    )


def _grid(count: int, margin: float) -> str:
    start, end = margin, margin + count * _CELL
    places = [margin + place * _CELL for place in range(count + 1)]
    return "".join(f"M{start:g} {place:g}H{end:g}M{place:g} {start:g}V{end:g}" for place in places)


def _cells(confusion: npt.NDArray[np.int64], alphabet: Alphabet, margin: float) -> Iterator[Element]:
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    most = max(float((shares - np.diag(np.diagonal(shares))).max()), 1e-9)
    for row, column in np.argwhere(confusion).tolist():
        share, times = float(shares[row, column]), int(confusion[row, column])
        # Mistakes have a scale of their own: next to the right answers they would all look blank.
        strength = 0.1 + 0.45 * share**2 if row == column else 0.15 + 0.65 * (share / most) ** 0.5
        left, top = margin + column * _CELL, margin + row * _CELL
        said = f"{title(alphabet, row)} answered as {title(alphabet, column)}: {times}, {share:.1%} of its pictures"
        yield element(
            "rect",
            element("title", said),
            x=left,
            y=top,
            width=_CELL,
            height=_CELL,
            class_="right" if row == column else "wrong",
            fill_opacity=round(strength, 3),
        )
        if len(alphabet) <= MOST_COUNTED:
            yield element("text", str(times), x=left + _CELL / 2, y=top + _CELL / 2, class_="times")


def _labels(labels: list[str], margin: float, side: float) -> Iterator[Element]:
    gap = 7.0 if margin > _CELL + 2 else margin / 2
    turned = gap < margin / 2
    for place, text in enumerate(labels):
        middle = margin + (place + 0.5) * _CELL
        for x, y, vertical, near in (
            (margin - gap, middle, False, "end"),
            (side - margin + gap, middle, False, "start"),
            (middle, margin - gap, True, "start"),
            (middle, side - margin + gap, True, "end"),
        ):
            yield element(
                "text",
                text,
                x=x,
                y=y,
                class_="label",
                lang=language_tag(text),
                text_anchor=near if turned else "middle",
                transform=f"rotate(-90 {x:g} {y:g})" if turned and vertical else None,
            )
