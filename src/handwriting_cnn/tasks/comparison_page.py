"""Several tasks' results on one page, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, tostring

from handwriting_cnn.evaluation.comparison import PairedComparison, compare_reports
from handwriting_cnn.evaluation.markup import element
from handwriting_cnn.storage.atomic import write_text

if TYPE_CHECKING:
    from handwriting_cnn.tasks.runner import TaskResult

_WIDTH: Final = 300  # SVG units of a curve's drawing
_HEIGHT: Final = 170
_LEFT: Final = 34
_BOTTOM: Final = 150
_TOP: Final = 10
_STARTS: Final = (0.9, 0.8, 0.5, 0.0)


def save_comparison(results: "Sequence[TaskResult]", folder: Path) -> None:
    """Write ``comparison.html`` and ``comparison.json``.

    Raises:
        OutputError: If a file cannot be written.
    """
    pairs = list(_pairs(results))
    content: dict[str, Any] = {
        "runs": [result.summary() for result in results],
        "pairs": [
            {
                "first": first.task.name,
                "second": second.task.name,
                "difference": pair.difference,
                "first_only": pair.first_only,
                "second_only": pair.second_only,
                "p_value": pair.p_value,
            }
            for first, second, pair in pairs
        ],
    }
    write_text(folder / "comparison.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "comparison.html", _page(results, pairs))


def _pairs(results: "Sequence[TaskResult]") -> "Iterator[tuple[TaskResult, TaskResult, PairedComparison]]":
    """Yield each pair of results on the same pictures."""
    for first, second in combinations(results, 2):
        if first.report.digest == second.report.digest:
            yield first, second, compare_reports(first.report, second.report)


def _page(results: "Sequence[TaskResult]", pairs: "Sequence[tuple[TaskResult, TaskResult, PairedComparison]]") -> str:
    first = next((result for result in results if not result.task.on_source), results[0])
    heading = f"{first.dataset}: {len(results)} tasks, protocol {first.protocol}, seed {first.seed}"
    style = files("handwriting_cnn.evaluation").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", heading),
        element("style", style),
    )
    watched = (
        "This protocol watches the test set as its validation curve, as the reference did; the last epoch counts."
        if first.protocol == "reference"
        else "A part of train was held out for every choice; the best epoch on it counts; the test set was scored once."
    )
    body = [
        element("header", element("h1", heading)),
        element("h2", "Accuracy on the test set"),
        element("p", watched, " The interval is Wilson's.", class_="muted"),
        element("div", _table(results), class_="card scroll", tabindex="0"),
        element("h2", "Learning curves"),
        element(
            "p",
            "Accuracy by epoch: dashed on the training pictures (as they are trained on, distorted where the task "
            "distorts), full on the validation pictures; the dot is the epoch that was kept.",
            class_="muted",
        ),
        element("div", *[_curve(result, _lowest(results)) for result in results], class_="curves"),
        *_paired(pairs),
        element("footer", "Made by handwriting-cnn. The same figures for programs: comparison.json."),
    ]
    page = element("html", head, element("body", element("main", *body)), lang="en")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _table(results: "Sequence[TaskResult]") -> Element:
    columns = (
        "task",
        "accuracy",
        "95% interval",
        "the reference",
        "pictures",
        "parameters",
        "kept epoch",
        "minutes",
        "",
    )
    rows = []
    for result in results:
        low, high = result.report.interval
        reference = result.reference_accuracy
        name = result.task.name
        linked = element("a", name, href=f"{name}/report/report.html")
        rows.append(
            element(
                "tr",
                element("th", linked, scope="row"),
                element("td", element("b", f"{result.report.accuracy:.2%}")),
                element("td", f"{low:.1%} to {high:.1%}", class_="whole"),
                element("td", "–" if reference is None else f"{reference:.2%}"),
                element("td", f"{len(result.report):,}"),
                element("td", f"{result.training.model.count_params():,}"),
                element("td", f"{result.training.best_epoch} of {result.training.config.epochs}"),
                element("td", f"{result.training.seconds / 60:.1f}"),
                element("td", result.task.title, class_="words"),
            )
        )
    head = element("thead", element("tr", *[element("th", name, scope="col") for name in columns]))
    return element("table", head, element("tbody", *rows))


def _lowest(results: "Sequence[TaskResult]") -> float:
    """Return where all curves' scales start: below the last three quarters of each, whose beginnings are low."""
    quarters = [sorted(_validation(result))[len(_validation(result)) // 4] for result in results]
    return next(edge for edge in _STARTS if edge <= min(quarters))


def _validation(result: "TaskResult") -> list[float]:
    history = result.training.history
    return history.get("val_accuracy", history["accuracy"])


def _curve(result: "TaskResult", start: float) -> Element:
    history, validation = result.training.history, _validation(result)
    epochs = len(validation)
    kept = result.training.best_epoch

    def place(index: int, value: float) -> tuple[float, float]:
        across = _LEFT + (_WIDTH - _LEFT - 8) * (index / max(epochs - 1, 1))
        return across, _BOTTOM - (_BOTTOM - _TOP) * max(value - start, 0) / (1 - start)

    def line(values: Sequence[float], kind: str) -> Element:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, value) for i, value in enumerate(values)))
        return element("polyline", points=points, class_=kind)

    x, y = place(kept - 1, validation[kept - 1])
    marks = [element("text", f"{value:.0%}", x=_LEFT - 4, y=place(0, value)[1], class_="up") for value in (start, 1.0)]
    drawing = element(
        "svg",
        element("path", d=f"M{_LEFT} {_TOP}V{_BOTTOM}H{_WIDTH - 8}", class_="axis"),
        *marks,
        element("text", "1", x=float(_LEFT), y=_BOTTOM + 12.0, class_="across"),
        element("text", str(epochs), x=_WIDTH - 8.0, y=_BOTTOM + 12.0, class_="across"),
        line(history["accuracy"], "train"),
        line(validation, "validation"),
        element("circle", cx=x, cy=y, r=3.5),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{result.task.name}: validation accuracy {validation[kept - 1]:.2%} in the kept epoch {kept}",
    )
    caption = element("figcaption", element("b", result.task.name), f" {validation[kept - 1]:.2%} in epoch {kept}")
    return element("figure", caption, drawing, class_="card curve")


def _paired(pairs: "Sequence[tuple[TaskResult, TaskResult, PairedComparison]]") -> list[Element]:
    if not pairs:
        return []
    rows = [
        element(
            "tr",
            element("th", f"{second.task.name} against {first.task.name}", scope="row"),
            element("td", f"{pair.difference * 100:+.2f}"),
            element("td", f"{pair.second_only:,}"),
            element("td", f"{pair.first_only:,}"),
            element("td", f"{pair.p_value:.3f}" if pair.p_value >= 0.001 else "below 0.001"),
        )
        for first, second, pair in pairs
    ]
    columns = ("pair", "points", "only the former right", "only the latter right", "p")
    head = element("thead", element("tr", *[element("th", name, scope="col") for name in columns]))
    meaning = (
        "McNemar's exact test on the pictures that one of two networks alone read right: p is how probable so uneven a "
        "share is if neither is better. One seed each: another seed may differ by more than chance among the pictures."
    )
    return [
        element("h2", "In pairs"),
        element("p", meaning, class_="muted"),
        element("div", element("table", head, element("tbody", *rows)), class_="card scroll", tabindex="0"),
    ]
