import subprocess
import sys

import pytest

from handwriting_cnn.errors import OutputError, RunFolderError
from handwriting_cnn.storage.locks import file_lock

HOLDER = """
import pathlib, sys
from handwriting_cnn.storage.locks import file_lock
with file_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_holds_it_until_it_dies(tmp_path):
    path = tmp_path / "run" / ".lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        for timeout in (0, 0.05):
            refused = pytest.raises(RunFolderError, match=r"run is in use by another process$")
            with refused, file_lock(path, timeout=timeout):
                pytest.fail("the block must not run")
        holder.kill()
    with file_lock(path, timeout=5):
        pass


def test_it_is_released_however_the_block_ends(tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(KeyError), file_lock(path, timeout=0):
        raise KeyError
    with file_lock(path, timeout=0):
        pass


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "regular").touch()
    with pytest.raises(OutputError, match="cannot lock"), file_lock(tmp_path / "regular" / "lock", timeout=0):
        pytest.fail("the block must not run")
