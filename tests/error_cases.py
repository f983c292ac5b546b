"""A case for each error that a public function's documentation names: what is done wrong, as lightly as possible."""

import dataclasses
import zipfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

import handwriting_cnn as hw
from handwriting_cnn.exporting.formats import LiteRT

Tools = SimpleNamespace
ONE = {"input_shape": (8, 8, 1), "num_classes": 3}
LABELS = [0, 1, 2]
SURE = np.eye(3, dtype=np.float32)


def answering(shape: tuple[int, ...], value: float = 1.0) -> Callable[[Any], Any]:
    """Return a classifier that gives the same to whatever it is asked."""
    return lambda images: np.full(shape, value, np.float32)


def report(**known: Any) -> hw.EvaluationReport:
    return hw.Evaluator().from_predictions(LABELS, LABELS, alphabet="abc", **known)


def unregistered(tools: Tools) -> hw.SavedModel:
    inputs = keras.Input((8, 8, 1))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    return hw.SavedModel(model=model, alphabet=tools.small.alphabet, preprocessing=tools.small.preprocessing)


def result(tools: Tools, saved: hw.SavedModel | None = None) -> hw.TrainResult:
    saved = saved or tools.small
    return hw.TrainResult(
        model=saved.model,
        config=hw.TrainConfig(),
        history={"loss": [1.0]},
        best_epoch=1,
        seconds=0.0,
        alphabet=saved.alphabet,
        preprocessing=saved.preprocessing,
    )


def fit(tools: Tools, *, model: Any = None, train: Any = None, run_dir: Any = None, **settings: Any) -> None:
    plain = {"epochs": 1, "batch_size": 3, "augment": None, "outliers": 0.0, "precision": "float32"}
    config = hw.TrainConfig(**{**plain, "steps_per_execution": 1, **settings})
    network = hw.build_model("small_net", **ONE) if model is None else model
    hw.Trainer(config).fit(network, tools.letters if train is None else train, run_dir=run_dir, progress=False)


def table(tools: Tools, text: str) -> Any:
    path = tools.tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def picture_table(tools: Tools) -> Any:
    (tools.tmp_path / "none.png").write_bytes(b"none")
    return table(tools, "file,label\nnone.png,a\nnone.png,b\n")


def arrays(tools: Tools, **given: Any) -> Any:
    path = tools.tmp_path / "arrays.npz"
    np.savez(path, **given)
    return path


def idx(tools: Tools, name: str, *shape: int) -> Any:
    path = tools.tmp_path / name
    path.write_bytes(bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes() + bytes(int(np.prod(shape))))
    return path


def class_folder(tools: Tools) -> Any:
    for name in "ab":
        (tools.tmp_path / "letters" / name).mkdir(parents=True)
        (tools.tmp_path / "letters" / name / "none.png").write_bytes(b"none")
    return tools.tmp_path / "letters"


def away(tools: Tools) -> None:
    """Let nothing reach the network, nor find a file in a cache."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        tools.monkeypatch.setenv(name, "http://127.0.0.1:9")
    tools.monkeypatch.setenv("NO_PROXY", "")
    tools.monkeypatch.setenv("HANDWRITING_CNN_DATA", str(tools.tmp_path / "cache"))
    tools.monkeypatch.setenv("HANDWRITING_CNN_MIRROR", str(tools.tmp_path / "mirror"))


def unreachable(tools: Tools, ask: Callable[[], object]) -> None:
    away(tools)
    ask()


def wrong_file(tools: Tools) -> None:
    from handwriting_cnn.data.catalog import find_dataset

    away(tools)
    for remote in find_dataset("mnist").files:
        path = tools.tmp_path / "mirror" / remote.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("top/other", "none")
    hw.load_dataset("mnist")


def no_cache(tools: Tools) -> None:
    away(tools)
    tools.monkeypatch.setenv("HANDWRITING_CNN_DATA", str(tools.file / "cache"))
    hw.load_dataset("mnist")


def differing_export(tools: Tools) -> None:
    tools.monkeypatch.setattr(LiteRT, "write", lambda self, model, path: path.write_bytes(b"none"))
    tools.monkeypatch.setattr(LiteRT, "open", lambda self, path: lambda images: np.zeros((len(images), 3), "f4"))
    hw.export(tools.small, tools.tmp_path / "model.tflite")


def other_run(tools: Tools, run: Callable[[Any], object], *, inside: str = "") -> None:
    folder = tools.tmp_path / "out" / inside
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("none", encoding="utf-8")
    run(tools.tmp_path / "out")


def task(tools: Tools, **settings: Any) -> None:
    hw.run_task("task1", **{"dataset": tools.splits, "epochs": 1, "progress": False, **settings})


def tasks(tools: Tools, **settings: Any) -> None:
    hw.run_tasks("task1", **{"dataset": tools.splits, "epochs": 1, "progress": False, **settings})


CASES: dict[tuple[str, type[hw.HandwritingError]], Callable[[Tools], object]] = {
    ("Alphabet", hw.DataError): lambda t: hw.Alphabet(characters=("a", "a")),
    ("Alphabet", hw.UnknownNameError): lambda t: hw.Alphabet(characters=("a",), direction="up"),
    ("Alphabet.of", hw.DataError): lambda t: hw.Alphabet.of(""),
    ("Alphabet.index", hw.UnknownNameError): lambda t: hw.Alphabet.of("ab").index("c"),
    ("Alphabet.select", hw.UnknownNameError): lambda t: hw.Alphabet.of("ab").select("c"),
    ("Alphabet.select", hw.DataError): lambda t: hw.Alphabet.of("ab").select("aa"),
    ("Alphabet.from_json", hw.UnknownNameError): lambda t: hw.Alphabet.from_json({"characters": ["a"], "font": 1}),
    ("Alphabet.from_json", hw.DataError): lambda t: hw.Alphabet.from_json({}),
    ("AugmentConfig", hw.ConfigError): lambda t: hw.AugmentConfig(rotation=-1),
    ("AugmentConfig.from_json", hw.UnknownNameError): lambda t: hw.AugmentConfig.from_json({"angle": 3}),
    ("AugmentConfig.from_json", hw.ConfigError): lambda t: hw.AugmentConfig.from_json({"mirror": 3}),
    ("Dataset.from_arrays", hw.DataError): lambda t: hw.Dataset.from_arrays([1.0], LABELS, alphabet="abc"),
    ("Dataset.from_arrays", hw.ShapeMismatchError): lambda t: hw.Dataset.from_arrays(t.images, [0], alphabet="abc"),
    ("Dataset.take", hw.DataError): lambda t: t.letters.take([99]),
    ("Dataset.subset", hw.DataError): lambda t: t.letters.subset([99]),
    ("Dataset.select_classes", hw.UnknownNameError): lambda t: t.letters.select_classes("x"),
    ("Dataset.select_classes", hw.DataError): lambda t: t.letters.select_classes("aa"),
    ("Dataset.with_alphabet", hw.DataError): lambda t: t.letters.with_alphabet("ab"),
    ("Dataset.split", hw.ConfigError): lambda t: t.letters.split(2),
    ("Dataset.split", hw.UnknownNameError): lambda t: t.letters.split(0.5, by="weather"),
    ("Dataset.split", hw.DataError): lambda t: t.letters.split(0.5, by="writer"),
    ("Dataset.folds", hw.ConfigError): lambda t: t.letters.folds(1),
    ("Dataset.folds", hw.UnknownNameError): lambda t: t.letters.folds(2, by="weather"),
    ("Dataset.folds", hw.DataError): lambda t: t.letters.folds(99),
    ("Ensemble", hw.ConfigError): lambda t: hw.Ensemble([]),
    ("Ensemble", hw.ShapeMismatchError): lambda t: hw.Ensemble(
        [t.small, dataclasses.replace(t.small, alphabet=hw.Alphabet.of("cab"))]
    ),
    ("Ensemble.__call__", hw.ShapeMismatchError): lambda t: hw.Ensemble([answering((1, 1))])(t.images),
    ("Ensemble.__call__", hw.DataError): lambda t: hw.Ensemble([answering((3, 3), 9)])(t.images),
    ("ShiftAveraging", hw.ConfigError): lambda t: hw.ShiftAveraging(t.small, pixels=0),
    ("ShiftAveraging.__call__", hw.ConfigError): lambda t: hw.ShiftAveraging(t.small, pixels=8)(t.images),
    ("ShiftAveraging.__call__", hw.ShapeMismatchError): lambda t: hw.ShiftAveraging(answering((1, 1)))(t.images),
    ("ShiftAveraging.__call__", hw.DataError): lambda t: hw.ShiftAveraging(answering((3, 3), 9))(t.images),
    ("EvaluationReport.by", hw.UnknownNameError): lambda t: report().by("paper"),
    ("EvaluationReport.by", hw.DataError): lambda t: report(columns={"box": np.zeros((3, 4))}).by("box"),
    ("EvaluationReport.from_json", hw.DataError): lambda t: hw.EvaluationReport.from_json({}),
    ("EvaluationReport.from_json", hw.UnknownNameError): lambda t: hw.EvaluationReport.from_json(
        {**report().to_json(), "alphabet": {"characters": ["a"], "font": 1}}
    ),
    ("EvaluationReport.save", hw.OutputError): lambda t: report().save(t.file / "report"),
    ("EvaluationReport.plot_mistakes", hw.DataError): lambda t: report().plot_mistakes(),
    ("EvaluationReport.plot_mistakes", hw.ConfigError): lambda t: report(images=t.images).plot_mistakes(columns=0),
    ("Evaluator", hw.ConfigError): lambda t: hw.Evaluator(batch_size=0),
    ("Evaluator.evaluate", hw.ShapeMismatchError): lambda t: hw.Evaluator().evaluate(answering((3, 2)), t.letters),
    ("Evaluator.evaluate", hw.DataError): lambda t: hw.Evaluator().evaluate(t.small, t.splits),
    ("Evaluator.from_predictions", hw.ShapeMismatchError): lambda t: hw.Evaluator().from_predictions([0], LABELS),
    ("Evaluator.from_predictions", hw.DataError): lambda t: hw.Evaluator().from_predictions([0], [-1]),
    ("ModelSpec", hw.ConfigError): lambda t: hw.ModelSpec("net", {"function": print}),
    ("PreprocessSpec", hw.ConfigError): lambda t: hw.PreprocessSpec(height=0),
    ("PreprocessSpec", hw.UnknownNameError): lambda t: hw.PreprocessSpec(polarity="grey"),
    ("PreprocessSpec.from_json", hw.ConfigError): lambda t: hw.PreprocessSpec.from_json({"height": 0}),
    ("PreprocessSpec.from_json", hw.UnknownNameError): lambda t: hw.PreprocessSpec.from_json({"size": 8}),
    ("ReadingRules", hw.ConfigError): lambda t: hw.ReadingRules(extent=2),
    ("ReadingRules.confidences", hw.ShapeMismatchError): lambda t: hw.ReadingRules(
        profiles=[[1, -1], [-1, 1]]
    ).confidences(np.ones((1, 3)) / 3),
    ("ReadingRules.from_json", hw.ConfigError): lambda t: hw.ReadingRules.from_json({"extent": 2}),
    ("ReadingRules.from_json", hw.UnknownNameError): lambda t: hw.ReadingRules.from_json({"size": 2}),
    ("Recognizer", hw.ConfigError): lambda t: hw.Recognizer(t.small, candidates=0),
    ("Recognizer.load", hw.ModelFileError): lambda t: hw.Recognizer.load(t.file),
    ("Recognizer.load", hw.ConfigError): lambda t: hw.Recognizer.load(t.model_file, threshold=2),
    ("Recognizer.recognize", hw.ImageDecodeError): lambda t: t.reader.recognize(b"none"),
    ("Recognizer.recognize", hw.DataError): lambda t: t.reader.recognize(np.zeros(3)),
    ("Recognizer.recognize", hw.UnknownNameError): lambda t: t.reader.recognize(t.images[0], layout="spiral"),
    ("Recognizer.recognize_single", hw.ImageDecodeError): lambda t: t.reader.recognize_single(b"none"),
    ("Recognizer.recognize_single", hw.DataError): lambda t: t.reader.recognize_single(np.zeros(3)),
    ("Recognizer.annotate", hw.ImageDecodeError): lambda t: t.reader.annotate(b"none"),
    ("Recognizer.annotate", hw.DataError): lambda t: t.reader.annotate(np.zeros(3)),
    **{
        (f"Recognizer.{name}", kind): lambda t, name=name, answers=answers: getattr(
            hw.Recognizer(t.small, classifier=answers), name
        )(t.images)
        for name in ("predict_proba", "__call__", "predict")
        for kind, answers in ((hw.DataError, answering((3, 3), 9)), (hw.ShapeMismatchError, answering((3, 2))))
    },
    ("SavedModel.__call__", hw.ShapeMismatchError): lambda t: t.small(t.images[:, :4]),
    ("SavedModel.__call__", hw.DataError): lambda t: t.small(t.images / 255),
    ("SavedModel.save", hw.UnknownNameError): lambda t: t.small.save(t.tmp_path / "a.safetensors", dtype="int8"),
    ("SavedModel.save", hw.ModelFileError): lambda t: unregistered(t).save(t.tmp_path / "a.safetensors"),
    ("SavedModel.save", hw.OutputError): lambda t: t.small.save(t.file / "a.safetensors"),
    ("Stage", hw.ConfigError): lambda t: hw.Stage(epochs=0),
    ("Stage.from_json", hw.ConfigError): lambda t: hw.Stage.from_json({}),
    ("Stage.from_json", hw.UnknownNameError): lambda t: hw.Stage.from_json({"epochs": 1, "rate": 1}),
    ("TrainConfig", hw.ConfigError): lambda t: hw.TrainConfig(epochs=0),
    ("TrainConfig", hw.UnknownNameError): lambda t: hw.TrainConfig(optimizer="lion"),
    ("TrainConfig.from_json", hw.ConfigError): lambda t: hw.TrainConfig.from_json({"epochs": 0}),
    ("TrainConfig.from_json", hw.UnknownNameError): lambda t: hw.TrainConfig.from_json({"epoch": 1}),
    ("TrainResult.save", hw.ModelFileError): lambda t: result(t, unregistered(t)).save(t.tmp_path / "a.safetensors"),
    ("TrainResult.save", hw.OutputError): lambda t: result(t).save(t.file / "a.safetensors"),
    ("TrainResult.save_history", hw.OutputError): lambda t: result(t).save_history(t.file / "run"),
    ("TrainResult.plot_history", hw.UnknownNameError): lambda t: result(t).plot_history("luck"),
    ("Trainer", hw.ConfigError): lambda t: hw.Trainer({"epochs": 1}),
    ("Trainer.fit", hw.DataError): lambda t: fit(t, train=t.splits),
    ("Trainer.fit", hw.ShapeMismatchError): lambda t: fit(
        t, model=hw.build_model("small_net", **ONE | {"num_classes": 2})
    ),
    ("Trainer.fit", hw.ConfigError): lambda t: fit(t, train=t.letters.subset([0])),
    ("Trainer.fit", hw.UnknownNameError): lambda t: fit(t, stages=[hw.Stage(epochs=1, freeze=("roots",))]),
    ("Trainer.fit", hw.RunFolderError): lambda t: other_run(t, lambda out: fit(t, run_dir=out)),
    ("Trainer.fit", hw.TrainingError): lambda t: fit(t, optimizer="sgd", learning_rate=1e38, epochs=3),
    ("Trainer.fit", hw.OutputError): lambda t: fit(t, run_dir=t.file / "run"),
    ("build_model", hw.UnknownNameError): lambda t: hw.build_model("nets", **ONE),
    ("build_model", hw.ConfigError): lambda t: hw.build_model("small_net", **ONE | {"num_classes": 1}),
    ("compare_reports", hw.DataError): lambda t: hw.compare_reports(
        report(), hw.Evaluator().from_predictions([0], [0])
    ),
    ("export", hw.ConfigError): lambda t: hw.export(t.small, t.tmp_path / "model.pdf"),
    ("export", hw.DataError): lambda t: hw.export(t.small, t.tmp_path / "model.keras", images=t.images[:, :4]),
    ("export", hw.OutputError): lambda t: hw.export(t.small, t.folder),
    ("export", hw.ExportError): differing_export,
    ("load_csv", hw.DataError): lambda t: hw.load_csv(t.tmp_path / "none.csv"),
    ("load_csv", hw.ShapeMismatchError): lambda t: hw.load_csv(table(t, "0,0,0,0\n"), labels=t.labels),
    ("load_csv", hw.ImageDecodeError): lambda t: hw.load_csv(picture_table(t)),
    ("load_csv", hw.ConfigError): lambda t: hw.load_csv(table(t, "a,0,0\nb,0,0\n")),
    ("load_dataset", hw.UnknownNameError): lambda t: hw.load_dataset("digit"),
    ("load_dataset", hw.ConfigError): lambda t: hw.load_dataset("digits", fold=9),
    ("load_dataset", hw.DownloadError): lambda t: unreachable(t, lambda: hw.load_dataset("mnist")),
    ("load_dataset", hw.IntegrityError): wrong_file,
    ("load_dataset", hw.OutputError): no_cache,
    ("load_folder", hw.DataError): lambda t: hw.load_folder(t.folder),
    ("load_folder", hw.ImageDecodeError): lambda t: hw.load_folder(class_folder(t)),
    ("load_idx", hw.DataError): lambda t: hw.load_idx(t.file, t.file),
    ("load_idx", hw.ShapeMismatchError): lambda t: hw.load_idx(idx(t, "images", 2, 3, 3), idx(t, "labels", 1)),
    ("load_model", hw.ModelFileError): lambda t: hw.load_model(t.file),
    ("load_npz", hw.DataError): lambda t: hw.load_npz(t.file),
    ("load_npz", hw.UnknownNameError): lambda t: hw.load_npz(arrays(t, x=t.images), labels="truth"),
    ("load_npz", hw.ShapeMismatchError): lambda t: hw.load_npz(arrays(t, x=t.images, y=[0])),
    ("open_export", hw.ConfigError): lambda t: hw.open_export(t.tmp_path / "model.pdf"),
    ("open_export", hw.ModelFileError): lambda t: hw.open_export(t.tmp_path / "none.onnx"),
    ("plot_samples", hw.ConfigError): lambda t: hw.plot_samples(t.letters, rows=0),
    ("preprocess", hw.DataError): lambda t: hw.preprocess(np.zeros(3), hw.PreprocessSpec()),
    ("register_model", hw.ConfigError): lambda t: hw.register_model("small_net")(lambda shape: None),
    ("run_task", hw.UnknownNameError): lambda t: hw.run_task("task9", dataset=t.splits),
    ("run_task", hw.RunFolderError): lambda t: other_run(t, lambda out: task(t, out=out)),
    ("run_task", hw.OutputError): lambda t: task(t, out=t.file / "out"),
    ("run_task", hw.ConfigError): lambda t: task(t, epochs=0),
    ("run_task", hw.DataError): lambda t: task(t, dataset=t.letters),
    ("run_task", hw.DownloadError): lambda t: unreachable(t, lambda: task(t, dataset="mnist")),
    ("run_tasks", hw.UnknownNameError): lambda t: hw.run_tasks("task9", dataset=t.splits),
    ("run_tasks", hw.RunFolderError): lambda t: other_run(t, lambda out: tasks(t, out=out), inside="task1"),
    ("run_tasks", hw.OutputError): lambda t: tasks(t, out=t.file / "out"),
    ("run_tasks", hw.ConfigError): lambda t: tasks(t, epochs=0),
    ("run_tasks", hw.DataError): lambda t: tasks(t, dataset=t.letters),
    ("run_tasks", hw.DownloadError): lambda t: unreachable(t, lambda: tasks(t, dataset="mnist")),
    ("transfer", hw.ConfigError): lambda t: hw.transfer(t.small.model, num_classes=3),
    ("transfer", hw.UnknownNameError): lambda t: hw.transfer(t.small.model, num_classes=3, freeze="leaves"),
}
