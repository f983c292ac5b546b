"""Writing a model for another program, and checking what was written."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Protocol

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from handwriting_cnn.artifact.model_file import SavedModel
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import ConfigError, DataError, ExportError, ModelFileError, OutputError
from handwriting_cnn.exporting.formats import Format, KerasFile, LiteRT, Onnx, SavedModelFolder
from handwriting_cnn.models.answers import network_answers
from handwriting_cnn.models.checks import fits
from handwriting_cnn.storage.atomic import staged_folder, write_bytes, write_text
from handwriting_cnn.types import Classifier, ImageArray

_FORMATS: Final = (Onnx, LiteRT, SavedModelFolder, KerasFile)
_LARGEST_DIFFERENCE: Final = 1e-4
_INT8_DIFFERENT: Final = 0.01  # of the answers
_RANGES: Final = 500  # pictures that show the ranges for int8
_GRAPH: Final = "saved_model.pb"  # every SavedModel's folder has it
_STROKES: Final = 64  # pictures drawn for the check where none are given


class _Savable(Protocol):
    def to_saved_model(self) -> SavedModel: ...


class _Reading(Protocol):
    @property
    def saved(self) -> SavedModel: ...


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written, and how it compares with the original.

    Attributes:
        path: The file or folder.
        format: ``"ONNX"``, ``"LiteRT"``, ``"SavedModel"`` or ``"Keras"``.
        int8: Whether its numbers are 8-bit integers.
        bytes: Its size.
        images: Pictures that both were asked about.
        largest_difference: Of two probabilities of the same class and picture.
        different_answers: Pictures whose most likely class differs.
    """

    path: Path
    format: str
    int8: bool
    bytes: int
    images: int
    largest_difference: float
    different_answers: int

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {**asdict(self), "path": str(self.path)}


def export(
    model: SavedModel | _Savable | _Reading | keras.Model,
    path: str | PathLike[str],
    *,
    images: Dataset | ImageArray | None = None,
    int8: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Write a model for other programs; its own runtime must give the original's answers, else nothing is left.

    The written network takes float32 pixels 0..255 ``(n, height, width, channels)`` and gives probabilities. Beside it
    lies ``<name>.json`` with the comparison, the alphabet, and the rules for pictures; ONNX has them as metadata, too.

    Args:
        model: A saved model, a training run's result, a recogniser, or a network.
        path: Where to; its suffix is the format: ``.onnx``, ``.tflite`` (LiteRT), ``.keras``, or none for a SavedModel
            folder.
        images: Pictures for the comparison, uint8 ``(n, height, width, channels)`` or a data set; ``None`` draws
            strokes. Real ones are better; int8, and a network that takes pictures of any size, need them.
        int8: Whether LiteRT computes in 8-bit integers, whose ranges the first 500 pictures show.
        overwrite: Whether what lies at ``path`` is replaced; a folder only if it is empty or a SavedModel's.

    Returns:
        The comparison.

    Raises:
        ConfigError: If the suffix is of no format, or ``path`` has no name; something it needs is not installed; the
            network does not tell what it takes; or pictures are needed, or int8 is asked of another format than LiteRT.
        DataError: If the pictures are not of the model's form.
        OutputError: If the path exists and must not be replaced, or cannot be written.
        ExportError: If the answers differ: by more than 0.0001, or for int8 in more than 1% of the pictures.
    """
    path, (network, metadata) = Path(path), _parts(model)
    pictures = _pictures(images, network)
    kind = _format(path, pictures if int8 and images is not None else None, int8=int8)
    beside = path.with_name(f"{path.name}.json")
    for place in (path, beside):
        if place.exists() and not overwrite:
            raise OutputError(f"{place} exists already: it is replaced only where overwrite is asked for")
    if path.is_dir() and any(path.iterdir()) and not (path / _GRAPH).is_file():
        raise OutputError(f"{path} is a folder with other things than a SavedModel: it is not replaced")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, f"model{kind.suffix}")
        original = network_answers(network, pictures)
        kind.write(network, written)
        if isinstance(kind, Onnx):
            _add_metadata(written, metadata)
        report = _compared(kind, written, path, original, pictures, int8=int8)
        _check(report)
        if written.is_dir():
            with staged_folder(path, overwrite=overwrite) as staged:
                shutil.copytree(written, staged, dirs_exist_ok=True)
        else:
            write_bytes(path, written.read_bytes())
    write_text(beside, json.dumps({"comparison": report.to_json(), **metadata}, ensure_ascii=False, indent=2) + "\n")
    return report


def open_export(path: str | PathLike[str]) -> Classifier:
    """Open an exported ONNX or LiteRT file in its own runtime.

    What comes back is judged by an :class:`~handwriting_cnn.Evaluator`, and reads for a
    :class:`~handwriting_cnn.Recognizer`. The other formats can hold code and are opened by Keras and TensorFlow alone.

    Args:
        path: A file that ends in ``.onnx`` or ``.tflite``.

    Returns:
        A function from pictures ``(n, height, width, channels)`` 0..255 to probabilities ``(n, num_classes)``; pictures
        of another size raise :class:`~handwriting_cnn.ShapeMismatchError`.

    Raises:
        ConfigError: If the suffix is another, or the runtime is not installed.
        ModelFileError: If there is no such file, or the runtime does not open it.
    """
    path = Path(path)
    kinds = {kind.suffix: kind for kind in (Onnx, LiteRT)}
    if path.suffix.lower() not in kinds:
        raise ConfigError(f"{path.name} is opened neither as ONNX (.onnx) nor as LiteRT (.tflite)")
    kind = kinds[path.suffix.lower()]()
    kind.check_runtime()
    if not path.is_file():
        raise ModelFileError(f"{path} is no file")
    try:
        return kind.open(path)
    except Exception as error:  # noqa: BLE001  (each runtime has errors of its own)
        raise ModelFileError(f"{path} is not opened by {kind.name}: {str(error).strip().splitlines()[-1]}") from None


def _parts(model: Any) -> tuple[keras.Model, dict[str, Any]]:
    """Return the network and what else a program must know to use it."""
    if isinstance(model, keras.Model):
        return model, {}
    saved = getattr(model, "saved", model)
    if hasattr(saved, "to_saved_model"):
        saved = saved.to_saved_model()
    if not isinstance(saved, SavedModel):
        raise ConfigError(f"a saved model, a result, a recogniser or a network is exported, not {type(model).__name__}")
    return saved.model, {
        "alphabet": saved.alphabet.to_json(),
        "preprocessing": saved.preprocessing.to_json(),
        "reading": saved.reading.to_json(),
        "card": dict(saved.card),
    }


def _format(path: Path, representative: ImageArray | None, *, int8: bool) -> Format:
    if not path.name:
        raise ConfigError(f"{path} is no place for an export: name a file, or a folder that is made")
    suffixes = {kind.suffix: kind for kind in _FORMATS}
    if path.suffix.lower() not in suffixes:
        raise ConfigError(f"{path.name} has the suffix of no format: {', '.join(filter(None, suffixes))}, or none")
    kind = suffixes[path.suffix.lower()]
    if int8 and (kind is not LiteRT or representative is None):
        raise ConfigError("int8 is possible for .tflite alone, and needs pictures that show the ranges")
    chosen: Format = LiteRT(representative[:_RANGES]) if int8 and representative is not None else kind()
    chosen.check_installed()
    return chosen


def _pictures(images: Dataset | ImageArray | None, network: keras.Model) -> ImageArray:
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ConfigError(f"model {network.name!r} does not tell what pictures it takes: build it as a functional one")
    if images is None:
        if None in shape[1:]:
            raise ConfigError(f"model {network.name!r} takes pictures of any size: give images to compare it on")
        return _strokes(shape[1:])
    pictures = np.asarray(images.images if isinstance(images, Dataset) else images)
    if pictures.dtype != np.uint8 or not fits(shape[1:], pictures.shape[1:]) or not len(pictures):
        raise DataError(
            f"the model takes uint8 pictures (n, {', '.join(str(side or 'any') for side in shape[1:])}), but these are "
            f"{pictures.dtype} of {pictures.shape}"
        )
    return pictures


def _strokes(shape: tuple[int, int, int]) -> ImageArray:
    """Return pictures of a few strokes each."""
    random = np.random.default_rng(0)
    height, width, channels = shape
    drawn: list[npt.NDArray[np.uint8]] = []
    for _ in range(_STROKES):
        image = Image.new("L", (width, height))
        points = random.uniform(0.15, 0.85, (random.integers(3, 7), 2)) * (width, height)
        ImageDraw.Draw(image).line([tuple(point) for point in points], fill=255, width=max(width // 14, 1))
        drawn.append(np.asarray(image))
    return np.repeat(np.stack(drawn)[..., np.newaxis], channels, axis=3)


def _compared(
    kind: Format, written: Path, path: Path, original: Any, pictures: ImageArray, *, int8: bool
) -> ExportReport:
    exported = np.asarray(kind.open(written)(pictures))
    if exported.shape != original.shape or not np.isfinite(exported).all():
        raise ExportError(f"{kind.name} answers with numbers {exported.shape} instead of {original.shape}")
    files = [item for item in written.rglob("*") if item.is_file()] if written.is_dir() else [written]
    return ExportReport(
        path=path,
        format=kind.name,
        int8=int8,
        bytes=sum(file.stat().st_size for file in files),
        images=len(pictures),
        largest_difference=float(np.abs(exported - original).max()),
        different_answers=int((exported.argmax(axis=1) != original.argmax(axis=1)).sum()),
    )


def _check(report: ExportReport) -> None:
    wrong = (
        report.different_answers > _INT8_DIFFERENT * report.images
        if report.int8
        else (report.different_answers > 0 or report.largest_difference > _LARGEST_DIFFERENCE)
    )
    if wrong:
        raise ExportError(
            f"{report.format} differs from the original: {report.different_answers} of {report.images} answers, "
            f"probabilities by up to {report.largest_difference:.2g}; nothing was written"
        )


def _add_metadata(path: Path, metadata: Mapping[str, Any]) -> None:
    import onnx

    graph = onnx.load(str(path))
    onnx.helper.set_model_props(
        graph, {name: json.dumps(value, ensure_ascii=False) for name, value in metadata.items()}
    )
    onnx.save(graph, str(path))
