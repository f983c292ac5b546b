"""The saved model: one file that never runs code."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal

import keras
import numpy as np

from handwriting_cnn import __version__
from handwriting_cnn.artifact.header import FORMAT_VERSION, KEY, content_digest, read_model_header
from handwriting_cnn.artifact.pretrained import model_path
from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import DataError, HandwritingError, ModelFileError, OutputError, UnknownNameError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.answers import network_answers
from handwriting_cnn.models.checks import check_size
from handwriting_cnn.models.origin import note_origin, weights_sha256
from handwriting_cnn.models.registry import ModelSpec, build_from_spec, model_spec
from handwriting_cnn.models.weights import named_weights, weight_array
from handwriting_cnn.storage.canonical import canonical_json
from handwriting_cnn.storage.tensors import LARGEST_BYTES, load_tensors, save_tensors
from handwriting_cnn.types import ImageArray, ProbabilityArray

_SUFFIX: Final = ".safetensors"
_STORED: Final = ("float32", "float16")


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedModel:
    """A model with what is needed to use it and to trust it.

    Attributes:
        model: The network, in float32.
        alphabet: What the classes are.
        preprocessing: How a picture becomes the network's square.
        reading: How characters on paper are scaled for it, and its confidences calibrated.
        card: Provenance as JSON values: data with digests, training, metrics with intervals, versions, licence.
    """

    model: keras.Model
    alphabet: Alphabet
    preprocessing: PreprocessSpec
    reading: ReadingRules = field(default_factory=ReadingRules)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, images: ImageArray, /) -> ProbabilityArray:
        """Return float32 probabilities ``(n, num_classes)`` of uint8 pictures ``(n, height, width, channels)``.

        Raises:
            ShapeMismatchError: If the pictures have another size than the network takes.
            DataError: If they are floats of 0..1: the network takes 0..255.
        """
        check_size(getattr(self.model, "input_shape", None), images)
        if np.asarray(images).dtype.kind == "f" and 0 < np.max(images, initial=0) <= 1:
            raise DataError("the pictures' brightest pixel is at most 1: pixels are 0..255, not 0..1")
        return network_answers(self.model, images)

    def save(self, path: str | PathLike[str], *, dtype: Literal["float32", "float16"] = "float32") -> Path:
        """Write the model file; the same model gives the same bytes.

        Args:
            path: Where to; the name ends in ``.safetensors``.
            dtype: How weights are stored. ``"float16"`` halves the file and keeps 11 bits of each weight; the model
                that is loaded computes in float32 all the same, with the rounded weights.

        Returns:
            The path.

        Raises:
            UnknownNameError: If ``dtype`` is another.
            ModelFileError: If the model is not of a registered architecture, differs from what its architecture
                builds, or has weights that are not finite or too large for ``dtype``; if alphabet, preprocessing or
                reading rules do not fit it; or if its card is no JSON.
            OutputError: If the file cannot be written.
        """
        path = Path(path)
        UnknownNameError.check("dtype", [dtype], known=_STORED)
        if path.suffix != _SUFFIX:
            raise OutputError(f"a model file's name ends in {_SUFFIX}, but {path.name!r} does not")
        spec = model_spec(self.model)
        if spec is None:
            raise ModelFileError(
                f"model {self.model.name!r} was not built by a registered factory, so no file could build it again: "
                "register it, or the base it was transferred from, with @register_model and build it with build_model"
            )
        tensors = {name: weight_array(weight) for name, weight in named_weights(self.model).items()}
        outline, what = _outline(spec), f"the model to save as {path}"
        _compare(what, tensors, outline)
        _check_parts(what, outline, self.alphabet, self.preprocessing, self.reading)
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            tensors = {
                name: tensor.astype(dtype) if tensor.dtype == np.float32 else tensor for name, tensor in tensors.items()
            }
        if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
            raise ModelFileError(f"the model has weights that are not finite in {dtype}: it cannot be saved")
        header: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "architecture": spec.to_json(),
            "alphabet": self.alphabet.to_json(),
            "preprocessing": self.preprocessing.to_json(),
            "reading": self.reading.to_json(),
            "card": {"versions": _versions(), **self.card},
        }
        try:
            header["sha256"] = content_digest(header, tensors)
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"the model's card cannot be written as JSON: {error}") from None
        save_tensors(path, tensors, metadata={KEY: canonical_json(header).decode()})
        return path


def load_model(path: str | PathLike[str], *, max_bytes: int = LARGEST_BYTES) -> SavedModel:
    """Load a model file, or a trained model of the package by its name.

    The network is built by this library's own registered factory and then filled: nothing in the file is run.

    Args:
        path: The model file, or a name of :func:`~handwriting_cnn.list_pretrained`.
        max_bytes: Largest file that is opened, in bytes.

    Returns:
        The model with alphabet, preprocessing and card.

    Raises:
        ModelFileError: If the file is none, is damaged, has weights that are not finite or not its architecture's, or
            needs an architecture that is not registered.
    """
    path = model_path(Path(path))
    header = read_model_header(path, max_bytes=max_bytes)
    tensors = load_tensors(path, max_bytes=max_bytes)
    if header["sha256"] != content_digest(header, tensors):
        raise ModelFileError(f"{path} is damaged: its content is not what was saved (sha256 differs)")
    architecture = header["architecture"]
    try:
        alphabet = Alphabet.from_json(header["alphabet"])
        preprocessing = PreprocessSpec.from_json(header["preprocessing"])
        reading = ReadingRules.from_json(header["reading"])
        spec = ModelSpec(architecture["name"], architecture["options"])
        outline = _outline(spec)
    except UnknownNameError as error:
        hint = "; import the module that registers it first (--import MODULE)" if error.kind == "model" else ""
        raise ModelFileError(f"{path} cannot be built here: {error!s:.300}{hint}") from error
    except (HandwritingError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be built here: {error!s:.300}") from error
    _compare(str(path), tensors, outline)
    _check_parts(str(path), outline, alphabet, preprocessing, reading)
    model = build_from_spec(spec)
    for name, weight in named_weights(model).items():
        weight.assign(tensors[name].astype(weight.dtype))
    note_origin(model, learned=weights_sha256(model.weights))
    return SavedModel(model=model, alphabet=alphabet, preprocessing=preprocessing, reading=reading, card=header["card"])


def _outline(spec: ModelSpec) -> keras.Model:
    """Build a network whose weights have names, shapes and types, but no values.

    A file of a few bytes can describe a network that no memory has room for. Keras notes, by thread, which weights have
    no values yet, and fills them at the next opportunity: the thread ends with its notes.
    """

    def build() -> keras.Model:
        with keras.StatelessScope(initialize_variables=False):
            return build_from_spec(spec)

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(build).result()


def _check_parts(
    what: str, network: keras.Model, alphabet: Alphabet, preprocessing: PreprocessSpec, reading: ReadingRules
) -> None:
    if len(alphabet) != network.output_shape[-1]:
        raise ModelFileError(f"{what} has {len(alphabet)} letters for {network.output_shape[-1]} classes")
    if reading.profiles and len(reading.profiles) != len(alphabet):
        raise ModelFileError(f"{what} has profiles of {len(reading.profiles)} classes for {len(alphabet)} letters")
    size = (preprocessing.height, preprocessing.width)
    if size != tuple(network.input_shape[1:3]):
        taken = "x".join(map(str, network.input_shape[1:3]))
        raise ModelFileError(f"{what} makes pictures of {size[0]}x{size[1]} for a network that takes {taken}")


def _versions() -> dict[str, str]:
    return {"handwriting-cnn": __version__, "keras": keras.__version__, "numpy": np.__version__}


def _compare(what: str, tensors: Mapping[str, Any], model: keras.Model) -> None:
    expected = {name: (tuple(weight.shape), str(weight.dtype)) for name, weight in named_weights(model).items()}
    # A weight may be stored in half precision; a mixture is as good as either.
    found = {
        name: (tensor.shape, "float32" if str(tensor.dtype) in _STORED else str(tensor.dtype))
        for name, tensor in tensors.items()
    }
    if found == expected:
        return
    name = min(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    raise ModelFileError(
        f"{what}: weight {name} is {found.get(name, 'missing')}, but architecture {model.name!r} has "
        f"{expected.get(name, 'none of that name')}"
    )
