"""The formats: how each is written, and how its own runtime answers."""

import contextlib
import io
import subprocess
import sys
import tempfile
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final

import keras
import numpy as np
from typing_extensions import override

from handwriting_cnn.errors import ConfigError, ExportError
from handwriting_cnn.models.blocks import FusedBatchNormalization
from handwriting_cnn.models.checks import check_size
from handwriting_cnn.models.normalization import MomentNormalization
from handwriting_cnn.models.registry import build_from_spec, model_spec
from handwriting_cnn.models.weights import weight_array
from handwriting_cnn.types import Classifier, ImageArray

_EXTRA: Final = "pip install 'handwriting-cnn[export]'"
_IN_FLOAT: Final = (  # places, sizes and probabilities, of which 8 bits would leave little, come from these
    *(
        "ABS",
        "ADD",
        "BATCH_MATMUL",
        "DIV",
        "MAXIMUM",
        "MEAN",
        "MINIMUM",
        "MUL",
        "POW",
        "RELU",
        "RSQRT",
        "SOFTMAX",
        "SQRT",
        "SQUARE",
    ),
    *("SQUARED_DIFFERENCE", "SUB", "SUM"),
)
_ASK: Final = (
    "import sys, numpy, keras; model = keras.saving.load_model(sys.argv[1], compile=False); "
    "numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]).astype('float32'), verbose=0))"
)


class Format(ABC):
    """A format that a model is written in.

    Attributes:
        name: What users call it.
        suffix: The end of its files' names; ``""`` is a folder.
        needs: Modules of the ``export`` extra that write it or run it.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    runtime: ClassVar[tuple[str, ...]] = ()

    def check_installed(self) -> None:
        """Refuse where something that is needed is missing.

        Raises:
            ConfigError: If a module is not installed, or the backend is not TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise ConfigError(f"models are exported with the backend tensorflow, but it is {keras.backend.backend()}")
        self._check_modules(self.needs)

    def check_runtime(self) -> None:
        """Refuse where what opens the format is missing.

        Raises:
            ConfigError: If a module is not installed.
        """
        self._check_modules(self.runtime)

    def _check_modules(self, modules: tuple[str, ...]) -> None:
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            raise ConfigError(f"{self.name} needs {', '.join(missing)}: {_EXTRA}")

    @abstractmethod
    def write(self, model: keras.Model, path: Path) -> None:
        """Write a network, from float32 pixels 0..255 to probabilities."""

    @abstractmethod
    def open(self, path: Path) -> Classifier:
        """Return what was written, run by the format's own runtime."""


class Onnx(Format):
    """ONNX, written by tf2onnx and run by ONNX Runtime."""

    name = "ONNX"
    suffix = ".onnx"
    needs: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "tf2onnx")
    runtime: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    @override
    def write(self, model: keras.Model, path: Path) -> None:
        with _quiet():
            model.export(path, format="onnx", verbose=False)

    @override
    def open(self, path: Path) -> Classifier:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        shape = tuple(given.shape)

        def answer(images: ImageArray) -> Any:
            check_size(shape, images)
            return session.run(None, {given.name: np.asarray(images, np.float32)})[0]

        return answer


class LiteRT(Format):
    """LiteRT (TensorFlow Lite), in float32 or, with pictures to measure the ranges on, with layers in int8.

    Args:
        representative: uint8 pictures that show the ranges of each layer; ``None`` keeps float32.
    """

    name = "LiteRT"
    suffix = ".tflite"
    needs: ClassVar[tuple[str, ...]] = ("ai_edge_litert",)
    runtime: ClassVar[tuple[str, ...]] = ("ai_edge_litert",)

    def __init__(self, representative: ImageArray | None = None) -> None:
        self._representative = representative

    @override
    def write(self, model: keras.Model, path: Path) -> None:
        import tensorflow as tf

        with _quiet():
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
            if self._representative is None:
                path.write_bytes(converter.convert())
                return
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = self._samples
            options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(_IN_FLOAT))
            chosen = tf.lite.experimental.QuantizationDebugger(
                converter=converter, debug_dataset=self._samples, debug_options=options
            )
            path.write_bytes(chosen.get_nondebug_quantized_model())

    @override
    def open(self, path: Path) -> Classifier:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path))
        interpreter.allocate_tensors()  # refuses operations that LiteRT does not have, before anything is asked
        given, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        shape = tuple(interpreter.get_input_details()[0]["shape_signature"].tolist())

        def answer(images: ImageArray) -> Any:
            check_size(shape, images)
            interpreter.resize_tensor_input(given, images.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(given, np.asarray(images, np.float32))
            interpreter.invoke()
            return np.array(interpreter.get_tensor(result))

        return answer

    def _samples(self) -> Iterator[list[Any]]:
        for picture in self._representative if self._representative is not None else ():
            yield [picture[np.newaxis].astype(np.float32)]


class SavedModelFolder(Format):
    """TensorFlow's SavedModel: a folder."""

    name = "SavedModel"
    suffix = ""

    @override
    def write(self, model: keras.Model, path: Path) -> None:
        with _quiet():
            model.export(path, format="tf_saved_model", verbose=False)

    @override
    def open(self, path: Path) -> Classifier:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        return lambda images: loaded.serve(tf.constant(np.asarray(images, np.float32))).numpy()


class KerasFile(Format):
    """Keras's own file, of stock layers alone: Keras opens it where this library is not installed."""

    name = "Keras"
    suffix = ".keras"

    @override
    def write(self, model: keras.Model, path: Path) -> None:
        with _quiet():
            of_stock_layers(model).save(path)

    @override
    def open(self, path: Path) -> Classifier:
        return lambda images: _asked_elsewhere(path, images)


def of_stock_layers(model: keras.Model) -> keras.Model:
    """Return a copy of a network in which Keras's own layers and operations stand for those of this library."""
    spec = model_spec(model)
    copy = keras.models.clone_model(model) if spec is None else build_from_spec(spec)
    _fill(copy, model)
    return _stock(copy)


def _stock(model: keras.Model) -> keras.Model:
    """Return a network that shares the layers of another where they are Keras's own."""
    replaced: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def chosen(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Model):
            return _stock(layer)
        if not isinstance(layer, FusedBatchNormalization):
            return layer
        replaced.append((layer, keras.layers.BatchNormalization(**layer.get_config())))
        return replaced[-1][1]

    def called(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        # A call without the layer around it leaves its operations in the graph.
        call: Callable[..., Any] = layer.call if isinstance(layer, MomentNormalization) else layer
        return call(*inputs, **options)

    stock = keras.models.clone_model(model, clone_function=chosen, call_function=called)
    for ours, keras_own in replaced:
        _fill(keras_own, ours)
    return stock


def _fill(target: Any, source: Any) -> None:
    for weight, filled in zip(target.weights, source.weights, strict=True):
        weight.assign(weight_array(filled))


def _asked_elsewhere(path: Path, images: ImageArray) -> Any:
    """Return the answers of a Keras file that a process without this library opens."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "images.npy"), Path(folder, "answers.npy")
        np.save(given, images)
        command = [sys.executable, "-c", _ASK, str(path), str(given), str(result)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
        if done.returncode:
            raise ExportError(f"Keras does not open {path.name}: {done.stderr.strip().splitlines()[-1]}")
        return np.load(result, allow_pickle=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converters' chatter from the user."""
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
        yield
