"""The program as a user runs it: real processes for its manners, the same function for its commands."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import requests
import scipy.ndimage
from PIL import Image

import handwriting_cnn
from handwriting_cnn.artifact.model_file import load_model
from handwriting_cnn.data.folder import load_folder
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.imaging.preprocessing import PreprocessSpec
from handwriting_cnn.models.registry import build_model
from handwriting_cnn.training.config import TrainConfig
from handwriting_cnn.training.trainer import Trainer

SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))
MODULE = '''
import keras
from handwriting_cnn import register_model

@register_model("cli_net")
def cli_net(input_shape, num_classes, *, units: int = 8):
    """A net of the user's."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(units)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs)))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))
'''


def process(*words, **options):
    command = [sys.executable, "-m", "handwriting_cnn", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def letters(folder):
    rng = np.random.default_rng(0)
    for letter, rows in (("a", slice(4, 8)), ("b", slice(20, 26))):
        (folder / letter).mkdir(parents=True)
        for index in range(20):
            picture = rng.integers(200, 230, (32, 32), dtype=np.uint8)
            picture[rows] = 30
            Image.fromarray(picture).save(folder / letter / f"{index}.png")
    return folder


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"], ["info", "--help"]])
def test_help_loads_neither_numpy_nor_keras(words):
    code = (
        "import sys; from handwriting_cnn.cli.program import main\n"
        f"sys.argv = ['handwriting-cnn', *{words!r}]\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code\n"
        "print(sorted({'numpy', 'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""


def test_python_m_is_the_same_program():
    out, _ = process("--version").communicate()
    assert out == f"handwriting-cnn, version {handwriting_cnn.__version__}\n"


def test_tables_and_json(run):
    status, out, err = run("datasets", "--json")
    assert (status, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (rows["ahcd"]["train"], rows["ahcd"]["test"], rows["ahcd"]["classes"]) == (13_440, 3_360, 28)
    assert "official, unseen-writers" in run("datasets")[1]
    status, out, _ = run("models", "--json")
    assert {row["name"]: row["parameters"] for row in json.loads(out)}["cnn14"] == 351_484
    assert "351,484" in run("models")[1]


def test_factories_of_the_users_that_take_other_pictures(run, tmp_path):
    guard = '    if input_shape[2] != 3:\n        raise ValueError("colour pictures only")\n'
    module = MODULE.replace("cli_net", "colour_net").replace("    inputs =", guard + "    inputs =")
    (tmp_path / "colour_nets.py").write_text(module)
    status, out, err = run("models", "--import", "colour_nets", "--json")
    assert (status, err) == (0, "")
    parameters = {row["name"]: row["parameters"] for row in json.loads(out)}
    assert (parameters["colour_net"], parameters["cnn14"]) == (None, 351_484)
    status, out, err = run("train", "--import", "colour_nets", "--model", "colour_net")
    assert (status, out) == (2, "")
    assert err == "handwriting-cnn: colour_net cannot be built: colour pictures only\n"


def test_results_are_not_written_among_the_pictures(run, tmp_path, monkeypatch):
    monkeypatch.chdir(letters(tmp_path / "letters"))
    status, _, err = run("train", "--folder", ".", "--model", "lenet5", "--epochs", "1")
    assert status == 2
    assert "lies in .: it would be taken for a picture" in err
    assert sorted(path.name for path in (tmp_path / "letters").iterdir()) == ["a", "b"]


def test_from_a_folder_of_pictures_to_a_model_file(run, tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(MODULE)
    letters(tmp_path / "letters")
    train = ["train", "--import", "nets", "--folder", "letters", "--model", "cli_net", "--epochs", "6", "--no-augment"]
    train += ["--batch-size", "8", "--learning-rate", "0.01", "--option", "units=4", "--out", "out"]
    status, out, err = run(*train)
    assert status == 0, err
    assert "accuracy" in out
    assert {"report", "model.safetensors", "run.json"} <= {path.name for path in (tmp_path / "out").iterdir()}

    status, out, _ = run(*train, "--json")  # the run is finished: its result comes back
    again = json.loads(out)
    assert again["accuracy"] == 1.0
    status, out, err = run(*train, "--seed", "1")
    assert status == 2
    assert "config.seed was 0, now 1" in err

    model = "out/model.safetensors"
    status, out, err = run("evaluate", model, "--folder", "letters", "--import", "nets", "--out", "scored", "--json")
    assert status == 0, err
    assert json.loads(out)["accuracy"] >= 0.95
    assert (tmp_path / "scored" / "report.html").is_file()

    # The classes are the model's, whatever order the folders' names have.
    (tmp_path / "letters" / "a").rename(tmp_path / "letters" / "z")
    status, _, err = run("evaluate", model, "--folder", "letters", "--import", "nets")
    assert status == 2
    assert "z" in err
    status, _, err = run("evaluate", model, "--dataset", "digits", "--import", "nets")
    assert status == 2
    assert "the model knows 2 letters (a b), but digits has 10 letters" in err

    status, out, _ = run("info", model, "--json")
    assert json.loads(out)["architecture"]["name"] == "cli_net"
    assert json.loads(out)["card"]["training"]["epochs"] == 6
    assert json.loads(out)["architecture"]["options"]["units"] == 4
    training = json.loads(out)["card"]["training"]
    assert (training["augment"], training["outliers"]) == (None, 0.0)  # --no-augment
    assert "alphabet.characters" in run("info", model)[1]


def test_new_pictures_are_made_by_the_models_own_rules(run, tmp_path):
    rng = np.random.default_rng(0)
    for letter, (height, width) in (("a", (30, 10)), ("b", (10, 30))):
        (tmp_path / "corner" / letter).mkdir(parents=True)
        for index in range(10):
            picture = np.full((100, 100), 240, np.uint8)
            top, left = rng.integers(0, 60, 2)
            picture[top : top + height, left : left + width] = 20
            Image.fromarray(picture).save(tmp_path / "corner" / letter / f"{index}.png")
    spec = PreprocessSpec(height=16, width=16, crop=True, margin=0.1)
    mine = load_folder(tmp_path / "corner", preprocessing=spec)
    model = build_model("cnn14", input_shape=mine.input_shape, num_classes=2, width=4, seed=0)
    config = TrainConfig(epochs=20, batch_size=10, augment=None, precision="float32")
    Trainer(config).fit(model, mine).save(tmp_path / "model.safetensors")
    assert Evaluator().evaluate(model, mine).accuracy == 1.0
    rows = [f"corner/{letter}/{index}.png,{letter}" for letter in "ab" for index in range(10)]
    (tmp_path / "mine.csv").write_text("\n".join(["file,letter", *rows]))
    pictures = [np.asarray(Image.open(f"corner/{letter}/{index}.png")) for letter in "ab" for index in range(10)]
    np.savez("mine.npz", images=np.stack(pictures), labels=np.repeat(["a", "b"], 10))
    for source in (["--folder", "corner"], ["--csv", "mine.csv"], ["--npz", "mine.npz"]):
        status, out, err = run("evaluate", "model.safetensors", *source, "--json")
        assert (status, err) == (0, "")
        assert json.loads(out)["accuracy"] == 1.0


def test_the_seed_of_the_config_file_counts_unless_another_is_given(run, tmp_path):
    (tmp_path / "nets.py").write_text(MODULE)
    letters(tmp_path / "letters")
    (tmp_path / "config.json").write_text('{"seed": 5, "epochs": 1, "batch_size": 8}')
    train = ["train", "--import", "nets", "--folder", "letters", "--model", "cli_net", "--config", "config.json"]
    for words, seed in (([], 5), (["--seed", "3"], 3)):
        out = tmp_path / f"run{seed}"
        assert run(*train, *words, "--out", out)[0] == 0
        assert json.loads((out / "run.json").read_text())["config"]["seed"] == seed


def test_an_ensemble_answers_with_the_mean_of_its_networks(run, tmp_path):
    (tmp_path / "nets.py").write_text(MODULE)
    letters(tmp_path / "letters")
    train = ["train", "--import", "nets", "--folder", "letters", "--model", "cli_net", "--epochs", "2", "--json"]
    status, out, err = run(*train, "--validation", "0", "--ensemble", "2", "--tta", "1", "--seed", "3", "--out", "out")
    assert status == 0, err
    found = json.loads(out)
    assert len(found["networks"]) == 2
    models = [tmp_path / "out" / f"network{number}" / "model.safetensors" for number in range(2)]
    cards = [load_model(model).card for model in models]
    assert [card["training"]["seed"] for card in cards] == [6, 7]
    assert [set(card["data"]) for card in cards] == [{"name", "protocol", "train"}] * 2  # nothing was held out
    test = load_folder("letters").split(0.2, seed=3)[1]
    views = [test.images, *(scipy.ndimage.shift(test.images, (0, *shift, 0), order=0) for shift in SHIFTS)]
    answers = np.mean([load_model(model)(view) for model in models for view in views], axis=0)
    report = json.loads((tmp_path / "out" / "combined" / "report" / "report.json").read_text())
    assert found["accuracy"] == report["accuracy"] == np.mean(answers.argmax(axis=1) == test.labels)

    status, out, err = run("evaluate", *models, "--folder", "letters", "--tta", "1", "--json")
    assert status == 0, err
    assert json.loads(out)["n"] == 40
    status, _, err = run("evaluate", *models, "--folder", "letters", "--tta", "32")
    assert status == 2
    assert "a shift of 32 pixels leaves nothing" in err


def test_reproduce(run, tmp_path):
    status, out, err = run("reproduce", "task1", "--epochs", "1", "--json")
    assert status == 0, err
    result = json.loads(out)
    assert (result["task"], result["protocol"], result["dataset"]) == ("task1", "honest", "digits")
    assert (tmp_path / "runs" / "task1-digits-honest-seed0" / "report" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "No such command 'trian'"),
        (["train", "--epochs", "many"], "'many' is not a valid integer"),
        (["train", "--epochs", "0"], "epochs must be an int of at least 1, but is 0"),
        (["train", "--learning-rate", "-1"], "learning_rate must be a number above 0, but is -1.0"),
        (["train", "--validation", "1.5"], "fraction"),
        (["train", "--dataset", "digit"], "unknown dataset 'digit'; did you mean 'digits'?"),
        (["train", "--model", "cnn41"], "unknown model 'cnn41'; did you mean 'cnn14'?"),
        (["train", "--dataset", "digits", "--folder", "x"], "give one of them"),
        (["train", "--folder", "absent"], "absent"),
        (["train", "--folder", "absent", "--fold", "7"], "--split and --fold are of the data sets that have a name"),
        (["train", "--folder", "absent", "--out", "absent/runs"], "--out absent/runs lies in absent: it would be"),
        (["train", "--dataset", "digits", "--tta", "99"], "a shift of 99 pixels leaves nothing of pictures of "),
        (["export", "mnist-digits", "."], ". is no place for an export"),
        (["export", "mnist-digits", "out", "--split", "official"], "--split and --fold need --dataset"),
        (["train", "--option", "width"], "--option must be NAME=VALUE, each name once, but is 'width'"),
        (["train", "--option", "width=3", "--option", "width=4"], "each name once, but is 'width=4'"),
        (["train", "--option", "seed=3"], "--option seed=3: seed is no option of a network; give --seed"),
        (["train", "--model", "lenet5", "--option", 'pooling={"a": 1}'], "unknown pooling"),
        (["train", "--model", "transfer", "--option", "base=3"], "base"),
        (["train", "--option", "widht=3"], "unknown option of model 'glyphnet' 'widht'; did you mean 'width'?"),
        (["train", "--option", "width=broad"], "width must be an int in 1..1024, but is 'broad'"),
        (["train", "--csv", "absent.csv"], "absent.csv"),
        (["train", "--config", "absent.json"], "absent.json"),
        (["train", "--import", "absent_module"], "--import absent_module: ModuleNotFoundError"),
        (["train", "--out", "file/run"], "cannot make the run folder"),
        (["reproduce", "task7"], "unknown task 'task7'"),
        (["reproduce", "task1", "--epochs", "0"], "epochs must be an int of at least 1"),
        (["reproduce", "all", "--source", "nope"], "unknown dataset 'nope'"),
        (["reproduce", "task1", "--protocol", "honset"], "did you mean 'honest'?"),
        (["evaluate", "absent.safetensors"], "absent.safetensors"),
        (["evaluate", "file"], "file"),
        (["info", "file"], "file"),
        (["info", "."], "is a folder"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(run, tmp_path, words, message):
    (tmp_path / "file").write_text("no model")
    before = sorted(tmp_path.rglob("*"))
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert err.startswith("handwriting-cnn: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_no_network_and_no_mirror(run, cache, monkeypatch):
    def unreachable(*_args, **_options):
        raise requests.exceptions.ConnectionError

    monkeypatch.setattr("requests.Session.get", unreachable)
    status, _, err = run("train", "--dataset", "ahcd")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert str(cache) in err.splitlines()[-1]
    assert "or set HANDWRITING_CNN_MIRROR to a folder" in err.splitlines()[-1]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_run_that_then_continues(tmp_path, sent, status):
    words = ["train", "--model", "lenet5", "--epochs", "500", "--out", str(tmp_path / "run")]
    # A shell's background jobs ignore SIGINT, and so would their children.
    running = process(*words, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    checkpoints = tmp_path / "run" / "checkpoints"
    deadline = time.monotonic() + 120
    while not (checkpoints / "epoch-00002").is_dir() and time.monotonic() < deadline:  # the first epoch's line is out
        time.sleep(0.1)
    running.send_signal(sent)
    _, err = running.communicate(timeout=120)
    assert running.returncode == status
    assert "continues when the same command is given again" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert err.startswith("epoch 1/500  ")  # a line an epoch where no bar is drawn, and no chatter
    assert any(path.name.startswith("epoch-") for path in checkpoints.iterdir())


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_the_backend_starts_end_the_program_at_once(sent, status):
    code = (
        "import importlib, os, sys\n"
        "from handwriting_cnn.cli import options\n"
        f"options.importlib.import_module = lambda name: os.kill(os.getpid(), {int(sent)})\n"
        "options.start_backend()\n"
        "print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert "continues when the same command is given again" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_backend_that_is_none_is_one_line():
    words = ["train", "--dataset", "digits"]
    _, err = (running := process(*words, env={**os.environ, "KERAS_BACKEND": "nope"})).communicate(timeout=120)
    assert running.returncode == 2
    assert err.startswith("handwriting-cnn: KERAS_BACKEND=nope cannot be used: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("size", "number", "wanted"),
    [
        ("two", "0", "KERAS_DISTRIBUTION_NUM_PROCESSES must be a number of processes, received 'two'"),
        ("2", "2", "KERAS_DISTRIBUTION_PROCESS_ID must be from 0 to 1, received '2'"),
        ("2", "0", "KERAS_DISTRIBUTION_NUM_PROCESSES=2 needs the JAX backend, but the backend is tensorflow"),
    ],
)
def test_a_group_that_cannot_be_is_one_line(size, number, wanted):
    group = {"KERAS_DISTRIBUTION_NUM_PROCESSES": size, "KERAS_DISTRIBUTION_PROCESS_ID": number}
    running = process("train", "--dataset", "digits", env={**os.environ, **group, "KERAS_BACKEND": "tensorflow"})
    _, err = running.communicate(timeout=120)
    assert (running.returncode, err) == (2, f"handwriting-cnn: {wanted}\n")


def test_without_a_command_the_help_is_shown(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert out == run("--help")[1]
    assert out.count("\n") > 10


def test_warnings_are_one_line(tmp_path):
    code = (
        "import handwriting_cnn.data.catalog as catalog, sys, warnings\n"
        "from handwriting_cnn.cli.program import main\n"
        "catalog.list_datasets = lambda: warnings.warn('two\\nlines') or ()\n"
        "sys.argv = ['handwriting-cnn', 'datasets', '--json']\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert done.stderr == "handwriting-cnn: warning: two lines\n"


def test_our_own_faults_have_status_1(tmp_path):
    code = (
        "import handwriting_cnn.data.catalog as catalog, sys\n"
        "from handwriting_cnn.cli.program import main\n"
        "catalog.list_datasets = lambda: 1 / 0\n"
        "sys.argv = ['handwriting-cnn', 'datasets']\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_reports_are_compared_in_pairs(run, tmp_path):
    labels = [0, 1, 0, 1, 0, 1]
    for name, predictions in (("a", [0, 1, 0, 0, 1, 0]), ("b", labels), ("c", [0, 1, 0, 1, 0, 0])):
        Evaluator().from_predictions(labels, predictions, alphabet="xy").save(tmp_path / name / "report")
    status, out, _ = run("compare", "a", "b/report", "c/report/report.json", "--json")
    assert status == 0
    first = json.loads(out)[0]
    assert (first["first"], first["second"], first["second_only"], first["first_only"]) == ("a", "b/report", 3, 0)
    assert first["p_value"] == pytest.approx(0.25)
    status, out, _ = run("compare", "a", "b/report")
    assert status == 0
    assert "+50.00" in out
    (tmp_path / "a").rename(tmp_path / "a[bold]")
    assert "a[bold]" in run("compare", "a[bold]", "b")[1]
    (tmp_path / "a[bold]").rename(tmp_path / "a")
    # What several networks answer together is a run's result.
    Evaluator().from_predictions(labels, labels, alphabet="xy").save(tmp_path / "a" / "combined" / "report")
    assert "+0.00" in run("compare", "a", "b/report")[1]
    (tmp_path / "broken.json").write_text("[]")
    report = json.loads((tmp_path / "b/report/report.json").read_text())
    (tmp_path / "columns.json").write_text(json.dumps({**report, "columns": None}))
    (tmp_path / "alphabet.json").write_text(json.dumps({**report, "alphabet": []}))
    for words, message in (
        (["a"], "two or more runs"),
        (["a", "nowhere"], "nowhere is no run"),
        (["a", "b", "./a"], "named twice"),
        (["a", "broken.json"], "no report"),
        (["a", "columns.json"], "no report"),
        (["a", "alphabet.json"], "no report"),
    ):
        status, _, err = run("compare", *words)
        assert (status, err.count("\n")) == (2, 1)
        assert message in err


def test_arrays_and_idx_files_that_are_none(run, tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no archive")
    (tmp_path / "images").write_bytes(b"\0\0\x08\x03" + bytes(7))
    (tmp_path / "labels").write_bytes(b"\0\0\x08\x01" + bytes(4))
    np.savez(tmp_path / "objects.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array([None, {}], object))
    for words, message in (
        (["--npz", "a.npz"], "a.npz is no whole .npz file"),
        (["--npz", "objects.npz"], "pickled objects"),
        (["--idx", "images", "labels"], "images ends within its header"),
        (["--npz", "a.npz", "--csv", "a.csv"], "give one of them"),
    ):
        status, out, err = run("train", *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert message in err
