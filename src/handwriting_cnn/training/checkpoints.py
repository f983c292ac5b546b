"""Checkpoints that are either whole or not there."""

import logging
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.errors import ModelFileError
from handwriting_cnn.storage.atomic import remove_leftovers, staged_folder, write_bytes
from handwriting_cnn.storage.canonical import canonical_json, file_sha256, parse_json
from handwriting_cnn.storage.tensors import load_tensors, save_tensors

_logger = logging.getLogger(__name__)

STATE: Final = frozenset({"history", "best_epoch", "waited", "finished", "seconds", "callbacks"})
"""What a checkpoint's state tells of a run."""

_TENSORS: Final = "tensors.safetensors"
_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"epoch-\d{5,}(-step-\d{6,})?")
_KEPT: Final = 2
_PARTS: Final = {"epoch": int, "step": int, "files": dict, "run": dict, "state": dict, "versions": dict}
_PACKAGES: Final = ("handwriting_cnn", "keras", "numpy", "tensorflow", "jax")
_LARGEST_BYTES: Final = 2**36  # written by ourselves: a cap against nonsense, not against large networks


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a run after an epoch, or within one.

    Attributes:
        epoch: Epochs that are complete.
        step: Updates of the next one that are complete.
        tensors: Arrays by name.
        state: JSON values: history, selection, whether the run is finished.
    """

    epoch: int
    step: int = 0
    tensors: Mapping[str, Any]
    state: Mapping[str, Any]


class CheckpointStore:
    """The checkpoints of a run: a folder each, written beside and renamed, the last two kept.

    A folder holds the tensors and a manifest, which is written last: the tensors' sha256, the place in the run, its
    state, what tells the run from others, and the versions that wrote it.

    Args:
        folder: Where they are; it is made with the first one.
        run: JSON values that tell the run from others; checkpoints of another are skipped.
    """

    def __init__(self, folder: Path, *, run: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self.run: dict[str, Any] = dict(run or {})

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove all but the newest two.

        Raises:
            OutputError: If it cannot be written; older ones are as they were.
        """
        name = f"epoch-{checkpoint.epoch:05d}" + (f"-step-{checkpoint.step:06d}" if checkpoint.step else "")
        with staged_folder(self._folder / name, overwrite=True) as staged:
            save_tensors(staged / _TENSORS, checkpoint.tensors, metadata={})
            manifest = {
                "epoch": checkpoint.epoch,
                "step": checkpoint.step,
                "files": {_TENSORS: file_sha256(staged / _TENSORS)},
                "run": self.run,
                "state": dict(checkpoint.state),
                "versions": _versions(),
            }
            write_bytes(staged / _MANIFEST, canonical_json(manifest))
        for old in self._folders()[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; one that is damaged, or another run's, is skipped with a warning."""
        for folder in reversed(self._folders()):
            try:
                return self._read(folder)
            except (OSError, ValueError, ModelFileError) as error:
                _logger.warning("checkpoint %s was skipped: %s", folder, error)
        return None

    def remove_leftovers(self) -> None:
        """Remove what a process that was killed while it saved has left; the caller holds the run's lock."""
        remove_leftovers(self._folder)

    def exist(self) -> bool:
        """Return whether there is a checkpoint, whole or damaged."""
        return bool(self._folders())

    def _folders(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))

    def _read(self, folder: Path) -> Checkpoint:
        manifest = parse_json((folder / _MANIFEST).read_bytes())
        found = manifest if isinstance(manifest, dict) else {}
        wrong = [name for name, kind in _PARTS.items() if type(found.get(name)) is not kind]
        if wrong or not manifest["state"].keys() >= STATE:
            raise ValueError(f"its {_MANIFEST} lacks {', '.join(wrong) or 'a part of the state'}")
        if manifest["run"] != self.run:
            raise ValueError("it is of another run")
        if manifest["files"] != {_TENSORS: file_sha256(folder / _TENSORS)}:
            raise ValueError("its tensors are not those that were written")
        tensors = load_tensors(folder / _TENSORS, max_bytes=_LARGEST_BYTES)
        if manifest["versions"] != _versions():
            _logger.warning("%s was written by other versions: the run need not end bit-equal", folder)
        return Checkpoint(epoch=manifest["epoch"], step=manifest["step"], tensors=tensors, state=manifest["state"])


def _versions() -> dict[str, str]:
    return {name: str(sys.modules[name].__version__) for name in _PACKAGES if name in sys.modules}
