import json
import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from handwriting_cnn.errors import OutputError, RunFolderError
from handwriting_cnn.storage.locks import file_lock
from handwriting_cnn.training.checkpoints import Checkpoint, CheckpointStore
from handwriting_cnn.training.run_folder import RunFolder


def checkpoint(epoch, step=0):
    tensors = {"model/0000": np.full((3, 2), epoch, np.float32), "optimizer/0000": np.int64(epoch)}
    state = {"history": {"loss": [0.5] * epoch}, "best_epoch": epoch, "waited": 0, "finished": False, "seconds": 1.0}
    return Checkpoint(epoch=epoch, step=step, tensors=tensors, state={**state, "callbacks": []})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_comes_back_and_two_are_kept(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.newest() is None
    for epoch in (1, 2, 3):
        store.save(checkpoint(epoch))
    found = store.newest()
    assert (found.epoch, found.state["history"]["loss"]) == (3, [0.5] * 3)
    np.testing.assert_array_equal(found.tensors["model/0000"], np.full((3, 2), 3, np.float32))
    assert found.tensors["optimizer/0000"] == 3
    assert found.tensors["optimizer/0000"].shape == ()
    assert names(tmp_path / "checkpoints") == ["epoch-00002", "epoch-00003"]


def test_one_from_within_an_epoch_is_newer_than_the_epochs_beginning_and_older_than_its_end(tmp_path):
    store = CheckpointStore(tmp_path)
    for epoch, step in ((1, 0), (1, 9), (1, 10)):
        store.save(checkpoint(epoch, step))
        assert (store.newest().epoch, store.newest().step) == (epoch, step)
    assert names(tmp_path) == ["epoch-00001-step-000009", "epoch-00001-step-000010"]
    store.save(checkpoint(2))
    assert (store.newest().epoch, store.newest().step) == (2, 0)


def test_one_of_another_run_is_skipped(tmp_path, caplog):
    CheckpointStore(tmp_path, run={"config": "a"}).save(checkpoint(1))
    assert CheckpointStore(tmp_path, run={"config": "a"}).newest().epoch == 1
    assert CheckpointStore(tmp_path, run={"config": "b"}).newest() is None
    assert "epoch-00001 was skipped: it is of another run" in caplog.text


def test_one_that_other_versions_wrote_is_taken_with_a_warning(tmp_path, caplog, monkeypatch):
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(1))
    manifest = json.loads((tmp_path / "epoch-00001" / "manifest.json").read_text())
    assert manifest["versions"]["numpy"] == np.__version__
    assert store.newest().epoch == 1
    assert caplog.text == ""
    monkeypatch.setattr(np, "__version__", "0.1")
    assert store.newest().epoch == 1
    assert "was written by other versions" in caplog.text


@pytest.mark.parametrize("damage", ["flip", "truncate", "no tensors", "no manifest", "{", "[]", "no state"])
def test_a_damaged_one_is_skipped_with_a_warning(tmp_path, caplog, damage):
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2):
        store.save(checkpoint(epoch))
    tensors, manifest = (tmp_path / "epoch-00002" / name for name in ("tensors.safetensors", "manifest.json"))
    data = bytearray(tensors.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
        tensors.write_bytes(data)
    elif damage == "truncate":
        tensors.write_bytes(data[:-3])
    elif damage in {"{", "[]"}:
        manifest.write_text(damage)
    elif damage == "no state":
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "state": {"history": {}}}))
    else:
        (tensors if damage == "no tensors" else manifest).unlink()
    with caplog.at_level(logging.WARNING):
        assert store.newest().epoch == 1
    assert "epoch-00002 was skipped: " in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"history": []},
        {"history": {}},
        {"history": {"loss": 5}},
        {"history": {"loss": [0.5]}},
        {"history": {"loss": [0.5, "x"]}},
        {"best_epoch": "x"},
        {"waited": None},
        {"finished": 1},
        {"seconds": "x"},
        {"callbacks": {}},
        {"callbacks": [5]},
        {"callbacks": [{"state": 5}]},
    ],
)
def test_one_whose_state_is_none_is_skipped(tmp_path, caplog, wrong):
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2):
        store.save(checkpoint(epoch))
    path = tmp_path / "epoch-00002" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "state": {**manifest["state"], **wrong}}))
    assert store.newest().epoch == 1
    assert "epoch-00002 was skipped: " in caplog.text


def test_half_written_folders_are_not_seen(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(1))
    (tmp_path / ".epoch-00002.abc.part").mkdir()
    assert store.newest().epoch == 1


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from handwriting_cnn.storage import atomic
from handwriting_cnn.training.checkpoints import Checkpoint, CheckpointStore

atomic._take_place = lambda *args, **settings: os.kill(os.getpid(), signal.SIGKILL)
CheckpointStore(Path(sys.argv[1])).save(Checkpoint(epoch=2, tensors={"a": np.zeros(3)}, state={}))
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_what_a_killed_process_half_wrote_is_removed_by_the_next(tmp_path):
    folder = RunFolder(tmp_path)
    folder.checkpoints.save(checkpoint(1))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "checkpoints")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = (path for path in (tmp_path / "checkpoints").iterdir() if path.suffix == ".part")
    left.with_suffix(".old").mkdir()
    (tmp_path / "checkpoints" / ".keep").touch()
    with folder.locked():
        assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [".keep", "epoch-00001"]


def test_another_run_is_refused_and_every_difference_named(tmp_path):
    run = {"config": {"epochs": 3, "seed": 0}, "data": {"name": "digits"}}
    folder = RunFolder(tmp_path / "run")
    folder.claim(run)
    folder.checkpoints.save(checkpoint(1))
    folder.claim(run)
    other = {"config": {"epochs": 4, "seed": 1}, "data": {"name": "digits"}}
    with pytest.raises(RunFolderError, match=r"config\.epochs was 3, now 4; config\.seed was 0, now 1\)"):
        folder.claim(other)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"] == run["config"]
    assert folder.resolved_values() == {"epochs": 3}


def test_a_run_that_failed_before_its_first_checkpoint_leaves_the_folder_free(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.claim({"config": {"epochs": 3, "learning_rate": 9.0}})
    assert folder.resolved_values() == {}
    folder.claim({"config": {"epochs": 3, "learning_rate": 0.1}})
    folder.checkpoints.save(checkpoint(1))
    with pytest.raises(RunFolderError, match=r"config\.learning_rate was 0\.1, now 9\.0"):
        folder.claim({"config": {"epochs": 3, "learning_rate": 9.0}})


def test_checkpoints_of_a_run_that_nobody_describes_are_not_taken_over(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.save(checkpoint(1))
    with pytest.raises(RunFolderError, match=r"has checkpoints but no run\.json"):
        folder.claim({"config": {}})


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot write .*epoch-00001"):
        CheckpointStore(tmp_path / "checkpoints").save(checkpoint(1))


def test_a_folder_in_use_or_not_a_run_is_refused(tmp_path):
    folder = RunFolder(tmp_path)
    with file_lock(tmp_path / ".lock", timeout=0), pytest.raises(RunFolderError, match="in use"), folder.locked():
        pass
    (tmp_path / "run.json").write_text("[1]")
    with pytest.raises(RunFolderError, match="not a run's description"):
        folder.claim({})
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the run folder"):
        RunFolder(tmp_path / "file" / "run")
