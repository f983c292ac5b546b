import dataclasses
import hashlib
import json
import struct

import keras
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from handwriting_cnn.artifact.header import read_model_header
from handwriting_cnn.artifact.model_file import SavedModel, load_model
from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import ModelFileError, OutputError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.origin import model_origin
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.models.weights import weight_array

pytestmark = pytest.mark.core

OPTIONS = {"input_shape": [16, 16, 1], "num_classes": 3}
CARD = {"data": {"name": "strokes"}, "metrics": {"accuracy": 0.9}, "licence": "MIT"}


def saved_model(seed=0):
    model = build_model("cnn14_bn", input_shape=(16, 16, 1), num_classes=3, width=2, seed=seed)
    spec = PreprocessSpec(height=16, width=16, crop=True)
    return SavedModel(model=model, alphabet=Alphabet.of("ابج"), preprocessing=spec, card=CARD)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return saved_model().save(tmp_path_factory.mktemp("models") / "model.safetensors")


def rewritten(path, target, *, header=None, tensors=None, resign=True):
    """Save the model file with changes, under a right digest of its own if ``resign``."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    values = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["handwriting_cnn"])
    values.update(header or {})
    arrays = {**safetensors.numpy.load(data), **(tensors or {})}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    if resign:
        values.pop("sha256")
        digest = hashlib.sha256(canonical(values))
        for name in sorted(arrays):
            digest.update(canonical([name, str(arrays[name].dtype), list(arrays[name].shape)]))
            digest.update(arrays[name].tobytes())
        values["sha256"] = digest.hexdigest()
    safetensors.numpy.save_file(arrays, target, metadata={"handwriting_cnn": canonical(values).decode()})
    return target


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_round_trip_keeps_everything(path):
    original, loaded = saved_model(), load_model(path)
    for a, b in zip(original.model.weights, loaded.model.weights, strict=True):
        np.testing.assert_array_equal(weight_array(a), weight_array(b))
    assert loaded.alphabet == original.alphabet
    assert loaded.preprocessing == original.preprocessing
    assert {key: loaded.card[key] for key in CARD} == CARD
    assert loaded.card["versions"]["keras"] == keras.__version__
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 1), dtype=np.uint8)
    assert model_origin(loaded.model)["learned"] == model_origin(load_model(path).model)["learned"] is not None
    answers = loaded(images)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, keras.ops.convert_to_numpy(original.model(images)), atol=1e-6)


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    assert saved_model().save(tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert load_model(path).save(tmp_path / "copy.safetensors").read_bytes() == path.read_bytes()
    assert saved_model(seed=1).save(tmp_path / "other.safetensors").read_bytes() != path.read_bytes()


def test_half_precision_halves_the_file_and_rounds_each_weight(path, tmp_path):
    original = saved_model()
    small = original.save(tmp_path / "small.safetensors", dtype="float16")
    count = original.model.count_params()
    assert path.stat().st_size - small.stat().st_size == pytest.approx(2 * count, abs=64)
    loaded = load_model(small)
    for a, b in zip(original.model.weights, loaded.model.weights, strict=True):
        assert str(b.dtype) == "float32"
        np.testing.assert_array_equal(weight_array(a).astype(np.float16).astype(np.float32), weight_array(b))
    assert loaded.save(tmp_path / "again.safetensors", dtype="float16").read_bytes() == small.read_bytes()
    with pytest.raises(UnknownNameError, match="did you mean 'float16'"):
        original.save(tmp_path / "small.safetensors", dtype="float61")
    original.model.weights[0].assign(np.full((3, 3, 1, 2), 1e5, np.float32))  # half precision ends at 65,504
    with pytest.raises(ModelFileError, match="not finite in float16"):
        original.save(tmp_path / "large.safetensors", dtype="float16")
    assert not (tmp_path / "large.safetensors").exists()


def test_the_signature_follows_the_documented_rule(path, tmp_path):
    target = rewritten(path, tmp_path / "same.safetensors")
    assert read_model_header(target) == read_model_header(path)
    load_model(target)


def test_every_flipped_byte_is_noticed(path, tmp_path):
    data = path.read_bytes()
    target = tmp_path / "flipped.safetensors"
    rng = np.random.default_rng(0)
    places = {0, 8, len(data) - 1, *rng.integers(0, len(data), 40).tolist()}
    for place in sorted(places):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        target.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load_model(target)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_files_are_refused(path, tmp_path, kept):
    target = tmp_path / "short.safetensors"
    target.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelFileError, match=r"short\.safetensors"):
        load_model(target)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format_version": 2}, "a newer version is needed"),
        ({"format_version": "1"}, "no format_version"),
        ({"architecture": {"name": "nets", "options": OPTIONS}}, "unknown model 'nets'"),
        ({"architecture": {"name": "cnn14_bn"}}, "cannot be built here"),
        ({"architecture": {"name": "cnn14_bn", "options": {}}}, "must have input_shape"),
        ({"architecture": [1]}, "architecture"),
        ({"alphabet": {"characters": ["a", "a", "b"]}}, "cannot be built here"),
        ({"alphabet": {"characters": ["a", "b"]}}, "2 letters for 3 classes"),
        ({"reading": {"profiles": [[1, -1], [-1, 1]]}}, "profiles of 2 classes for 3 letters"),
        ({"preprocessing": {"height": 0}}, "height must be"),
        ({"surprise": 1}, "other parts"),
    ],
)
def test_headers_that_say_something_else_are_refused(path, tmp_path, header, message):
    with pytest.raises(ModelFileError, match=message):
        load_model(rewritten(path, tmp_path / "changed.safetensors", header=header))


@pytest.mark.parametrize("text", ['{"a":' * 100_000, '{"card": NaN}', '{"card": "\\ud800"}'])
def test_headers_that_break_a_parser_are_refused(tmp_path, text):
    target = tmp_path / "crafted.safetensors"
    safetensors.numpy.save_file({"a": np.zeros(2, np.float32)}, target, metadata={"handwriting_cnn": text})
    with pytest.raises(ModelFileError, match="damaged header"):
        load_model(target)


def test_a_card_that_is_no_json_is_not_saved(tmp_path):
    for value in (float("nan"), {1, 2}):
        with pytest.raises(ModelFileError, match="card cannot be written as JSON"):
            dataclasses.replace(saved_model(), card={"value": value}).save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"alphabet": Alphabet.of("اب")}, "has 2 letters for 3 classes"),
        ({"reading": ReadingRules(profiles=[[1, -1], [-1, 1]])}, "profiles of 2 classes for 3 letters"),
        (
            {"preprocessing": PreprocessSpec(height=16, width=32)},
            "makes pictures of 16x32 for a network that takes 16x16",
        ),
    ],
)
def test_parts_that_do_not_fit_the_network_are_neither_saved_nor_loaded(path, tmp_path, part, message):
    with pytest.raises(ModelFileError, match=message):
        dataclasses.replace(saved_model(), **part).save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []
    changed = {name: value.to_json() for name, value in part.items()}
    rewritten(path, tmp_path / "model.safetensors", header=changed)
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "model.safetensors")


def test_options_cannot_ask_for_more_than_their_range(path, tmp_path):
    header = {"architecture": {"name": "cnn14_bn", "options": {**OPTIONS, "width": 10**9, "dropout": 0.25}}}
    with pytest.raises(ModelFileError, match="width must be an int in"):
        load_model(rewritten(path, tmp_path / "huge.safetensors", header=header))


def test_a_small_file_cannot_ask_for_a_large_network(path, tmp_path):
    # 4.4 terabytes: building it before its shapes are compared would end this process.
    options = {"input_shape": [4096, 4096, 1], "num_classes": 3, "width": 1024, "dropout": 0.25}
    header = {"architecture": {"name": "cnn14", "options": options}}
    with pytest.raises(ModelFileError, match=r"weight 0000\.kernel is .*\(3, 3, 1, 2\).*has .*\(3, 3, 1, 1024\)"):
        load_model(rewritten(path, tmp_path / "huge.safetensors", header=header))
    with keras.StatelessScope():
        pass  # at its end Keras fills the weights that it knows to have no values


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, "missing"),
        (np.zeros((2, 2), np.float32), "(2, 2)"),
        (np.full((3, 3, 1, 2), np.nan, np.float32), "not finite"),
        (np.zeros((3, 3, 1, 2), np.float64), "float64"),
    ],
)
def test_tensors_that_are_not_the_architectures_are_refused(path, tmp_path, tensor, message):
    target = rewritten(path, tmp_path / "tensors.safetensors", tensors={"0000.kernel": tensor})
    with pytest.raises(ModelFileError) as refused:
        load_model(target)
    assert message in str(refused.value)


def test_changed_tensors_without_a_new_signature_are_refused(path, tmp_path):
    target = rewritten(
        path, tmp_path / "t.safetensors", tensors={"0000.kernel": np.zeros((3, 3, 1, 2), np.float32)}, resign=False
    )
    with pytest.raises(ModelFileError, match="sha256 differs"):
        load_model(target)


def test_other_files_are_refused(path, tmp_path):
    foreign = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"a": np.zeros(2, np.float32)}, foreign, metadata={"format": "pt"})
    with pytest.raises(ModelFileError, match="not a model of this library"):
        load_model(foreign)
    with pytest.raises(ModelFileError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(ModelFileError, match="No such file"):
        load_model(tmp_path / "absent.safetensors")
    with pytest.raises(ModelFileError, match="more than the 1,000 that are allowed"):
        load_model(path, max_bytes=1000)


def test_models_that_no_file_could_build_again_are_not_saved(tmp_path):
    inputs = keras.Input((16, 16, 1))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs))
    unregistered = saved_model()
    unregistered = SavedModel(
        model=keras.Model(inputs, outputs), alphabet=unregistered.alphabet, preprocessing=unregistered.preprocessing
    )
    with pytest.raises(ModelFileError, match="@register_model"):
        unregistered.save(tmp_path / "model.safetensors")
    broken = saved_model()
    broken.model.weights[0].assign(np.full((3, 3, 1, 2), np.inf, np.float32))
    with pytest.raises(ModelFileError, match="not finite"):
        broken.save(tmp_path / "model.safetensors")
    with pytest.raises(OutputError, match=r"ends in \.safetensors"):
        saved_model().save(tmp_path / "model.h5")
    assert list(tmp_path.iterdir()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25)
@given(
    card=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    characters=st.permutations(["a", "ß", "ب", "\N{LATIN SMALL LETTER I WITH ACUTE}", "ch"]),
    preprocessing=st.builds(PreprocessSpec, height=st.just(8), width=st.just(8), margin=st.floats(0, 0.45)),
    reading=st.builds(ReadingRules, extent=st.floats(0.1, 1), threshold=st.floats(0, 1)),
    values=hnp.arrays(np.float32, 195, elements=st.floats(-1e4, 1e4, width=32)),
)
def test_any_model_comes_back(small_model, tmp_path_factory, card, characters, preprocessing, reading, values):
    folder = tmp_path_factory.mktemp("any")
    model = build_model("small_net", input_shape=(8, 8, 1), num_classes=3)
    for weight, part in zip(model.weights, (values[:192].reshape(64, 3), values[192:]), strict=True):
        weight.assign(part)
    alphabet = Alphabet.of(characters[:3])
    saved = SavedModel(model=model, alphabet=alphabet, preprocessing=preprocessing, reading=reading, card=card)
    loaded = load_model(saved.save(folder / "first.safetensors"))
    assert (loaded.alphabet, loaded.preprocessing, loaded.reading) == (alphabet, preprocessing, reading)
    assert loaded.card == {"versions": loaded.card["versions"], **card}
    for before, after in zip(model.weights, loaded.model.weights, strict=True):
        np.testing.assert_array_equal(weight_array(before), weight_array(after))
    again = loaded.save(folder / "second.safetensors")
    assert again.read_bytes() == (folder / "first.safetensors").read_bytes()


def test_what_cannot_be_built_is_said_in_one_short_line(path, tmp_path):
    options = {"input_shape": [16, 16, 1] * 5000, "num_classes": 3, "width": 2, "dropout": 0.25}
    architecture = {"name": "cnn14_bn", "options": options}
    with pytest.raises(ModelFileError, match="cannot be built here: input_shape must be") as caught:
        load_model(rewritten(path, tmp_path / "long.safetensors", header={"architecture": architecture}))
    assert len(str(caught.value)) < 500
    architecture = {
        "name": "transfer",
        "options": {
            **OPTIONS,
            "base": {"name": "transfer", "options": {"base": {"name": "transfer", "options": "none"}}},
        },
    }
    with pytest.raises(ModelFileError, match="cannot be built here"):
        load_model(rewritten(path, tmp_path / "nested.safetensors", header={"architecture": architecture}))
