"""Commands on trained models: predict, export, pretrained."""

import csv
import dataclasses
import errno
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.artifact.model_file import SavedModel, load_model
from handwriting_cnn.artifact.reading import ReadingRules
from handwriting_cnn.data.alphabet import Alphabet
from handwriting_cnn.errors import ImageDecodeError
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.recognition.many import read_all
from handwriting_cnn.recognition.recognizer import Recognizer
from handwriting_cnn.storage.locks import file_lock


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    model = build_model("glyphnet", input_shape=(16, 16, 1), num_classes=3, width=2, seed=1)
    spec = PreprocessSpec(height=16, width=16)
    saved = SavedModel(model=model, alphabet=Alphabet.of("abc"), preprocessing=spec, reading=ReadingRules())
    return saved.save(tmp_path_factory.mktemp("models") / "letters.safetensors")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A folder with a page of two lines of three bars, a blank page, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pages")
    page = np.full((400, 500), 245, np.uint8)
    for top in (80, 240):
        for left in (90, 220, 350):
            page[top : top + 80, left : left + 12] = 20
            page[top : top + 12, left : left + 40] = 20
    Image.fromarray(page).save(folder / "page.png")
    Image.fromarray(np.full((200, 200), 245, np.uint8)).save(folder / "blank.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return folder


def test_a_page_becomes_text_a_table_json_and_a_picture(run, model_file, pages, tmp_path):
    path = pages / "page.png"
    words = ("predict", path, "--model", model_file)
    expected = Recognizer.load(model_file).recognize(path)
    status, out, err = run(*words, "--csv", "letters.csv", "--annotate", "drawn")
    assert (status, err) == (0, "")
    assert [len(line) for line in out.split()] == [3, 3]
    assert "".join(out.split()) == "".join(one.text for one in expected)
    with (tmp_path / "letters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [one.text for one in expected]
    assert [int(row["left"]) for row in rows] == [one.box[0] for one in expected]
    with Image.open(tmp_path / "drawn" / "page.png") as drawn:
        assert drawn.size == (500, 400)
    status, out, _ = run(*words, "--json", "--threshold", 1)
    assert status == 0
    (read,) = json.loads(out)
    assert read["file"] == str(path)
    assert [one["line"] for one in read["characters"]] == [0, 0, 0, 1, 1, 1]
    assert {one["text"] for one in read["characters"]} == {""}
    assert "\N{REPLACEMENT CHARACTER}" * 3 in run(*words, "--threshold", 1)[1]


def test_a_picture_in_which_nothing_is_found_is_named(run, model_file, pages):
    status, out, err = run("predict", pages / "blank.png", "--model", model_file, "--json")
    assert (status, json.loads(out)) == (0, [{"file": str(pages / "blank.png"), "characters": []}])
    assert err == f"handwriting-cnn: no characters found in {pages}/blank.png\n"


def test_a_bad_picture_among_good_ones_is_named_and_the_others_are_read(run, model_file, pages):
    status, out, err = run("predict", pages, "--model", model_file)
    assert status == 2
    assert f"{pages}/page.png:" in out
    assert f"{pages}/blank.png:" in out
    blank, broken, last = (line.removeprefix("handwriting-cnn: ") for line in err.splitlines())
    assert blank == f"no characters found in {pages}/blank.png"
    assert "broken.png" in broken
    assert last == "1 of 3 pictures could not be read"


def test_how_large_a_picture_may_be_is_said(run, model_file, pages):
    status, _, err = run("predict", pages / "page.png", "--model", model_file, "--max-pixels", 150_000)
    assert (status, err.count("\n")) == (2, 2)
    assert "page.png has 500x400 pixels; 1 to 150,000 are allowed" in err
    assert run("predict", pages / "page.png", "--model", model_file, "--max-pixels", 200_000)[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "arabic-leters"), "'arabic-leters' is neither a model file nor a pretrained model"),
        (("--model", "none.safetensors"), "none.safetensors"),
        (("--model", "{model}", "--threshold", "2"), "threshold must be a number in 0..1, but is 2.0"),
        (("--model", "{model}", "--max-pixels", "0"), "0 is not in the range x>=1"),
        (("--model", "{model}", "--layout", "gird"), "'gird' is not one of"),
        (("--model", "{model}", "--csv", "{pages}"), "is a folder"),
        (("--model", "{model}", "--out", "{pages}"), "is a folder"),
        (("--model", "{model}", "--out", "a", "--csv", "b"), "give one of them"),
        (("--model", "{model}", "--annotate", "{pages}"), "would overwrite the pictures"),
        (("--model", "{model}", "--annotate", "{pages}/page.png"), "is a file"),
    ],
)
def test_mistakes_with_predict_are_one_line(words, message, run, model_file, pages):
    words = [word.format(model=model_file, pages=pages) for word in words]
    status, out, err = run("predict", pages / "page.png", *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_folders_without_pictures_and_names_that_are_there_twice(run, model_file, pages, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, err = run("predict", "empty", "--model", model_file)
    assert status == 2
    assert "empty is a folder without pictures" in err
    for option, place in (("--out", "read.jsonl"), ("--csv", "read.csv"), ("--annotate", "drawn")):
        status, _, err = run("predict", pages, "--model", model_file, option, pages / place)
        assert status == 2
        assert f"{option} {pages / place} lies in {pages}: it would be taken for a picture" in err
    (tmp_path / "page.png").write_bytes((pages / "page.png").read_bytes())
    status, _, err = run("predict", pages / "page.png", "page.png", "--model", model_file, "--annotate", "drawn")
    assert status == 2
    assert "2 pictures are named 'page'" in err


def test_files_are_read_in_the_order_in_which_they_are_given_and_folders_by_name(run, model_file, pages, tmp_path):
    (tmp_path / "b.png").write_bytes((pages / "page.png").read_bytes())
    _, out, _ = run("predict", "b.png", pages, "--model", model_file, "--json")
    names = [str(tmp_path / "b.png")[-5:], str(pages / "blank.png"), str(pages / "page.png")]
    assert [one["file"] for one in json.loads(out)] == names


def test_a_picture_whose_name_is_no_utf_8_has_its_row(run, model_file, pages, tmp_path):
    name = os.fsdecode(b"\xff.png")
    (tmp_path / name).write_bytes((pages / "page.png").read_bytes())
    status, _, err = run("predict", name, "--model", model_file, "--csv", "read.csv")
    assert (status, err) == (0, "")
    assert "\\udcff.png,0,0," in (tmp_path / "read.csv").read_text("utf-8")


def test_classes_with_words_for_names_are_printed_apart(run, model_file, pages, tmp_path):
    saved = load_model(model_file)
    words = [f"class {number}" for number in range(len(saved.alphabet))]
    dataclasses.replace(saved, alphabet=Alphabet.of(words)).save(tmp_path / "words.safetensors")
    _, out, _ = run("predict", pages / "page.png", "--model", "words.safetensors", "--threshold", 0)
    assert re.fullmatch(r"(class \d class \d class \d\n){2}", out)


def test_a_folder_of_a_pretrained_models_name_is_no_model(run, tmp_path):
    (tmp_path / "mnist-digits").mkdir()
    assert re.search(r"reading\.profiles +10x10 numbers", run("info", "mnist-digits")[1])
    status, out, _ = run("info", "mnist-digits", "--json")
    assert status == 0
    assert json.loads(out)["alphabet"]["characters"] == list("0123456789")


def test_a_folder_that_may_not_be_read_is_one_line(run, model_file, pages, tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "scandir", refuse)
    status, _, err = run("predict", pages, "--model", model_file, "--out", "read.jsonl")
    assert (status, err.count("\n")) == (2, 1)
    assert f"{pages} cannot be read as a folder: Permission denied" in err
    assert not (tmp_path / "read.jsonl").exists()


def test_a_picture_that_is_given_twice_is_read_once(run, model_file, pages, tmp_path):
    _, out, _ = run("predict", pages / "page.png", pages, "--model", model_file, "--out", "read.jsonl", "--json")
    assert json.loads(out)["read"] == 2
    assert len(lines(tmp_path / "read.jsonl")) == 1 + 3


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_run_with_out_goes_on_where_it_was_stopped(run, model_file, pages, tmp_path):
    words, out = ("predict", pages, "--model", model_file, "--out", "read.jsonl", "--json"), tmp_path / "read.jsonl"
    status, printed, err = run(*words)
    assert status == 2
    assert json.loads(printed) == {"read": 2, "read_before": 0, "failed": 1, "out": "read.jsonl"}
    assert "broken.png" in err
    whole, (first, *rest) = out.read_bytes(), lines(out)
    assert first["layout"] == "auto"
    assert [line["file"] for line in rest] == [str(pages / name) for name in ("blank.png", "broken.png", "page.png")]
    expected = Recognizer.load(model_file).recognize(pages / "page.png")
    assert [one["text"] for one in rest[2]["characters"]] == [one.text for one in expected]
    assert rest[0]["characters"] == []
    assert "error" in rest[1]
    for cut in (0, 1, whole.index(b"\n") + 1, whole.index(b"page.png"), len(whole) - 1):  # killed while it wrote
        out.write_bytes(whole[:cut])
        assert run(*words)[0] == 2
        found = {line["file"]: line for line in lines(out)[1:]}
        assert found == {line["file"]: line for line in rest}
    status, printed, _ = run(*words)
    assert json.loads(printed) == {"read": 0, "read_before": 2, "failed": 1, "out": "read.jsonl"}  # it is tried again


def test_a_file_of_other_readings_is_left_alone(run, model_file, pages, tmp_path):
    words, out = ("predict", pages / "page.png", "--model", model_file, "--out", "read.jsonl"), tmp_path / "read.jsonl"
    assert run(*words)[1] == "read 1, read before 0, failed 0: read.jsonl\n"
    before = out.read_bytes()
    status, _, err = run(*words, "--layout", "line")
    assert (status, out.read_bytes()) == (2, before)
    assert "holds what was read otherwise: layout was 'auto', now 'line'" in err
    with file_lock(tmp_path / ".read.jsonl.lock", timeout=0):
        status, _, err = run(*words)
    assert status == 2
    assert "read.jsonl is in use by another process" in err
    for other in (b"letter,number\n", b"[1]\n", b'{"a": 1}\n', b"\x89PNG", b"notes"):
        out.write_bytes(other)
        status, _, err = run(*words)
        assert "is no file of readings" in err
        assert (status, out.read_bytes(), err.count("\n")) == (2, other, 1)
    out.write_bytes(before + b"{]\n")
    status, _, err = run(*words)
    assert status == 2
    assert f"damaged at byte {len(before)}" in err


def test_pictures_are_read_in_order_however_many(model_file, pages):
    reader, paths = Recognizer.load(model_file), [pages / name for name in ("page.png", "broken.png", "blank.png")] * 7
    found = list(read_all(reader, iter(paths), layout="page"))
    assert [path for path, _ in found] == paths
    page = reader.recognize(pages / "page.png", layout="page")
    for number, (_, read) in enumerate(found):
        if number % 3 == 1:
            assert isinstance(read, ImageDecodeError)
        else:
            assert read == [page, None, []][number % 3]


def test_a_model_is_exported_and_compared(run, model_file, tmp_path):
    status, out, _ = run("export", model_file, "letters", "--json")
    assert status == 0
    assert json.loads(out)["different_answers"] == 0
    assert (tmp_path / "letters" / "saved_model.pb").is_file()
    status, _, err = run("export", model_file, "letters")
    assert status == 2
    assert "letters exists already" in err
    status, out, _ = run("export", model_file, "letters", "--overwrite")
    assert status == 0
    assert "different_answers" in out


def test_pretrained_models_are_listed(run):
    status, out, _ = run("pretrained", "--json")
    assert status == 0
    for model in json.loads(out):
        assert model["bytes"] <= 1.5e6
        assert model["card"]["metrics"]["interval"][0] < model["card"]["metrics"]["accuracy"]
    assert run("pretrained")[0] == 0
