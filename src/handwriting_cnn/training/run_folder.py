"""A run's folder: what the run is, so that only the same run continues in it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from handwriting_cnn.errors import OutputError, RunFolderError
from handwriting_cnn.storage.atomic import write_text
from handwriting_cnn.storage.canonical import canonical_json, parse_json
from handwriting_cnn.storage.locks import file_lock
from handwriting_cnn.training.checkpoints import CheckpointStore

_FORMAT: Final = 3  # from 2 on it tells what the network began with, from 3 on each checkpoint whose it is
_AUTO: Final = ("batch_size", "epochs", "keep", "learning_rate", "precision", "steps_per_execution")


class RunFolder:
    """``run.json``, ``history.json``, ``history.csv`` and ``checkpoints/`` of one run.

    Args:
        path: The folder; it is made if it does not exist.

    Raises:
        OutputError: If the folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self.checkpoints: CheckpointStore = CheckpointStore(path / "checkpoints")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the run folder {path}: {error.strerror or error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder inside the block; what a killed one has half written is removed.

        Raises:
            RunFolderError: If another process is in it.
        """
        with file_lock(self.path / ".lock", timeout=0):
            self.checkpoints.remove_leftovers()
            yield

    def resolved_values(self) -> dict[str, Any]:
        """Return what ``"auto"`` stood for when the run began; empty for a new run."""
        run = self._read() if self.checkpoints.exist() else None
        return {} if run is None else {name: run["config"][name] for name in _AUTO if name in run["config"]}

    def claim(self, run: Mapping[str, Any], *, leads: bool = True) -> None:
        """Make the folder this run's, or check that it is.

        Args:
            run: JSON values that tell runs apart, in named groups.
            leads: Whether this process does so for its group; one that does not only learns which checkpoints are its.

        Raises:
            RunFolderError: If the folder is another run's; every difference is named.
        """
        plain = json.loads(json.dumps({"format": _FORMAT, **run}))
        self.checkpoints.run = {name: hashlib.sha256(canonical_json(plain[name])).hexdigest() for name in run}
        if not leads:
            return
        found = self._read()
        if found is None and self.checkpoints.exist():
            raise RunFolderError(f"{self.path} has checkpoints but no run.json: whose they are cannot be told")
        if found is None or not self.checkpoints.exist():  # of a run that failed in its first epoch nothing is lost
            write_text(self.path / "run.json", json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
            return
        differences = list(_differences(found, plain))
        if differences:
            raise RunFolderError(
                f"{self.path} holds another run ({'; '.join(differences)}): use another folder, or the same settings"
            )

    def _read(self) -> dict[str, Any] | None:
        try:
            run = parse_json((self.path / "run.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{self.path / 'run.json'} cannot be read: {error}") from None
        if not isinstance(run, dict) or run.get("format") != _FORMAT or not isinstance(run.get("config"), dict):
            raise RunFolderError(f"{self.path / 'run.json'} is not a run's description of format {_FORMAT}")
        return run


def _differences(found: Any, wanted: Any, *, path: str = "") -> Iterator[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            yield from _differences(found.get(key), wanted.get(key), path=f"{path}.{key}" if path else key)
    elif found != wanted:
        yield f"{path} was {_short(found)}, now {_short(wanted)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
