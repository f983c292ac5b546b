"""Every byte of a model file counts: no other byte at any place, and no other length, is loaded."""

import dataclasses

import numpy as np
import pytest

from handwriting_cnn.artifact.model_file import load_model
from handwriting_cnn.errors import ModelFileError


@pytest.fixture
def refused(tmp_path):
    """Tells whether bytes are refused as a model file, and in one line."""
    target = tmp_path / "damaged.safetensors"

    def asked(data):
        target.write_bytes(data)
        try:
            load_model(target)
        except ModelFileError as error:
            return "damaged.safetensors" in str(error) and "\n" not in str(error)
        return False

    return asked


def body_start(data):
    return 8 + int.from_bytes(data[:8], "little")


def test_the_file_itself_is_loaded(refused, small_file):
    assert not refused(small_file.read_bytes())


def test_every_bit_of_the_header_is_noticed(refused, small_file):
    data = small_file.read_bytes()
    damaged = bytearray(data)
    unnoticed = []
    for place in range(body_start(data)):
        for bit in range(8):
            damaged[place] = data[place] ^ 1 << bit
            if not refused(damaged):
                unnoticed.append((place, bit))
        damaged[place] = data[place]
    assert unnoticed == []


@pytest.mark.parametrize(("written", "same_value"), [(b":1.0", b":1e0"), (b"1e-05", b"1E-05"), (b'"F32"', b' "F32"')])
def test_another_spelling_of_the_same_values_is_noticed(refused, small_file, written, same_value):
    data = small_file.read_bytes()
    start = data[: body_start(data)].rindex(written)
    length = body_start(data) - 8 + len(same_value) - len(written)
    assert refused(length.to_bytes(8, "little") + data[8:start] + same_value + data[start + len(written) :])


@pytest.mark.parametrize("space", [b"\n", b"\t", b"\r"])
def test_other_spaces_after_the_header_are_noticed(refused, small_model, tmp_path, space):
    for note in ("", "."):  # a header is filled up to a multiple of 8 bytes: one of the two needs it
        data = dataclasses.replace(small_model, card={"note": note}).save(tmp_path / "a.safetensors").read_bytes()
        last = body_start(data) - 1
        if data[last : last + 1] == b" ":
            assert refused(data[:last] + space + data[last + 1 :])
            return
    pytest.fail("no header was filled up")


def test_every_byte_is_noticed_whatever_takes_its_place(refused, small_file):
    data = small_file.read_bytes()
    damaged = bytearray(data)
    changes = np.random.default_rng(0).integers(1, 256, len(data))
    unnoticed = []
    for place, change in enumerate(changes.tolist()):
        damaged[place] = data[place] ^ change
        if not refused(damaged):
            unnoticed.append(place)
        damaged[place] = data[place]
    assert unnoticed == []


def test_every_length_but_its_own_is_noticed(refused, small_file):
    data = small_file.read_bytes()
    assert [length for length in range(len(data)) if not refused(data[:length])] == []
    assert [more for more in (b"\0", b" ", data) if not refused(data + more)] == []
