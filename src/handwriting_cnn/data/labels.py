"""From the labels that a user wrote to class numbers."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import DataError
from handwriting_cnn.types import LabelArray

_LONGEST_NUMBER: Final = 100  # digits; of more than 4,300 Python makes no int


def class_order(texts: Iterable[str]) -> list[str]:
    """Return the different texts in the order of their classes: by value if all are whole numbers, else sorted."""
    different = sorted({unicodedata.normalize("NFC", text) for text in texts})
    return sorted(different, key=int) if all(map(_is_number, different)) else different


def class_numbers(
    cells: Sequence[tuple[str, str]], *, alphabet: str | Sequence[str] | Alphabet | None, first_label: int = 0
) -> tuple[LabelArray, Alphabet]:
    """Return the class numbers that labels mean, and the alphabet.

    Args:
        cells: Each label's place, for messages, and its text: a character, a character's name or a class number. Where
            a character or a name is a number other than its class's, no number is a class's.
        alphabet: What the classes are; ``None`` makes a class of each different text.
        first_label: The number of the first class.

    Returns:
        int64 of shape ``(len(cells),)``, and the alphabet.

    Raises:
        DataError: If a text is none of them; its place is named.
    """
    for where, text in cells:
        if not text:
            raise DataError(f"{where}: the label is blank")
    chosen = Alphabet.of(class_order(text for _, text in cells) if alphabet is None else alphabet)
    last = first_label + len(chosen) - 1
    named = {text: number for texts in (chosen.names, chosen.characters) for number, text in enumerate(texts)}
    ambiguous = any(_is_number(text) and int(text) != first_label + number for text, number in named.items())
    known = named if ambiguous else {str(first_label + number): number for number in range(len(chosen))} | named
    labels = np.empty(len(cells), np.int64)
    for index, (where, text) in enumerate(cells):
        number = known.get(unicodedata.normalize("NFC", text))
        if number is None:
            numbers = "" if ambiguous else f", and no class number from {first_label} to {last}"
            raise DataError(
                f"{where}: label {text[:20]!r} is no character or name of the alphabet ({_shown(chosen)}){numbers}"
            )
        labels[index] = number
    return labels, chosen


def _is_number(text: str) -> bool:
    return len(text) < _LONGEST_NUMBER and text.isdecimal()


def _shown(alphabet: Alphabet) -> str:
    first = " ".join(alphabet.characters[:3])
    return first if len(alphabet) <= 3 else f"{first} ... {alphabet.characters[-1]}"
