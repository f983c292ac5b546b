"""The trained models that the package brings along."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.artifact.header import read_model_header
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import ModelFileError

FOLDER: Final = Path(__file__).parents[1] / "pretrained"


@dataclass(frozen=True, kw_only=True)
class PretrainedModel:
    """What a trained model of the package says of itself.

    Attributes:
        name: What users type: ``load_model(name)``.
        alphabet: What its classes are.
        path: Its file.
        architecture: The registered name of its network.
        card: Data with protocol and digests, training, metrics with intervals, limits, licence, and the command that
            trains it again.
    """

    name: str
    alphabet: Alphabet
    path: Path
    architecture: str
    card: Mapping[str, Any]

    @property
    def tests(self) -> tuple[Mapping[str, Any], ...]:
        """The figures on the test part of each data set that it learned from."""
        metrics = self.card["metrics"]
        return metrics, *metrics.get("others", ())


def list_pretrained() -> tuple[PretrainedModel, ...]:
    """Return the trained models that the package brings along, by name; no framework is loaded."""
    return tuple(_described(path) for path in _files())


def model_path(model: Path) -> Path:
    """Return the file that a path or a pretrained model's name stands for.

    A file that exists comes before a name. Only a bare word can be a name: no folder, no suffix.

    Raises:
        ModelFileError: If it is a bare word that is neither.
    """
    if model.is_file() or model.suffix or len(model.parts) != 1:
        return model
    files = {path.stem: path for path in _files()}
    if str(model) in files:
        return files[str(model)]
    if model.exists():
        return model
    raise ModelFileError(
        f"{str(model)!r} is neither a model file nor a pretrained model; there are: {', '.join(files) or 'none'}"
    )


def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.safetensors"), key=lambda path: path.stem)


def _described(path: Path) -> PretrainedModel:
    header = read_model_header(path)
    return PretrainedModel(
        name=path.stem,
        alphabet=Alphabet.from_json(header["alphabet"]),
        path=path,
        architecture=str(header["architecture"]["name"]),
        card=header["card"],
    )
