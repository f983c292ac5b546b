"""Alphabets: what the classes of a data set are."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from handwriting_cnn.errors import DataError, UnknownNameError

Direction: TypeAlias = Literal["ltr", "rtl"]

_BACKWARDS: Final = ("R", "AL")  # Unicode's bidirectional classes of Hebrew, Arabic and their kin


@dataclass(frozen=True, kw_only=True)
class Alphabet:
    """The characters that the classes stand for, in the order of the class numbers.

    Texts are kept in Unicode's composed form (NFC), so that a folder's name and a typed letter agree on every system.

    Attributes:
        characters: One text a class, all different; usually one character each.
        names: A name for each, such as ``"alef"``, all different; the characters themselves where none are given.
        script: The script's name, such as ``"Arabic"``, or ``""``.
        direction: ``"ltr"`` or ``"rtl"``: how lines of it are read.

    Raises:
        DataError: If there is no character, a text is blank or there twice, or the names are not as many.
        UnknownNameError: If the direction is none.
    """

    characters: tuple[str, ...]
    names: tuple[str, ...] = ()
    script: str = ""
    direction: Direction = "ltr"

    def __post_init__(self) -> None:
        object.__setattr__(self, "characters", _composed("characters", self.characters))
        object.__setattr__(self, "names", _composed("names", self.names) or self.characters)
        if not self.characters:
            raise DataError("an alphabet needs at least one character")
        if len(self.names) != len(self.characters):
            raise DataError(f"an alphabet of {len(self.characters)} characters has {len(self.names)} names")
        if not isinstance(self.script, str):
            raise DataError(f"an alphabet's script must be a text, but is {self.script!r}")
        if self.direction not in get_args(Direction):
            raise UnknownNameError("direction", str(self.direction), get_args(Direction))

    @classmethod
    def of(cls, value: "str | Sequence[str] | Alphabet") -> "Alphabet":
        """Return an alphabet from a text of one character a class, a sequence of texts, or an alphabet.

        Texts most of which begin with a letter that is written from right to left make an alphabet that is read so.

        Raises:
            DataError: If the texts make none, see :class:`Alphabet`.
        """
        if isinstance(value, Alphabet):
            return value
        texts = tuple(value)
        backwards = sum(
            isinstance(text, str) and unicodedata.bidirectional(text[:1] or " ") in _BACKWARDS for text in texts
        )
        return cls(characters=texts, direction="rtl" if 2 * backwards > len(texts) else "ltr")

    def __len__(self) -> int:
        return len(self.characters)

    def index(self, text: str) -> int:
        """Return the class number of a character, or of a character's name.

        Raises:
            UnknownNameError: If it is none of the alphabet's.
        """
        wanted = unicodedata.normalize("NFC", text)
        for texts in (self.characters, self.names):
            if wanted in texts:
                return texts.index(wanted)
        raise UnknownNameError("character", text, dict.fromkeys((*self.characters, *self.names)))

    def select(self, characters: str | Sequence[str]) -> "Alphabet":
        """Return the alphabet of some of the characters, given by themselves or by name, in the order given.

        Raises:
            UnknownNameError: If one is none of the alphabet's.
            DataError: If none is given, or one is there twice.
        """
        numbers = [self.index(text) for text in characters]
        chosen, names = ([texts[number] for number in numbers] for texts in (self.characters, self.names))
        return replace(self, characters=tuple(chosen), names=tuple(names))

    def to_json(self) -> dict[str, Any]:
        """Return the alphabet as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Alphabet":
        """Make an alphabet from what :meth:`to_json` returned.

        Raises:
            UnknownNameError: If a part does not exist, or the direction is none.
            DataError: If the parts make no alphabet, see :class:`Alphabet`.
        """
        UnknownNameError.check("part of an alphabet", values, known=(item.name for item in fields(cls)))
        if not isinstance(values.get("characters"), list) or not isinstance(values.get("names", []), list):
            raise DataError("an alphabet's characters and names must be lists")
        return cls(**values)


def _composed(part: str, texts: Sequence[str]) -> tuple[str, ...]:
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"an alphabet's {part} must be texts that are not blank, but one is {text!r}")
    composed = tuple(unicodedata.normalize("NFC", text) for text in texts)
    twice = sorted(text for text, count in Counter(composed).items() if count > 1)
    if twice:
        raise DataError(f"an alphabet's {part} must differ, but {', '.join(twice)} is there more than once")
    return composed


DIGITS: Final = Alphabet(
    characters=tuple("0123456789"),
    names=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    script="Western Arabic digits",
)
"""The digits 0..9."""

# fmt: off
ARABIC: Final = Alphabet(
    characters=tuple("ابتثجحخدذرزسشصضطظعغفقكلمنهوي"),
    names=(
        "alef", "beh", "teh", "theh", "jeem", "hah", "khah", "dal", "thal", "reh", "zain", "seen", "sheen", "sad",
        "dad", "tah", "zah", "ain", "ghain", "feh", "qaf", "kaf", "lam", "meem", "noon", "heh", "waw", "yeh",
    ),
    script="Arabic",
    direction="rtl",
)
"""The 28 Arabic letters, in the order of AHCD's labels."""

RUSSIAN: Final = Alphabet(
    characters=tuple("абвгдеёжзийклмнопрстуфхцчшщъыьэюя"),
    names=(
        "a", "be", "ve", "ghe", "de", "ie", "io", "zhe", "ze", "i", "short i", "ka", "el", "em", "en", "o", "pe", "er",
        "es", "te", "u", "ef", "ha", "tse", "che", "sha", "shcha", "hard sign", "yeru", "soft sign", "e", "yu", "ya",
    ),
    script="Cyrillic",
)
# fmt: on
"""The 33 Russian letters, in the order of the alphabet."""

ARABIC_WITH_HAMZA: Final = Alphabet(
    characters=(*ARABIC.characters, "ء"),
    names=(*ARABIC.names, "hamza"),
    script="Arabic",
    direction="rtl",
)
"""The 28 Arabic letters and the hamza, in the order of Hijja's folders."""
