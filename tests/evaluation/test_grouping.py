import json

import numpy as np
import pytest

from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.errors import DataError, ShapeMismatchError, UnknownNameError
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.evaluation.grouping import bootstrap_interval
from handwriting_cnn.evaluation.intervals import wilson_interval
from handwriting_cnn.evaluation.report import EvaluationReport


def answered(*, writers=40, each=50, spread=0.0, seed=0):
    """A report whose writers differ in how well they are read."""
    rng = np.random.default_rng(seed)
    writer = np.repeat(np.arange(writers), each)
    chance = np.clip(rng.normal(0.9, spread, writers), 0, 1)[writer]
    labels = np.arange(len(writer)) % 2
    predictions = np.where(rng.random(len(writer)) < chance, labels, 1 - labels)
    columns = {"writer": writer, "paper": np.array(["plain", "ruled", "brown"])[writer % 3]}
    return Evaluator().from_predictions(labels, predictions, alphabet="ab", columns=columns)


def width(interval):
    return interval[1] - interval[0]


def test_independent_pictures_have_wilsons_width_and_hands_that_differ_a_wider_one():
    alike, apart = answered(), answered(spread=0.12)
    assert width(alike.writer_interval) == pytest.approx(width(alike.interval), rel=0.25)
    assert width(apart.writer_interval) > 1.7 * width(apart.interval)
    assert apart.writer_note == "40 writers"
    assert apart.writer_interval[0] < apart.accuracy < apart.writer_interval[1]
    assert "over 40 writers" in str(apart)
    assert apart.summary()["writer_interval"] == list(apart.writer_interval)


def test_the_interval_is_that_of_resampled_writers():
    report = answered(spread=0.1, seed=3)
    rng = np.random.default_rng(1)
    by_writer = (report.labels == report.predictions).reshape(40, 50).sum(axis=1)
    means = [by_writer[rng.integers(0, 40, 40)].sum() / 2000 for _ in range(20_000)]
    assert report.writer_interval == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.004)


def test_the_interval_covers_the_truth_nineteen_times_in_twenty():
    hits = sum(
        low <= 0.9 <= high for low, high in (answered(each=20, spread=0.03, seed=s).writer_interval for s in range(200))
    )
    assert 0.90 <= hits / 200 <= 0.99


def test_too_few_or_unknown_writers_are_said():
    few = answered(writers=29)
    assert few.writer_interval is None
    assert few.writer_note == "29 writers are fewer than the 30 that a bootstrap over them needs"
    assert "bootstrap" not in str(few)
    unknown = Evaluator().from_predictions([0, 1, 1], [0, 1, 0], alphabet="ab")
    assert (unknown.writer_interval, unknown.writer_note) == (None, "the writers are not known")
    with pytest.raises(DataError, match="29 clusters are fewer than the 30"):
        bootstrap_interval(np.ones(29, bool), np.arange(29))


def test_groups_have_their_own_accuracy():
    report = answered(spread=0.1)
    papers = report.by("paper")
    assert [score.name for score in papers] == ["brown", "plain", "ruled"]
    for score in papers:
        chosen = report.columns["paper"] == score.name
        right = (report.labels == report.predictions)[chosen]
        assert (score.pictures, score.accuracy) == (chosen.sum(), pytest.approx(right.mean()))
        assert score.interval == wilson_interval(int(right.sum()), len(right))
    assert len(report.by("writer")) == 40
    with pytest.raises(UnknownNameError, match="column 'papers'; did you mean 'paper'"):
        report.by("papers")


def test_the_page_shows_the_groups_that_are_not_the_letters(tmp_path):
    report = answered(spread=0.1)
    same_as_letters = {**report.columns, "source_label": report.labels + 1}
    shown = Evaluator().from_predictions(report.labels, report.predictions, alphabet="ab", columns=same_as_letters)
    page = shown.save(tmp_path).read_text("utf-8")
    assert "<h2>By writer</h2>" in page
    assert "Shown are the 12 lowest" in page
    assert "<h2>By paper</h2>" in page
    assert "By source_label" not in page
    loaded = EvaluationReport.from_json(json.loads((tmp_path / "report.json").read_text("utf-8")))
    assert loaded.writer_interval == shown.writer_interval
    assert loaded.by("paper") == shown.by("paper")
    older = {key: value for key, value in shown.to_json().items() if key != "columns"}
    assert EvaluationReport.from_json(older).columns == {}


def test_a_data_sets_writers_and_columns_reach_the_report():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    dataset = Dataset.from_arrays(
        rng.integers(0, 255, (80, 4, 4), np.uint8),
        labels,
        alphabet="ab",
        writers=np.arange(80) // 2,
        extra={"form": np.where(labels, "end", "start")},
    )
    report = Evaluator().evaluate(lambda images: np.tile([0.4, 0.6], (len(images), 1)), dataset)
    assert report.writer_note == "40 writers"
    assert [score.accuracy for score in report.by("form")] == [1.0, 0.0]


def test_columns_of_any_kind_are_written(tmp_path):
    columns = {
        "day": np.array(["2019-01-01", "2019-02-01"], "M8[D]"),
        "height": [1.5, np.nan],
        "place": [[1, 2], [3, 4]],
    }
    report = Evaluator().from_predictions([0, 1], [0, 1], alphabet="ab", columns=columns)
    report.save(tmp_path)
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))["columns"]
    assert written["day"] == ["2019-01-01", "2019-02-01"]
    assert written["height"] == ["1.5", "nan"]
    assert EvaluationReport.from_json(report.to_json()).by("height")[0].pictures == 1
    with pytest.raises(DataError, match="more than one value a picture"):
        report.by("place")


def test_columns_that_group_nothing_are_refused():
    answers = {"labels": [0, 1], "predictions": [0, 1], "alphabet": "ab"}
    with pytest.raises(DataError, match="column 'writer' must be all numbers or all text, but are NoneType, str"):
        Evaluator().from_predictions(**answers, columns={"writer": [None, "anna"]})
    with pytest.raises(DataError, match=r"column 'writer' of shape \(2, 2\) has more than one value a picture"):
        Evaluator().from_predictions(**answers, columns={"writer": [[1, 2], [3, 4]]})
    objects = Evaluator().from_predictions(**answers, columns={"paper": np.array(["plain", "ruled"], object)})
    assert [score.name for score in objects.by("paper")] == ["plain", "ruled"]


def test_a_data_set_with_such_columns_is_evaluated_without_them(tmp_path):
    extra = {"block": [[1, 2]] * 4, "paper": np.array([None, "ruled"] * 2, object)}
    dataset = Dataset.from_arrays(np.zeros((4, 4, 4), np.uint8), [0, 1, 0, 1], alphabet="ab", extra=extra)
    report = Evaluator().evaluate(lambda images: np.full((len(images), 2), 0.5), dataset)
    assert report.writer_note == "the writers are not known"
    report.save(tmp_path)
    with pytest.raises(DataError, match="all numbers or all text"):
        report.by("paper")


def test_a_bootstrap_of_right_answers_alone_is_no_interval():
    labels = np.arange(80) % 2
    report = Evaluator().from_predictions(labels, labels, alphabet="ab", columns={"writer": np.arange(80) // 2})
    assert report.writer_interval is None
    assert report.writer_note.startswith("every answer is right, and a bootstrap over 40 writers knows none but")
    assert report.interval[0] < 1


def test_columns_of_another_length():
    with pytest.raises(ShapeMismatchError, match="column 'writer'"):
        Evaluator().from_predictions([0, 1], [0, 1], alphabet="ab", columns={"writer": [1, 2, 3]})
