"""A command run by several processes of this machine as one group, see :mod:`~handwriting_cnn.training.group`."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import IO, Final, NoReturn

from handwriting_cnn.cli.output import STOPPED_STATUSES, handling_stops
from handwriting_cnn.errors import ConfigError

_COUNT: Final = "KERAS_DISTRIBUTION_NUM_PROCESSES"  # what keras.distribution.initialize reads
_NUMBER: Final = "KERAS_DISTRIBUTION_PROCESS_ID"
_ADDRESS: Final = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_STARTED_BY: Final = "HANDWRITING_CNN_STARTED_BY"
_SECONDS: Final = 0.2


def in_group() -> bool:
    """Return whether the environment makes this process one of several that train together."""
    return os.environ.get(_COUNT, "1") not in ("", "1")


def check_membership() -> None:
    """Refuse an environment that makes this process a member of a group that cannot be.

    Raises:
        ConfigError: If the number of processes or this one's number is no such number.
    """
    if not in_group():
        return
    size, number = os.environ[_COUNT], os.environ.get(_NUMBER, "")
    if not (size.isdecimal() and int(size)):
        raise ConfigError(f"{_COUNT} must be a number of processes, received {size!r}")
    if not (number.isdecimal() and int(number) < int(size)):
        raise ConfigError(f"{_NUMBER} must be from 0 to {int(size) - 1}, received {number!r}")


def join_group(keras: ModuleType) -> None:
    """Meet the others, where there are any; what the connection says of itself goes to standard error.

    Raises:
        ConfigError: If there are others, but the backend is not JAX.
    """
    if not in_group():
        return
    if (backend := keras.backend.backend()) != "jax":
        raise ConfigError(f"{_COUNT}={os.environ[_COUNT]} needs the JAX backend, but the backend is {backend}")
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        keras.distribution.initialize()
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices("joined")  # connects, for which later there is a time limit
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def check_group(processes: int) -> None:
    """Refuse a group that cannot be.

    Raises:
        ConfigError: If JAX is not installed, or another backend is asked for.
    """
    backend = os.environ.get("KERAS_BACKEND", "jax")
    if backend != "jax":
        raise ConfigError(f"--processes {processes} needs the JAX backend, but KERAS_BACKEND is {backend}")
    if importlib.util.find_spec("jax") is None:
        raise ConfigError(f"--processes {processes} needs JAX: pip install 'handwriting-cnn[jax]'")


def run_group(command: Sequence[str], *, size: int) -> int:
    """Run a command in so many processes; when one ends badly, all end.

    The first writes and is shown. SIGINT and SIGTERM go to it alone: it saves, and the group ends with it.

    Args:
        command: The program and its arguments.
        size: Processes.

    Returns:
        The exit status: 0, that of the process that failed first, or 128 and the number of the signal that ended it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    shared = {
        "KERAS_BACKEND": "jax",
        _ADDRESS: address,
        _COUNT: str(size),
        _STARTED_BY: str(os.getpid()),
        "JAX_COORDINATOR_BIND_ADDRESS": address,  # else all the machine's addresses
    }
    members: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
    try:
        for number in range(size):
            quiet: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed below)
            members.append((_start(command, {**shared, _NUMBER: str(number)}, None if number == 0 else quiet), quiet))
        with handling_stops(lambda number, _frame: members[0][0].send_signal(number)):
            return _wait(members)
    finally:
        for member, quiet in members:
            member.kill()  # nothing of the others is worth saving
            member.wait()
            quiet.close()


@contextmanager
def member_of_group() -> Iterator[None]:
    """End the process at once after the block: the backend would wait for the others, who may have ended already.

    A process that was started by :func:`run_group` ends with the one that did so, too.
    """
    if not in_group():
        yield
        return
    if _STARTED_BY in os.environ:
        threading.Thread(target=_follow, args=(int(os.environ[_STARTED_BY]),), daemon=True).start()
    status = 0
    try:
        yield
    except SystemExit as done:
        status = done.code if isinstance(done.code, int) else 0
    except BaseException as error:  # noqa: BLE001
        if "Gloo" in str(error):  # what connects the processes on processors
            print("handwriting-cnn: another process of the group has ended", file=sys.stderr)
        else:
            traceback.print_exc()
        status = 1
    end_at_once(status)


def end_at_once(status: int) -> NoReturn:
    """End the process without what Python and its packages do at their end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _start(command: Sequence[str], settings: dict[str, str], quiet: IO[bytes] | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603
        command,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=None if quiet is None else subprocess.DEVNULL,
        stderr=quiet,
        start_new_session=True,  # a terminal's Ctrl-C reaches this process alone
    )


def _wait(members: "list[tuple[subprocess.Popen[bytes], IO[bytes]]]") -> int:
    while True:
        statuses = [member.poll() for member, _ in members]
        if any(statuses):
            time.sleep(_SECONDS)  # who loses another fails, too, and may be seen first
            failed = [
                (_rank(status), number) for number, (member, _) in enumerate(members) if (status := member.poll())
            ]
            number = min(failed)[1]
            member, quiet = members[number]
            _tell(number, len(members), member.returncode, quiet)
            return member.returncode if member.returncode > 0 else 128 - member.returncode
        if None not in statuses:
            return 0
        time.sleep(_SECONDS)


def _rank(status: int) -> int:
    """Order exit statuses: what was asked for or came from outside before what follows from it."""
    if status in STOPPED_STATUSES:
        return 0
    return 1 if status < 0 and status != -signal.SIGABRT else 2


def _tell(number: int, size: int, status: int, quiet: IO[bytes]) -> None:
    """Say what ended a process whose own words nobody saw."""
    if number:
        quiet.seek(0)
        sys.stderr.buffer.write(quiet.read())
    if status < 0:
        name = signal.Signals(-status).name
        message = f"process {number} of {size} was ended by {name}; the same command continues a run with --out"
        print(f"handwriting-cnn: {message}", file=sys.stderr)
    sys.stderr.flush()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
