"""Every state that a disk can be in while a checkpoint is written."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from handwriting_cnn.training.checkpoints import CheckpointStore

WRITER = """
import json, os, shutil, sys
from pathlib import Path
import numpy as np
from handwriting_cnn.training.checkpoints import Checkpoint, CheckpointStore

folder, states = Path(sys.argv[1]), Path(sys.argv[2])
watching, synced, real_fsync = False, set(), os.fsync

def look(event, arguments):
    # Before each operation on the file system, the state that the one before it left.
    global watching
    if watching and event.startswith(("open", "os.", "shutil.")):
        watching = False
        shutil.copytree(folder, states / f"{len(list(states.iterdir())):04d}" / "checkpoints")
        state = max(states.iterdir())
        files = {os.path.relpath(path, folder): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
        (state / "unsynced.json").write_text(json.dumps([name for name, node in files.items() if node not in synced]))
        watching = True

def fsync(handle):
    look("os.fsync", ())
    real_fsync(handle)
    synced.add(os.fstat(handle).st_ino)

def save(epoch):
    tensors = {"model/0000": np.full(4000, epoch, np.float32)}
    history = {"loss": [0.5] * epoch}
    state = {"history": history, "best_epoch": epoch, "waited": 0, "finished": False, "seconds": 1.0, "callbacks": []}
    CheckpointStore(folder).save(Checkpoint(epoch=epoch, tensors=tensors, state=state))

for epoch in map(int, sys.argv[3].split(",")):
    save(epoch)
synced = {path.stat().st_ino for path in folder.rglob("*")}
os.fsync = fsync
sys.addaudithook(look)
watching = True
save(int(sys.argv[4]))
look("os.end", ())
os._exit(0)
"""


def possible(state):
    """Yield a state as it is, and as a power cut may leave it: nothing, or half, of what no disk was asked to keep."""
    folder, unsynced = state / "checkpoints", json.loads((state / "unsynced.json").read_text())
    yield folder
    for parts in (0, 1) if unsynced else ():
        torn = state / f"torn{parts}"
        shutil.copytree(folder, torn)
        for name in unsynced:
            os.truncate(torn / name, (torn / name).stat().st_size * parts // 2)
        yield torn


@pytest.mark.parametrize("before", [[1, 2], [1, 2, 3]], ids=["a new one", "one that is there"])
def test_whatever_ends_a_write_the_old_state_or_the_new_one_is_there(tmp_path, before):
    states = tmp_path / "states"
    states.mkdir()
    command = [sys.executable, "-c", WRITER, tmp_path / "run", states, ",".join(map(str, before)), "3"]
    subprocess.run(command, check=True)
    epochs = []
    for state in sorted(states.iterdir()):
        for folder in possible(state):
            newest = CheckpointStore(folder).newest()
            assert (newest.tensors["model/0000"] == newest.epoch).all()
            epochs.append(newest.epoch)
    assert len(epochs) > 20
    assert set(epochs) == {2, 3}
    assert epochs[-1] == 3
    if 3 not in before:
        assert epochs == sorted(epochs)  # what was seen once stays
