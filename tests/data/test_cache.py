import json
import logging
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from handwriting_cnn.data.cache import cache_root, cached_arrays
from handwriting_cnn.errors import OutputError

ARRAYS = {"images": np.arange(60, dtype=np.uint8).reshape(3, 5, 4), "labels": np.array([2, 0, 1])}


class Parser:
    """Counts how often it is asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return dict(ARRAYS)


def load(parse, *, source="abc", reader=1):
    return cached_arrays("toy", source=source, reader=reader, parse=parse)


def test_the_cache_gives_what_was_parsed_as_memory_maps(cache):
    parse = Parser()
    for _ in range(3):
        arrays = load(parse)
        for name, expected in ARRAYS.items():
            assert (arrays[name] == expected).all()
            assert arrays[name].dtype == expected.dtype
            assert isinstance(arrays[name], np.memmap)
            assert not arrays[name].flags.writeable
    assert parse.calls == 1
    assert sorted(path.name for path in cache.iterdir()) == ["toy", "toy.lock"]


@pytest.mark.parametrize("change", [{"source": "other"}, {"reader": 2}])
def test_another_source_or_reader_parses_again(cache, change):
    parse = Parser()
    load(parse)
    load(parse, **change)
    assert parse.calls == 2


def edit_meta(folder, edit):
    meta = json.loads((folder / "meta.json").read_text())
    edit(meta)
    (folder / "meta.json").write_text(json.dumps(meta))


DAMAGE = {
    "truncated": lambda folder: (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:-7]),
    "array missing": lambda folder: (folder / "labels.npy").unlink(),
    "empty": lambda folder: (folder / "images.npy").write_bytes(b""),
    "other bytes": lambda folder: (folder / "images.npy").write_bytes(bytes((folder / "images.npy").stat().st_size)),
    "a pickle": lambda folder: np.save(folder / "labels.npy", np.array([{}], object), allow_pickle=True),
    "another array": lambda folder: np.save(folder / "labels.npy", np.array([2.0, 0, 1])),
    "no JSON": lambda folder: (folder / "meta.json").write_text("{"),
    "a list": lambda folder: (folder / "meta.json").write_text("[]"),
    "no arrays": lambda folder: edit_meta(folder, lambda meta: meta.pop("arrays")),
    "arrays no mapping": lambda folder: edit_meta(folder, lambda meta: meta.update(arrays=3)),
    "entry no mapping": lambda folder: edit_meta(folder, lambda meta: meta["arrays"].update(images=1)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_rebuilt_with_a_warning(cache, caplog, damage):
    parse = Parser()
    load(parse)
    DAMAGE[damage](cache / "toy")
    with caplog.at_level(logging.WARNING):
        arrays = load(parse)
    assert parse.calls == 2
    assert (arrays["images"] == ARRAYS["images"]).all()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(cache / "toy") in caplog.text
    load(parse)
    assert parse.calls == 2


def test_a_parser_that_fails_leaves_nothing(cache):
    def parse():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        load(parse)
    assert not (cache / "toy").exists()


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="file"):
        load(Parser())


def test_a_user_without_a_home_is_told_to_choose_a_cache(monkeypatch):
    monkeypatch.delenv("HANDWRITING_CNN_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: Path("~/.cache") / name)
    with pytest.raises(OutputError, match=r"no home folder is known .* set HANDWRITING_CNN_DATA to a folder"):
        cache_root()


def _load_in_process(log):
    def parse():
        with Path(log).open("a") as file:
            file.write("parsed\n")
        return ARRAYS

    return load(parse)["labels"].tolist()


def test_processes_that_start_together_parse_once(cache, tmp_path):
    with get_context("fork" if hasattr(__import__("os"), "fork") else "spawn").Pool(3) as pool:
        assert pool.map(_load_in_process, [tmp_path / "log"] * 3, chunksize=1) == [[2, 0, 1]] * 3
    assert (tmp_path / "log").read_text() == "parsed\n"


def test_the_root_is_the_variable_or_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDWRITING_CNN_DATA", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.setenv("HANDWRITING_CNN_DATA", "~/there")
    assert cache_root() == Path.home() / "there"
    monkeypatch.delenv("HANDWRITING_CNN_DATA")
    assert cache_root().name == "handwriting-cnn"
