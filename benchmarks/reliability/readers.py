"""What reads the seeds' kinds, as users call it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from handwriting_cnn.artifact.header import read_model_header
from handwriting_cnn.data.idx import load_idx
from handwriting_cnn.data.npz import load_npz
from handwriting_cnn.data.table import load_csv
from handwriting_cnn.errors import HandwritingError
from handwriting_cnn.imaging.decode import decode_colours, decode_image
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.storage.archives import content_digest, read_members
from handwriting_cnn.storage.tensors import load_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = ("png", "jpeg", "webp", "bmp", "gif", "tiff", "ppm")
_MOST_BYTES = 10**7
_SMALL = PreprocessSpec(height=8, width=8)


class Reader:
    """Reads hostile files, each beside the sound ones that belong to it.

    Args:
        corpus: The folder of the seeds.
        folder: An empty folder, where files are written.
    """

    def __init__(self, corpus: Path, folder: Path) -> None:
        self._corpus, self._folder = corpus, folder
        for place in range(3):
            (folder / f"ink{place}.png").write_bytes((corpus / "png-grey.png").read_bytes())
        self._kinds: dict[str, Callable[[str, Path], object]] = {
            "csv": self._table,
            "npz": lambda _, path: load_npz(path),
            "idx": self._idx,
            "archive": self._archive,
            "model": self._model,
        }

    def read(self, name: str, content: bytes) -> str:
        """Return what came of a changed seed, ``"read"`` or ``"refused"``; errors not the library's are let through."""
        kind = name.partition("-")[0]
        try:
            with warnings.catch_warnings(action="ignore"):
                if kind in PICTURES:
                    _picture(content)
                else:
                    path = self._folder / f"case{Path(name).suffix}"
                    path.write_bytes(content)
                    self._kinds[kind](name, path)
        except HandwritingError as error:
            if len(str(error).splitlines()) != 1:
                raise ValueError(f"an error of several lines: {error}") from error
            return "refused"
        return "read"

    def _table(self, name: str, path: Path) -> object:
        if "labels" in name:
            # There the labels in the table count as pixels, of which a row has 37.
            return load_csv(self._corpus / "csv-bare.csv", labels=path, shape=(1, 37))
        return load_csv(path, preprocessing=_SMALL if "files" in name else None)

    def _idx(self, name: str, path: Path) -> object:
        if "labels" in name:
            return load_idx(self._corpus / "idx-images.idx", path)
        return load_idx(path, self._corpus / "idx-labels.idx")

    def _archive(self, name: str, path: Path) -> object:
        return content_digest(read_members(path, pattern=r"[^/]+/.*", max_bytes=_MOST_BYTES))

    def _model(self, name: str, path: Path) -> object:
        return load_tensors(path), read_model_header(path)


def build(content: bytes, folder: Path) -> str:
    """Load a model file to the end, network and all; return ``"read"`` or ``"refused"``."""
    from handwriting_cnn.artifact.model_file import load_model

    path = folder / "model.safetensors"
    path.write_bytes(content)
    try:
        load_model(path)
    except HandwritingError as error:
        if len(str(error).splitlines()) != 1:
            raise ValueError(f"an error of several lines: {error}") from error
        return "refused"
    return "read"


def _picture(content: bytes) -> None:
    shapes: list[tuple[int, ...]] = []
    errors: list[HandwritingError] = []
    for decode in (decode_image, decode_colours):
        try:
            shapes.append(decode(content).shape[:2])
        except HandwritingError as error:
            errors.append(error)
    if len(errors) == 2:
        raise errors[0]
    if errors or shapes[0] != shapes[1]:
        raise ValueError(f"grey and colours do not agree: {shapes} {errors}")
