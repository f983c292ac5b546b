"""A file of what was read that only grows, so that work which was stopped goes on where it ended."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Final

from handwriting_cnn.errors import OutputError, RunFolderError
from handwriting_cnn.recognition.recognizer import Character
from handwriting_cnn.storage.canonical import canonical_json, parse_json
from handwriting_cnn.storage.locks import file_lock

_VERSION: Final = 1


class Journal:
    """What was read of each picture, as JSON lines.

    The first holds the settings of the reading, each other ``{"file": ..., "characters": [...]}``, or ``"error"``
    instead. What a killed process half wrote is cut off by the next.

    Args:
        file: The file, open for reading and writing.
        settings: What the answers depend on, as JSON values.
        index: A temporary database, where names are kept: memory has no room for those of every folder.

    Raises:
        RunFolderError: If the file holds the answers of other settings.
        OutputError: If it holds something else, or cannot be written.
    """

    def __init__(self, file: BinaryIO, settings: Mapping[str, Any], index: sqlite3.Connection) -> None:
        self._file, self._index = file, index
        for table in ("done", "asked"):
            index.execute(f"CREATE TABLE {table} (name TEXT PRIMARY KEY, path BLOB) WITHOUT ROWID")
        self._check_first({"handwriting_cnn": _VERSION, **settings})
        while (line := self._line()) is not None:
            if "characters" in line:
                index.execute("INSERT OR IGNORE INTO done (name) VALUES (?)", (line["file"],))

    def unread(self, pictures: Iterable[Path]) -> tuple[int, int, Iterator[Path]]:
        """Sort out what is to be read; a picture that could not be is tried again.

        Args:
            pictures: All pictures, in any order.

        Returns:
            How many different pictures they are, how many of them were read before, and the others in order of name.
        """
        self._index.executemany(
            "INSERT OR IGNORE INTO asked VALUES (?, ?)", ((_name(path), os.fsencode(path)) for path in pictures)
        )
        ((asked, before),) = self._index.execute(
            "SELECT COUNT(*), COUNT(done.name) FROM asked LEFT JOIN done USING (name)"
        )
        left = self._index.execute(
            "SELECT asked.path FROM asked LEFT JOIN done USING (name) WHERE done.name IS NULL ORDER BY name"
        )
        return asked, before, (Path(os.fsdecode(path)) for (path,) in left)

    def write(self, picture: Path, read: Sequence[Character] | Exception) -> None:
        """Add a picture's characters, or why it could not be read.

        Raises:
            OutputError: If it cannot be written.
        """
        if isinstance(read, Exception):
            self._append({"file": _name(picture), "error": str(read)})
        else:
            self._append({"file": _name(picture), "characters": [asdict(one) for one in read]})

    def _check_first(self, expected: Mapping[str, Any]) -> None:
        line = self._file.readline()
        if canonical_json(expected).startswith(line):  # nothing, or what a killed process wrote of it
            self._file.seek(0)
            self._file.truncate()
            self._append(expected)
            return
        try:
            first = parse_json(line)
        except ValueError:
            first = None
        if not isinstance(first, dict) or first.get("handwriting_cnn") != _VERSION:
            raise OutputError(f"{self._file.name} exists, and is no file of readings: another name is needed")
        other = [name for name in expected if first.get(name) != expected[name]]
        if other:
            changes = "; ".join(f"{name} was {first.get(name)!r}, now {expected[name]!r}" for name in other)
            raise RunFolderError(f"{self._file.name} holds what was read otherwise: {changes}")

    def _line(self) -> Any:
        """Return the next whole line's value; cut off what a killed process wrote of one."""
        start = self._file.tell()
        line = self._file.readline()
        if not line.endswith(b"\n"):
            self._file.seek(start)
            self._file.truncate()
            return None
        try:
            value = parse_json(line)
        except ValueError as error:
            raise OutputError(f"{self._file.name} is damaged at byte {start}: {error}") from None
        if not isinstance(value, dict) or not isinstance(value.get("file"), str):
            raise OutputError(f"{self._file.name} is damaged at byte {start}: it names no picture")
        return value

    def _append(self, value: Mapping[str, Any]) -> None:
        try:
            self._file.write(canonical_json(value) + b"\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {self._file.name}: {error.strerror or error}") from error


@contextmanager
def open_journal(path: Path, settings: Mapping[str, Any]) -> Iterator[Journal]:
    """Open or begin a journal that no other process writes into.

    Raises:
        RunFolderError: As :class:`Journal`, or if another process does.
        OutputError: As :class:`Journal`, or if the file cannot be opened.
    """
    with file_lock(path.with_name(f".{path.name}.lock"), timeout=0, what=path):
        try:
            path.touch()
            file = path.open("r+b")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        with file, closing(sqlite3.connect("")) as index:  # "" is a file that the system forgets
            yield Journal(file, settings, index)


def _name(picture: Path) -> str:
    """Return a path as JSON can hold it, also one whose bytes are no UTF-8."""
    return str(picture).encode(errors="backslashreplace").decode()
