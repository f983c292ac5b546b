"""How letters of any script are written in pictures and pages."""

import unicodedata
from collections.abc import Collection
from types import MappingProxyType
from typing import Final

from handwriting_cnn.data.alphabet import Alphabet

# The first word of a character's Unicode name, and the script's code in ISO 15924.
_SCRIPTS: Final = MappingProxyType(
    {
        "ARABIC": "Arab",
        "ARMENIAN": "Armn",
        "BENGALI": "Beng",
        "CJK": "Hani",
        "CYRILLIC": "Cyrl",
        "DEVANAGARI": "Deva",
        "ETHIOPIC": "Ethi",
        "GEORGIAN": "Geor",
        "GREEK": "Grek",
        "GUJARATI": "Gujr",
        "GURMUKHI": "Guru",
        "HANGUL": "Hang",
        "HEBREW": "Hebr",
        "HIRAGANA": "Hira",
        "KANNADA": "Knda",
        "KATAKANA": "Kana",
        "KHMER": "Khmr",
        "LAO": "Laoo",
        "LATIN": "Latn",
        "MALAYALAM": "Mlym",
        "MYANMAR": "Mymr",
        "ORIYA": "Orya",
        "SINHALA": "Sinh",
        "SYRIAC": "Syrc",
        "TAMIL": "Taml",
        "TELUGU": "Telu",
        "THAANA": "Thaa",
        "THAI": "Thai",
        "TIBETAN": "Tibt",
    }
)


def language_tag(text: str) -> str:
    """Return the BCP 47 tag that says the script of a text, such as ``"und-Arab"``, or ``"und"``."""
    words = [unicodedata.name(character, "").split(" ")[0] for character in text]
    return next((f"und-{_SCRIPTS[word]}" for word in words if word in _SCRIPTS), "und")


def title(alphabet: Alphabet, number: int) -> str:
    """Return a class's character with its name, where it has another one."""
    character, name = alphabet.characters[number], alphabet.names[number]
    return character if name == character else f"{character} {name}"


def drawable_labels(alphabet: Alphabet) -> list[str]:
    """Return a text a class that matplotlib's current font can draw: the character, its name, or its code points."""
    fonts = _fonts().values()
    return [
        next((text for text in choices if _has_glyphs(fonts, text)), _code_points(choices[0]))
        for choices in zip(alphabet.characters, alphabet.names, strict=True)
    ]


def font_of(text: str) -> str:
    """Return the file of the first of matplotlib's current fonts that can draw a text, or else of its own."""
    from matplotlib.font_manager import FontProperties, findfont

    own = str(findfont(FontProperties(family="DejaVu Sans")))  # comes with matplotlib; has Arabic and Cyrillic
    return next((path for path, font in _fonts().items() if _has_glyphs([font], text)), own)


def _fonts() -> dict[str, frozenset[int]]:
    """Return the files of the fonts that matplotlib falls back through, and the code points of each."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    fonts = {}
    for family in FontProperties().get_family():
        try:
            path = findfont(FontProperties(family=[family]), fallback_to_default=False)
        except ValueError:  # a family that is not installed
            continue
        fonts[str(path)] = frozenset(get_font(path).get_charmap())
    return fonts


def _has_glyphs(fonts: Collection[frozenset[int]], text: str) -> bool:
    visible = bool(text.strip()) and text.isprintable()
    return visible and all(any(ord(character) in font for font in fonts) for character in text)


def _code_points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)
