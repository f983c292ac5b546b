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

_TENSORS: Final = "tensors.safetensors"
_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"epoch-\d{5,}(-step-\d{6,})?")
_KEPT: Final = 2
_PARTS: Final = {"epoch": int, "step": int, "files": dict, "run": dict, "state": dict, "versions": dict}
_STATE: Final = {
    "history": dict,
    "best_epoch": int,
    "waited": int,
    "finished": bool,
    "seconds": float,
    "callbacks": list,
}
_USER: Final = {"class", "state"}
_PACKAGES: Final = ("handwriting_cnn", "keras", "numpy", "tensorflow", "jax")
_LARGEST_BYTES: Final = 2**36  # written by ourselves: a cap against nonsense, not against large networks


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a run after an epoch, or within one.

    Attributes:
        epoch: Epochs that are complete.
        step: Updates of the next one that are complete.
        tensors: Arrays by name.
        state: JSON values: ``history``, one figure an epoch by name; ``best_epoch``, ``waited``, ``finished``,
            ``seconds``; ``callbacks``, for each of the user's its class and state, or ``None``.
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
        wrong = _of_other_kinds(found, _PARTS) or _of_other_kinds(manifest["state"], _STATE)
        if wrong:
            raise ValueError(f"its {_MANIFEST} lacks {', '.join(wrong)}")
        if not (_is_history(manifest["state"]["history"], manifest["epoch"]) and _are_states(manifest["state"])):
            raise ValueError(f"the state in its {_MANIFEST} is none")
        if manifest["run"] != self.run:
            raise ValueError("it is of another run")
        if manifest["files"] != {_TENSORS: file_sha256(folder / _TENSORS)}:
            raise ValueError("its tensors are not those that were written")
        tensors = load_tensors(folder / _TENSORS, max_bytes=_LARGEST_BYTES)
        if manifest["versions"] != _versions():
            _logger.warning("%s was written by other versions: the run need not end bit-equal", folder)
        return Checkpoint(epoch=manifest["epoch"], step=manifest["step"], tensors=tensors, state=manifest["state"])


def _of_other_kinds(values: Mapping[str, Any], kinds: Mapping[str, type]) -> list[str]:
    return [name for name, kind in kinds.items() if type(values.get(name)) is not kind]


def _is_history(history: Mapping[str, Any], epochs: int) -> bool:
    """Return whether every figure, and the loss among them, has one number or ``None`` an epoch."""
    return ("loss" in history) == (epochs > 0) and all(
        isinstance(column, list)
        and len(column) == epochs
        and all(value is None or type(value) in (int, float) for value in column)
        for column in history.values()
    )


def _are_states(state: Mapping[str, Any]) -> bool:
    return all(one is None or (isinstance(one, dict) and one.keys() == _USER) for one in state["callbacks"])


def _versions() -> dict[str, str]:
    return {name: str(sys.modules[name].__version__) for name in _PACKAGES if name in sys.modules}
