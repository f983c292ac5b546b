"""Writing files and folders so that a reader sees the old one or the new one, never a part."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handwriting_cnn.errors import HandwritingError, OutputError


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Give the block an empty temporary file beside ``path``, which takes its place if the block succeeds.

    Args:
        path: The final place; missing parent folders are made.

    Yields:
        The temporary file's path.

    Raises:
        OutputError: If it cannot be written; nothing is left behind, and an older file is as it was.
    """
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = _beside(path, "part")
        try:
            staged.touch(exist_ok=False)
            yield staged
            _replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)


@contextmanager
def continued_file(path: Path, *, part: Path) -> Iterator[None]:
    """Let the block write a file that takes the place of ``path`` if it succeeds, and stays for the next if it fails.

    Only for a holder of the file's lock: two that write the same part spoil it.

    Args:
        path: The final place; missing parent folders are made.
        part: The file in the same folder that the block begins or continues.

    Raises:
        OutputError: If it cannot be written.
    """
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
        _replace(part, path)


@contextmanager
def staged_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give the block an empty temporary folder beside ``path``, which takes its place if the block succeeds.

    Args:
        path: The final place; missing parent folders are made.
        overwrite: Whether an existing folder is replaced. Folders cannot be exchanged in one step: for the moment
            between two renames there is none, and a reader tries again or holds a lock.

    Yields:
        The temporary folder's path.

    Raises:
        OutputError: If it cannot be written, or exists and must not be replaced; nothing is left behind, and an older
            folder is as it was.
    """
    with _translated(path):
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists already")
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = _beside(path, "part")
        try:
            staged.mkdir()
            yield staged
            for item in staged.rglob("*"):
                _sync(item)
            _sync(staged)
            _take_place(staged, path, overwrite=overwrite)
            _sync(path.parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: If it cannot be written.
    """
    with staged_file(path) as staged:
        staged.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all.

    Raises:
        OutputError: If it cannot be written.
    """
    write_bytes(path, text.encode())


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left in a folder; where there is none, do nothing.

    Only for a folder that nobody else is writing into, which a lock can see to.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if re.fullmatch(r"\..*\.[0-9a-f]{12}\.(part|old)", path.name):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _replace(staged: Path, path: Path) -> None:
    _sync(staged)
    staged.replace(path)
    _sync(path.parent)


def _take_place(staged: Path, path: Path, *, overwrite: bool) -> None:
    old = _beside(path, "old")
    if overwrite and path.exists():
        path.rename(old)
    try:
        staged.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path, role: str) -> Path:
    # Cut, so that a name of the greatest length has room for the rest.
    return path.parent / f".{path.name[:40]}.{secrets.token_hex(6)}.{role}"


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except HandwritingError:  # whatever the block says itself, such as that a download failed
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _sync(path: Path) -> None:
    if os.name == "nt":  # opens no folders, and syncs no file that is open for reading only
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
