"""Checkpoints that are either whole or not there."""

import json
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.errors import ModelFileError
from handwriting_cnn.storage.atomic import remove_leftovers, staged_folder, write_bytes
from handwriting_cnn.storage.canonical import canonical_json, file_sha256
from handwriting_cnn.storage.tensors import load_tensors, save_tensors

_logger = logging.getLogger(__name__)

STATE: Final = frozenset({"history", "best_epoch", "waited", "finished", "seconds"})
"""What a checkpoint's state tells of a run."""

_TENSORS: Final = "tensors.safetensors"
_MANIFEST: Final = "manifest.json"
_KEPT: Final = 2
_LARGEST_BYTES: Final = 2**36  # written by ourselves: a cap against nonsense, not against large networks


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a run after an epoch.

    Attributes:
        epoch: Epochs that are complete.
        tensors: Arrays by name.
        state: JSON values: history, selection, whether the run is finished.
    """

    epoch: int
    tensors: Mapping[str, Any]
    state: Mapping[str, Any]


class CheckpointStore:
    """The checkpoints of a run: a folder each, written beside and renamed, the last two kept.

    Args:
        folder: Where they are; it is made with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove all but the newest two.

        Raises:
            OutputError: If it cannot be written; older ones are as they were.
        """
        with staged_folder(self._folder / f"epoch-{checkpoint.epoch:05d}", overwrite=True) as staged:
            save_tensors(staged / _TENSORS, checkpoint.tensors, metadata={})
            manifest = {
                "epoch": checkpoint.epoch,
                "sha256": file_sha256(staged / _TENSORS),
                "state": dict(checkpoint.state),
            }
            write_bytes(staged / _MANIFEST, canonical_json(manifest))
        for old in self._folders()[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; one that is damaged is skipped with a warning."""
        for folder in reversed(self._folders()):
            try:
                return _read(folder)
            except (OSError, ValueError, ModelFileError) as error:
                _logger.warning("checkpoint %s is damaged and was skipped: %s", folder, error)
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
        return sorted(path for path in self._folder.iterdir() if re.fullmatch(r"epoch-\d{5,}", path.name))


def _read(folder: Path) -> Checkpoint:
    manifest = json.loads((folder / _MANIFEST).read_bytes())
    if not isinstance(manifest, dict) or not manifest.keys() >= {"epoch", "sha256", "state"}:
        raise ValueError(f"its {_MANIFEST} is none")
    if not isinstance(manifest["state"], dict) or not manifest["state"].keys() >= STATE:
        raise ValueError(f"its {_MANIFEST} lacks the run's state")
    if file_sha256(folder / _TENSORS) != manifest["sha256"]:
        raise ValueError("its tensors are not those that were written")
    tensors = load_tensors(folder / _TENSORS, max_bytes=_LARGEST_BYTES)
    return Checkpoint(epoch=manifest["epoch"], tensors=tensors, state=manifest["state"])
