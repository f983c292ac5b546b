"""The report page's tables by writer, paper, form, or whatever else is known of each picture."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

import numpy as np

from .grouping import CLUSTERS, GroupScore
from .markup import element

if TYPE_CHECKING:
    from .report import EvaluationReport

_MOST_GROUPS: Final = 200
_SHOWN: Final = 12


def group_tables(report: "EvaluationReport") -> Iterator[Element]:
    """Yield a section for each column that groups pictures otherwise than the letters themselves do."""
    for name, column in report.columns.items():
        if column.ndim != 1 or column.dtype.kind not in "iuUb":
            continue
        groups = np.unique(column)
        within_letters = len(set(zip(column.tolist(), report.labels.tolist(), strict=True)))
        if 2 <= len(groups) <= _MOST_GROUPS and not within_letters == len(groups) <= len(report.alphabet):
            yield from _section(name, report.by(name))


def _section(name: str, scores: tuple[GroupScore, ...]) -> Iterator[Element]:
    lowest = sorted(scores, key=lambda score: (score.accuracy, -score.pictures))
    shown = lowest[:_SHOWN] if len(scores) > 2 * _SHOWN else scores
    spread = np.quantile([score.accuracy for score in scores], [0, 0.5, 1])
    words = f"{len(scores)} {'hands' if name in CLUSTERS else 'groups'}: the lowest accuracy is {spread[0]:.1%}, "
    words += f"the median {spread[1]:.1%}, the highest {spread[2]:.1%}."
    if len(shown) < len(scores):
        words += f" Shown are the {len(shown)} lowest."
    head = element("tr", *[element("th", text, scope="col") for text in (name, "pictures", "accuracy", "95% interval")])
    rows = [
        element(
            "tr",
            element("th", score.name, scope="row"),
            element("td", f"{score.pictures:,}"),
            element("td", f"{score.accuracy:.1%}"),
            element("td", "{:.1%} to {:.1%}".format(*score.interval)),
        )
        for score in shown
    ]
    yield element("h2", f"By {name}")
    yield element("p", words, class_="muted")
    table = element("table", element("thead", head), element("tbody", *rows))
    yield element("div", table, class_="card scroll", tabindex="0")
