import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handwriting_cnn.storage.canonical import canonical_json, parse_json

NAMES = st.text("abü", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text('aüش\n"'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_any_value_comes_back(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(NAMES, st.integers(), max_size=5))
def test_equal_values_have_equal_bytes(value):
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


@given(VALUES)
def test_what_was_written_is_parsed(value):
    assert parse_json(canonical_json(value)) == value


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "", "{", b"\xff", "[1,]"])
def test_no_text_breaks_the_parser(text):
    with pytest.raises(ValueError):  # noqa: PT011  (json's own words, of many kinds)
        parse_json(text)
