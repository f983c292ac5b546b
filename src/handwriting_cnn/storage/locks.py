"""Locks between processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from handwriting_cnn.errors import OutputError, RunFolderError


@contextmanager
def file_lock(path: Path, *, timeout: float | None = None, what: Path | None = None) -> Iterator[None]:
    """Hold a lock inside the block; the system releases it when the process ends, however it ends.

    Args:
        path: The lock's own file, which stays.
        timeout: Seconds to wait for another holder; ``None`` waits for ever.
        what: What it guards, for the message; ``None``: the folder that it lies in.

    Raises:
        RunFolderError: If another process held it until the time was over.
        OutputError: If the lock's file cannot be made.
    """
    lock = FileLock(path, timeout=-1 if timeout is None else timeout)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunFolderError(f"{what or path.parent} is in use by another process") from None
    except OSError as error:
        raise OutputError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
