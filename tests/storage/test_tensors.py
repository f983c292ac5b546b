import hashlib
import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handwriting_cnn.errors import ModelFileError, OutputError
from handwriting_cnn.storage.canonical import canonical_json, file_sha256
from handwriting_cnn.storage.tensors import load_tensors, read_header, save_tensors

TENSORS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.int64(7), "c": np.zeros((0, 4), np.float16)}


@pytest.fixture
def path(tmp_path):
    save_tensors(tmp_path / "file.safetensors", TENSORS, metadata={"z": "1", "a": "ب"})
    return tmp_path / "file.safetensors"


def test_safetensors_itself_reads_what_was_written(path):
    read = safetensors.numpy.load_file(path)
    assert set(read) == set(TENSORS)
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
    header = read_header(path)
    assert header.metadata == {"z": "1", "a": "ب"}
    assert header.shapes == {"a": (), "b": (2, 3), "c": (0, 4)}
    assert header.dtypes == {"a": "I64", "b": "F32", "c": "F16"}


def test_equal_content_gives_equal_bytes(path, tmp_path):
    again = tmp_path / "again.safetensors"
    save_tensors(again, dict(reversed(TENSORS.items())), metadata={"a": "ب", "z": "1"})
    assert again.read_bytes() == path.read_bytes()


def test_equal_content_gives_equal_bytes_in_every_process(tmp_path):
    program = (
        "import pathlib, sys, numpy as np\n"
        "from handwriting_cnn.storage.tensors import save_tensors\n"
        "save_tensors(pathlib.Path(sys.argv[1]), {'x': np.ones(3)}, metadata=dict.fromkeys('hgfedcba', '1'))\n"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", program, tmp_path / name], check=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@given(array=hnp.arrays(st.sampled_from([np.float32, np.int64, np.uint8]), hnp.array_shapes(max_dims=4, max_side=4)))
def test_any_array_comes_back(array, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "file"
    save_tensors(path, {"x": array.T}, metadata={})
    if np.isfinite(array).all():
        np.testing.assert_array_equal(load_tensors(path)["x"], array.T)
    else:
        with pytest.raises(ModelFileError, match="not finite"):
            load_tensors(path)


def forged(header, body=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 a zip", "no whole safetensors"),
        (struct.pack("<Q", 2**60) + b"{}", "no whole safetensors"),
        (forged({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}), "no whole safetensors"),
        (forged({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, b"1234"), "no whole safetensors"),
        (forged({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, b"1234"), "no whole safetensors"),
        (forged({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12345"), "no whole safetensors"),
        (forged({"x": {"dtype": "OBJ", "shape": [1], "data_offsets": [0, 4]}}, b"1234"), "no whole safetensors"),
        (forged({"__metadata__": {"nested": {}}}), "no whole safetensors"),
        (forged([1, 2]), "no whole safetensors"),
    ],
)
def test_hostile_files_are_refused(tmp_path, data, message):
    path = tmp_path / "hostile"
    path.write_bytes(data)
    for read in (read_header, load_tensors):
        with pytest.raises(ModelFileError, match=message):
            read(path)


@pytest.mark.parametrize("kept", [1, 8, 60, -1])
def test_truncated_files_are_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    for read in (read_header, load_tensors):
        with pytest.raises(ModelFileError, match="no whole safetensors"):
            read(path)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_are_refused_or_keep_the_form(path, data):
    damaged = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=3)):
        damaged[place] = data.draw(st.integers(0, 255))
    other = path.with_name("damaged")
    other.write_bytes(damaged)
    try:
        header, tensors = read_header(other), load_tensors(other)
    except ModelFileError:
        return
    assert header.shapes == {name: array.shape for name, array in tensors.items()}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_header, load_tensors):
        with pytest.raises(ModelFileError, match="no regular file"):
            read(tmp_path / "pipe")


def test_other_things_are_refused(path, tmp_path):
    with pytest.raises(ModelFileError, match="is a folder"):
        load_tensors(tmp_path)
    with pytest.raises(ModelFileError, match="No such file"):
        read_header(tmp_path / "absent")
    with pytest.raises(ModelFileError, match="more than the 10 that are allowed"):
        load_tensors(path, max_bytes=10)
    with pytest.raises(OutputError):
        save_tensors(path / "below", TENSORS, metadata={})


def test_canonical_json_and_digests(tmp_path):
    assert canonical_json({"b": [1, 2.5], "a": "ب"}) == '{"a":"ب","b":[1,2.5]}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
    (tmp_path / "file").write_bytes(b"abc")
    assert file_sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
