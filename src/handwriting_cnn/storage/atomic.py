"""Writing files and folders so that a reader sees the old one or the new one, never a part."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handwriting_cnn.errors import HandwritingError, OutputError


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Give the block a temporary file beside ``path``, which takes its place if the block succeeds.

    Args:
        path: The final place; missing parent folders are made.

    Yields:
        The temporary file's path.

    Raises:
        OutputError: If it cannot be written; nothing is left behind, and an older file is as it was.
    """
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        staged = Path(name)
        try:
            yield staged
            staged.chmod(0o666 & ~_umask())  # mkstemp's files are private
            _sync(staged)
            staged.replace(path)
            _sync(path.parent)
        finally:
            staged.unlink(missing_ok=True)


@contextmanager
def staged_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give the block a temporary folder beside ``path``, which takes its place if the block succeeds.

    Args:
        path: The final place; missing parent folders are made.
        overwrite: Whether an existing folder is replaced.

    Yields:
        The temporary folder's path.

    Raises:
        OutputError: If it cannot be written, or exists and must not be replaced; nothing is left behind.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already")
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            yield staged
            staged.chmod(0o777 & ~_umask())
            for item in staged.iterdir():
                _sync(item)
            _sync(staged)
            shutil.rmtree(path, ignore_errors=True)
            staged.replace(path)
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


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except HandwritingError:  # whatever the block says itself, such as that a download failed
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
