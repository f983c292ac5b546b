"""The report as one HTML page: no scripts, nothing loaded from elsewhere."""

from importlib.resources import files
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, tostring

from handwriting_cnn.data.catalog import published

from .galleries import letter, mistake_cards, pair_cards
from .group_tables import group_tables
from .markup import element
from .matrix_drawing import draw_matrix

if TYPE_CHECKING:
    from .report import EvaluationReport

_SCALE_STARTS: Final = (0.98, 0.95, 0.9, 0.8, 0.5, 0.0)


def report_page(report: "EvaluationReport") -> str:
    """Return the page."""
    style = files("handwriting_cnn.evaluation").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{report.name}: {_percent(report.accuracy)} accuracy"),
        element("style", style),
    )
    data = f" The data's sha256 begins with {report.digest[:16]}." if report.digest else ""
    sections = [
        _lead(report),
        *_method(report),
        *pair_cards(report),
        *_matrix(report),
        *_letters(report),
        *group_tables(report),
        *mistake_cards(report),
        element("footer", "Made by handwriting-cnn. The same figures for programs: report.json.", data),
    ]
    page = element("html", head, element("body", element("main", *sections)), lang="en")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _lead(report: "EvaluationReport") -> Element:
    info = published(report.name, report.protocol)
    heading = f"{info.title} ({report.name})" if info else report.name
    facts = {f"top-{report.top_k}": report.top_k_accuracy, "macro F1": report.macro.f1}
    shown = {name: _percent(value) for name, value in facts.items() if value is not None}
    shown |= {"pictures": f"{len(report):,}", "mistakes": f"{len(report.mistakes):,}"}
    return element(
        "header",
        element("h1", heading),
        element(
            "div",
            element(
                "div",
                element("p", f"{report.accuracy * 100:.2f}", element("small", " %"), class_="figure"),
                element("p", f"of the pictures are read right (top-1); {_interval(report)}", class_="muted"),
            ),
            _scale(report),
            element(
                "dl",
                *[element("div", element("dt", name), element("dd", value)) for name, value in shown.items()],
                class_="facts",
            ),
            class_="lead card",
        ),
    )


def _scale(report: "EvaluationReport") -> Element:
    low, high = report.interval
    start = next(edge for edge in _SCALE_STARTS if edge <= low)
    places = [f"{(value - start) / (1 - start) * 100:.2f}" for value in (low, high, report.accuracy)]
    return element(
        "div",
        element("i", class_="track"),
        element("i", class_="range", style=f"left: {places[0]}%; right: {100 - float(places[1]):.2f}%"),
        element("i", class_="point", style=f"left: {places[2]}%"),
        element("span", f"{start * 100:.0f} %"),
        element("span", "100 %"),
        class_="scale",
        role="img",
        aria_label=f"Accuracy {_percent(report.accuracy)}, {_interval(report)}",
    )


def _method(report: "EvaluationReport") -> list[Element]:
    low, high = report.interval
    right = len(report) - len(report.mistakes)
    interval = (
        f"{right:,} of {len(report):,} pictures are read right. The 95% interval of the accuracy is {_percent(low)} "
        f"to {_percent(high)} (Wilson score interval): how far chance alone could have moved it, had other pictures of "
        "the same kind been drawn. It takes the pictures for independent; those of one writer resemble each other, so "
        "other writers may move it further. "
    )
    if report.writer_interval is None:
        over_writers = f"By how much is not said here: {report.writer_note}."
    else:
        low, high = report.writer_interval
        over_writers = (
            f"Drawn again as whole {report.writer_note} instead, the interval is {_percent(low)} to {_percent(high)} "
            "(bootstrap)."
        )
    info = published(report.name, report.protocol)
    summaries = {row.name: row.summary for row in info.protocols} if info else {}
    summary = summaries.get(report.protocol.split(",")[0])
    if not report.protocol:
        protocol = "No protocol is stated: this page does not know how these pictures were kept apart from training."
    else:
        protocol = f"Protocol: {report.protocol}{f' — {summary}' if summary else ''}."
    absent = [
        element("span", *letter(report.alphabet, int(n)), " ") for n in (report.classes.support == 0).nonzero()[0]
    ]
    section = [element("h2", "What was measured"), element("p", interval, over_writers), element("p", protocol)]
    if absent:
        section.append(element("p", "No picture of: ", *absent))
    return section


def _matrix(report: "EvaluationReport") -> list[Element]:
    return [
        element("h2", "Every answer"),
        element(
            "p",
            "A row for each letter that was written, a column for each that was answered. Right answers lie on the "
            "diagonal; mistakes are orange, the stronger the larger their share of the row.",
            class_="muted",
        ),
        element(
            "figure", draw_matrix(report.confusion, report.alphabet), class_="card matrix-card scroll", tabindex="0"
        ),
    ]


def _letters(report: "EvaluationReport") -> list[Element]:
    columns = ("letter", "pictures", "precision", "recall", "F1")
    head = [element("th", name, scope="col") for name in columns]
    scores = report.classes
    rows = []
    for number in range(len(report.alphabet)):
        support, answers = int(scores.support[number]), int(scores.answers[number])
        f1 = float(scores.f1[number])
        bar = element("div", element("i", style=f"width: {f1 * 100:.1f}%"), aria_hidden="true")
        rows.append(
            element(
                "tr",
                element("th", *letter(report.alphabet, number), scope="row"),
                element("td", f"{support:,}"),
                element("td", _rounded(float(scores.precision[number])) if answers else "–"),
                element("td", _rounded(float(scores.recall[number])) if support else "–"),
                element("td", _rounded(f1) if support + answers else "–"),
                element("td", bar, class_="bar"),
            )
        )
    averages = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", f"{len(report):,}"),
            *[element("td", _rounded(value)) for value in average],
            element("td", class_="bar"),
        )
        for name, average in (("macro", report.macro), ("weighted", report.weighted))
    ]
    table = element(
        "table",
        element("thead", element("tr", *head, element("th", class_="bar"))),
        element("tbody", *rows),
        element("tfoot", *averages),
    )
    meaning = (
        "Precision: of the answers with this letter, the share that is right. Recall: of this letter's pictures, the "
        "share that is found. F1 is their harmonic mean. Below, the plain mean over the letters (macro) and the mean "
        "weighted by their pictures."
    )
    return [
        element("h2", "Letter by letter"),
        element("p", meaning, class_="muted"),
        element("div", table, class_="card scroll", tabindex="0"),
    ]


def _interval(report: "EvaluationReport") -> str:
    low, high = report.interval
    return f"95% interval {_percent(low)} to {_percent(high)}"


def _rounded(share: float) -> str:
    return f"{share * 100:.1f}%"


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"
