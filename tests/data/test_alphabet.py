import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handwriting_cnn.data.alphabet import ARABIC, DIGITS, Alphabet
from handwriting_cnn.errors import DataError, UnknownNameError


def test_arabic_letters_are_unicodes_letters_of_those_names():
    unicode_names = {"alef", "teh", "jeem", "hah", "dal", "reh", "seen", "ain", "feh", "lam", "meem", "noon", "yeh"}
    assert len(ARABIC) == len(set(ARABIC.characters)) == 28
    assert ARABIC.direction == "rtl"
    for character, name in zip(ARABIC.characters, ARABIC.names, strict=True):
        assert unicodedata.name(character) == f"ARABIC LETTER {name.upper()}"
    assert unicode_names < set(ARABIC.names)


def test_index_takes_a_character_or_its_name():
    assert ARABIC.index("ا") == ARABIC.index("alef") == 0
    assert ARABIC.index("yeh") == 27
    assert [DIGITS.index(digit) for digit in "0123456789"] == list(range(10))
    with pytest.raises(UnknownNameError, match="did you mean 'noon'"):
        ARABIC.index("nooon")


def test_composed_and_decomposed_text_are_one_character():
    decomposed = unicodedata.normalize("NFD", "й")
    assert Alphabet.of(["и", decomposed]).index("й") == 1
    with pytest.raises(DataError, match="more than once"):
        Alphabet.of(["й", decomposed])


@pytest.mark.parametrize("alphabet", [ARABIC, DIGITS, Alphabet.of("abc"), Alphabet.of(["ch", "ll"])])
def test_json_round_trip(alphabet):
    assert Alphabet.from_json(alphabet.to_json()) == alphabet


def test_of_passes_an_alphabet_through():
    assert Alphabet.of(ARABIC) is ARABIC


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"characters": ()}, "at least one"),
        ({"characters": ("a", "a")}, "a is there more than once"),
        ({"characters": ("a", " ")}, "not blank"),
        ({"characters": ("a", 1)}, "not blank"),
        ({"characters": ("a",), "names": ("x", "y")}, "1 characters has 2 names"),
        ({"characters": ("a",), "script": 3}, "script"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(DataError, match=message):
        Alphabet(**arguments)


@pytest.mark.parametrize("part", ["direction", "colour"])
def test_json_with_an_unknown_part_is_refused(part):
    with pytest.raises(UnknownNameError):
        Alphabet.from_json({**DIGITS.to_json(), part: "upwards"})


def test_json_lists_are_lists():
    with pytest.raises(DataError, match="lists"):
        Alphabet.from_json({"characters": "abc"})


@settings(max_examples=150)
@given(texts=st.lists(st.text(max_size=3), max_size=6), direction=st.sampled_from(["ltr", "rtl"]))
def test_any_texts_make_an_alphabet_or_are_refused(texts, direction):
    try:
        alphabet = Alphabet(characters=tuple(texts), direction=direction)
    except DataError:
        return
    assert list(alphabet.characters) == [unicodedata.normalize("NFC", text) for text in texts]
    assert [alphabet.index(text) for text in texts] == list(range(len(texts)))
    assert alphabet.select(texts[::-1]).characters == alphabet.characters[::-1]
    assert Alphabet.from_json(json.loads(json.dumps(alphabet.to_json()))) == alphabet


def test_as_many_characters_as_there_can_be_classes_are_compared_in_one_pass():
    texts = [str(number) for number in range(100_000)]
    assert len(Alphabet.of(texts)) == 100_000
    with pytest.raises(DataError, match="7 is there more than once"):
        Alphabet.of([*texts, "7"])


@pytest.mark.parametrize(
    ("texts", "direction"), [("אבג", "rtl"), (["ا", "ب", "1"], "rtl"), ("abc", "ltr"), ("كab", "ltr"), ("0١", "ltr")]
)
def test_letters_say_in_which_direction_they_are_read(texts, direction):
    assert Alphabet.of(texts).direction == direction
    assert Alphabet(characters=tuple(texts)).direction == "ltr"  # what is said counts
