import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from handwriting_cnn.data.alphabet import ARABIC, Alphabet
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.lettering import drawable_labels, language_tag
from handwriting_cnn.errors import ConfigError, DataError, OutputError
from handwriting_cnn.evaluation.evaluator import Evaluator
from handwriting_cnn.evaluation.plots import plot_samples
from handwriting_cnn.evaluation.report import EvaluationReport

HOSTILE = Alphabet(characters=("<script>alert(1)</script>", "&b;", '"c'), names=("<i>", "b", "c"))


def made(alphabet, *, count=120, pictures=True, seed=0):
    """A report of a classifier that is right about four times in five."""
    rng = np.random.default_rng(seed)
    classes = len(alphabet)
    labels = np.arange(count) % classes
    probabilities = rng.dirichlet(np.full(classes, 0.3), size=count) * 0.5
    probabilities[np.arange(count), np.where(rng.random(count) < 0.7, labels, (labels + 1) % classes)] += 0.5
    images = rng.integers(0, 256, (count, 16, 16), dtype=np.uint8) if pictures else None
    return Evaluator().from_predictions(labels, probabilities, alphabet=alphabet, images=images, name="made <up>")


class Page(HTMLParser):
    """Checks that tags close in order, and collects what a reader would meet."""

    VOID = ("meta", "img", "link", "br", "hr", "input", "col")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("alphabet", [HOSTILE, ARABIC, Alphabet.of("अआइ"), Alphabet.of([f"c{i}" for i in range(45)])])
def test_the_saved_report_is_whole_and_stands_alone(tmp_path, alphabet):
    report = made(alphabet, count=3 * len(alphabet) + 20)
    html = report.save(tmp_path / "report")
    text = html.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    assert f"{report.accuracy:.2%}" in page.text.replace(" ", "")
    assert all(attributes.get("alt") for tag, attributes in page.attributes if tag == "img")
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.attributes
    assert "prefers-color-scheme: dark" in text
    assert EvaluationReport.from_json(json.loads((tmp_path / "report" / "report.json").read_text())).to_json() == (
        report.to_json()
    )
    pictures = sorted(tmp_path.glob("report/*.png"))
    assert [path.name for path in pictures] == ["confusion.png", "mistakes.png", "scores.png"]
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 200


def test_a_set_of_ones_own_has_only_its_name_for_a_title(tmp_path):
    answers = {"labels": [0, 1], "predictions": [0, 1], "alphabet": "ab", "name": "digits"}
    for protocol, title in (("", "digits"), ("fixed", "Optical Recognition of Handwritten Digits")):
        html = Evaluator().from_predictions(**answers, protocol=protocol).save(tmp_path / (protocol or "own"))
        assert f"<h1>{title}" in html.read_text("utf-8")


def test_bare_and_perfect_answers_have_a_report(tmp_path):
    report = Evaluator().from_predictions([0, 1, 1], [0, 1, 1], alphabet="ab")
    Page(report.save(tmp_path).read_text(encoding="utf-8"))
    assert "100.00%" in str(report)
    assert "top-" not in str(report)
    with pytest.raises(DataError, match="pictures"):
        report.plot_mistakes()


@pytest.mark.parametrize("places", [{"rows": 0}, {"rows": -1}, {"columns": 2.5}])
def test_galleries_without_a_place_are_refused(places):
    with pytest.raises(ConfigError, match="must be an int of 1 or more"):
        made(ARABIC).plot_mistakes(**places)


def test_the_text_says_what_matters():
    report = made(ARABIC)
    low, high = report.interval
    text = str(report)
    for part in (f"{report.accuracy:.2%}", f"{low:.2%} to {high:.2%}", "top-3", "macro F1"):
        assert part in text
    first = report.confused_pairs[0]
    assert f"{ARABIC.names[first.first]} / {ARABIC.names[first.second]}" in text
    assert repr(report).startswith("EvaluationReport(made <up>: accuracy 0.")
    summary = report.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["accuracy"], summary["n"], summary["interval"]) == (report.accuracy, 120, [low, high])


@pytest.mark.parametrize("change", [{"labels": [0]}, {"labels": [99] * 120}, {"alphabet": {}}, {"top_k": ...}])
def test_a_changed_json_is_refused(change):
    values = {**made(ARABIC).to_json(), **change}
    values = {name: value for name, value in values.items() if value is not ...}
    with pytest.raises(DataError):
        EvaluationReport.from_json(values)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        made(HOSTILE).save(tmp_path / "file" / "report")


def test_plots_draw_into_the_axes_that_are_given():
    from matplotlib.figure import Figure

    report = made(ARABIC)
    for plot in (report.plot_confusion, report.plot_scores, report.plot_mistakes):
        ax = Figure().add_subplot()
        assert plot(ax=ax) is ax
        assert plot().figure is not ax.figure
    counts = report.plot_confusion(normalize=False)
    shown = {text.get_text() for text in counts.texts}
    assert {str(value) for value in report.confusion[report.confusion > 0]} <= shown


@pytest.mark.parametrize("classes", [2, 41, 100])
def test_plots_draw_at_any_number_of_classes(classes):
    letters = [chr(0x915 + number) if number < 30 else f"n{number}" for number in range(classes)]
    report = made(Alphabet.of(["ab$c$", *letters[1:]]), count=3 * classes)  # "$c$" is no formula
    for ax in (report.plot_confusion(), report.plot_mistakes(rows=1)):
        ax.figure.canvas.draw()


def test_pictures_of_many_classes_are_bounded():
    # Not drawn: at 150 dots an inch 1,000 classes were 3 gigabytes, and from 1,800 on matplotlib refused.
    report = made(Alphabet.of([f"n{number}" for number in range(1000)]), count=2000, pictures=False)
    confusion, scores = report.plot_confusion(), report.plot_scores()
    for ax in (confusion, scores):
        assert max(ax.figure.get_size_inches()) <= 50
    shown = [int(label.get_text()[1:]) for label in confusion.get_xticklabels()]
    assert confusion.get_xticks().tolist() == shown == list(range(0, 1000, shown[1]))
    assert 100 < len(shown) < 200
    drawn = np.sort(scores.lines[0].get_xdata())
    np.testing.assert_allclose(drawn, np.sort(report.classes.f1)[:200] * 100)
    assert scores.get_title() == "the lowest 200 of 1,000"


def test_samples_show_the_data_sets_pictures():
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype=np.uint8)
    dataset = Dataset.from_arrays(images, np.arange(40) % 4, alphabet="ابتث")
    ax = plot_samples(dataset, rows=2, columns=4, seed=0)
    ax.figure.canvas.draw()
    with pytest.raises(Exception, match="rows"):
        plot_samples(dataset, rows=0)


def test_letters_without_a_glyph_fall_back():
    alphabet = Alphabet(characters=("a", "ب", "अ", "\U0001f600\u0301\ue000"), names=("a", "beh", "letter a", "\ue001"))
    assert drawable_labels(alphabet) == ["a", "ب", "letter a", "U+1F600 U+0301 U+E000"]
    assert [language_tag(text) for text in ("ب", "я", "7")] == ["und-Arab", "und-Cyrl", "und"]
