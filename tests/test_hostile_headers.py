"""Model files and settings that name code: a name is looked up in the library's own lists, and nowhere else."""

import dataclasses
import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handwriting_cnn as hw
from handwriting_cnn.artifact.header import KEY, content_digest, read_model_header
from handwriting_cnn.storage.canonical import canonical_json, file_sha256
from handwriting_cnn.storage.tensors import load_tensors, save_tensors

sys.path.insert(0, str(Path(__file__).parent))
from hostile_files import write_pickle
from hostile_keras import lambda_layer

OPTIONS = {"input_shape": [8, 8, 1], "num_classes": 3}
NAMES = (
    *("../x", "/etc/passwd", "os.system", "os:system", "builtins.exec", "__import__", "keras.utils.get_file"),
    *(
        "register_model",
        "handwriting_cnn.models.registry.register_model",
        "small_net.__globals__",
        "",
        "\u202esmall_net",
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    return tmp_path_factory.mktemp("canary") / "canary"


@pytest.fixture(scope="module")
def signed(small_file, tmp_path_factory):
    """Writes the small model's file with other parts in its header, under a digest that is right."""
    target = tmp_path_factory.mktemp("signed") / "signed.safetensors"

    def write(**parts):
        header, tensors = {**read_model_header(small_file), **parts}, load_tensors(small_file)
        header["sha256"] = content_digest(header, tensors)
        save_tensors(target, tensors, metadata={KEY: canonical_json(header).decode()})
        return target

    return write


def gadgets(canary):
    """Return the ways in which JSON values have named code."""
    return [
        lambda_layer(canary),
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"},
        {"module": "builtins", "class_name": "exec", "config": f"open({str(canary)!r}, 'w')"},
        {"__class__": "pathlib.Path.touch", "__init__": [str(canary)]},
        {"__reduce__": ["os.system", f"touch {canary}"]},
        {"py/object": "os.system", "py/reduce": [{"py/type": "os.system"}, {"py/tuple": [f"touch {canary}"]}]},
        f"${{exec:touch {canary}}}",
        f"__import__('pathlib').Path({str(canary)!r}).touch()",
    ]


def test_the_first_gadget_does_harm_where_keras_is_told_to_trust_it(canary):
    layer = keras.saving.deserialize_keras_object(gadgets(canary)[0], safe_mode=False)
    layer(np.zeros((1, 4), np.float32))
    assert canary.exists()
    canary.unlink()


def test_the_small_model_under_another_digest_is_loaded(signed):
    assert hw.load_model(signed()).alphabet.characters == ("a", "b", "c")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_paths_or_code_are_no_models(signed, name):
    with pytest.raises(hw.ModelFileError, match="cannot be built here: unknown model"):
        hw.load_model(signed(architecture={"name": name, "options": OPTIONS}))
    base = {"name": name, "options": OPTIONS}
    with pytest.raises(hw.ModelFileError, match="cannot be built here"):
        hw.load_model(signed(architecture={"name": "transfer", "options": {**OPTIONS, "base": base}}))


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_paths_or_code_are_nothing_that_is_known(name):
    known = (lambda: hw.build_model(name, input_shape=(8, 8, 1), num_classes=3), lambda: hw.load_dataset(name))
    for find in (*known, lambda: hw.run_task(name)):
        with pytest.raises(hw.UnknownNameError):
            find()
    with pytest.raises(hw.ModelFileError) as refused:
        hw.load_model(name)
    assert "root:" not in str(refused.value)


def test_gadgets_in_a_header_are_refused_wherever_they_stand(signed, canary):
    transfer = {**OPTIONS, "base": {"name": "cnn3", "options": OPTIONS}, "adapter": "auto", "head": "dense"}
    for gadget in gadgets(canary):
        small = [
            {"name": "small_net", "options": {**OPTIONS, place: gadget}} for place in (*OPTIONS, "layer", "__class__")
        ]
        moved = [{"name": "transfer", "options": {**transfer, place: gadget}} for place in transfer]
        parts = [{"architecture": value} for value in (*small, *moved, {"name": gadget, "options": OPTIONS})]
        parts += [{"architecture": {"name": "small_net", "options": gadget}}]
        if isinstance(gadget, dict):
            parts += [{part: gadget} for part in ("architecture", "alphabet", "preprocessing", "reading")]
        for value in parts:
            with pytest.raises(hw.ModelFileError) as refused:
                hw.load_model(signed(**value))
            assert len(str(refused.value).splitlines()) == 1
            assert not canary.exists()


def test_gadgets_in_a_card_are_nothing_but_data(signed, canary):
    card = {"metrics": {}, "gadgets": gadgets(canary)}
    saved = hw.load_model(signed(card=card))
    assert saved.card == card
    saved(np.zeros((1, 8, 8, 1), np.uint8))
    assert not canary.exists()


def test_a_transferred_model_of_many_bases_is_refused_before_it_is_built(signed):
    options = OPTIONS
    for _ in range(30):
        options = {**OPTIONS, "base": {"name": "transfer", "options": options}}
    with pytest.raises(hw.ModelFileError, match="cannot be built here"):
        hw.load_model(signed(architecture={"name": "transfer", "options": options}))


@settings(max_examples=60)
@given(part=st.sampled_from(["alphabet", "preprocessing", "reading", "architecture", "format_version"]), value=JSON)
def test_any_value_in_a_header_is_read_or_refused(signed, part, value):
    with suppress(hw.ModelFileError):
        assert hw.load_model(signed(**{part: value})).model.count_params() == 195


CONFIGS = {
    hw.Alphabet: {"characters": ["a", "b"]},
    hw.AugmentConfig: {},
    hw.PreprocessSpec: {},
    hw.ReadingRules: {},
    hw.Stage: {"epochs": 1},
    hw.TrainConfig: {},
}


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_gadgets_in_settings_are_refused(kind, canary):
    kind.from_json(CONFIGS[kind])
    for gadget in gadgets(canary):
        places = [
            item.name for item in dataclasses.fields(kind) if item.name != "script" or not isinstance(gadget, str)
        ]
        for place in (*places, "__class__", "module"):
            with pytest.raises(hw.HandwritingError):
                kind.from_json({**CONFIGS[kind], place: gadget})
    assert not canary.exists()


@settings(max_examples=150)
@given(data=st.data(), kind=st.sampled_from(list(CONFIGS)))
def test_any_value_of_a_setting_is_taken_or_refused(data, kind):
    place = data.draw(st.sampled_from([item.name for item in dataclasses.fields(kind)]))
    try:
        config = kind.from_json({**CONFIGS[kind], place: data.draw(JSON)})
    except hw.HandwritingError:
        return
    if hasattr(config, "to_json"):
        assert kind.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.fixture(scope="module")
def strokes():
    labels = np.arange(12) % 3
    images = np.zeros((12, 8, 8), np.uint8)
    images[np.arange(12), labels * 2 + 1] = 255
    return hw.Dataset.from_arrays(images, labels, alphabet="abc")


def trained(strokes, run_dir):
    config = hw.TrainConfig(epochs=1, batch_size=4, augment=None, precision="float32", steps_per_execution=1)
    model = hw.build_model("small_net", input_shape=(8, 8, 1), num_classes=3, seed=0)
    return hw.Trainer(config).fit(model, strokes, run_dir=run_dir, progress=False)


def test_hostile_files_in_a_run_folder_are_refused_or_passed_over(small_model, strokes, canary, tmp_path, caplog):
    trained(strokes, tmp_path / "run")
    for folder in (tmp_path / "run" / "checkpoints").iterdir():  # what they hold, though rightly signed, is a pickle
        write_pickle(folder / "tensors.safetensors", canary, canary)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["sha256"] = file_sha256(folder / "tensors.safetensors")
        (folder / "manifest.json").write_bytes(canonical_json(manifest))
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    result = trained(strokes, tmp_path / "run")
    assert len(result.history["loss"]) == 1
    assert "was skipped" in caplog.text
    assert not canary.exists()
    for gadget in gadgets(canary):
        run = json.loads((tmp_path / "other" / "run.json").read_text(encoding="utf-8"))
        run["config"] = dict.fromkeys(run["config"], gadget)
        (tmp_path / "other" / "run.json").write_text(json.dumps(run), encoding="utf-8")
        with pytest.raises(hw.HandwritingError):
            trained(strokes, tmp_path / "other")
        assert not canary.exists()
