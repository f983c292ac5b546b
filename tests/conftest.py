"""Fixtures for all tests."""

import os
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does
if os.environ.get("KERAS_BACKEND") == "jax":  # networks here are tiny, and compiling them is what takes the time
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

# Machines differ in speed, and a failure must repeat.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")

_SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of the real data sets; tests that need them skip where it is not there."""
    folder = Path(os.environ.get("HANDWRITING_CNN_MIRROR", _SHARED))
    if not folder.is_dir():
        pytest.skip("needs the real data: set HANDWRITING_CNN_MIRROR to a folder that holds them")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty data cache, and no mirror."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(folder))
    monkeypatch.delenv("HANDWRITING_CNN_MIRROR", raising=False)
    return folder


@pytest.fixture(scope="session")
def digits():
    """The embedded data set's splits."""
    from handwriting_cnn.data.loading import load_dataset

    return load_dataset("digits")


@pytest.fixture(scope="session")
def small_model():
    """A saved model of a few hundred weights, whose network is registered by this function."""
    import keras

    from handwriting_cnn.artifact.model_file import SavedModel
    from handwriting_cnn.data.alphabet import Alphabet
    from handwriting_cnn.imaging.preprocessing import PreprocessSpec
    from handwriting_cnn.models.registry import build_model, register_model

    @register_model("small_net")
    def small_net(input_shape, num_classes):
        inputs = keras.Input(input_shape)
        pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
        return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(pixels))

    return SavedModel(
        model=build_model("small_net", input_shape=(8, 8, 1), num_classes=3, seed=0),
        alphabet=Alphabet.of("abc"),
        preprocessing=PreprocessSpec(height=8, width=8),
        card={"data": {"name": "none"}, "metrics": {"accuracy": 0.5, "loss": 1.0, "rate": 1e-05}},
    )


@pytest.fixture(scope="session")
def small_file(small_model, tmp_path_factory):
    """Its file, of about two kilobytes."""
    return small_model.save(tmp_path_factory.mktemp("small") / "small.safetensors")
