"""``handwriting-cnn compare``."""

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handwriting_cnn.cli.options import json_option
from handwriting_cnn.cli.output import print_json, print_table
from handwriting_cnn.errors import ConfigError, DataError
from handwriting_cnn.storage.canonical import parse_json

if TYPE_CHECKING:
    from handwriting_cnn.evaluation.report import EvaluationReport


@click.command("compare")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="RUN RUN...")
@json_option
def command(*, runs: tuple[Path, ...], as_json: bool) -> None:
    """Compare reports on the same pictures in pairs (McNemar's exact test).

    A RUN is a run's folder, a report's folder, or a report.json. A run of several networks, or with --tta, is judged by
    what they answer together.
    """
    from handwriting_cnn.evaluation.comparison import compare_reports

    if len(runs) < 2:
        raise ConfigError(f"two or more runs can be compared, not {len(runs)}")
    if len({run.resolve() for run in runs}) < len(runs):
        raise ConfigError("a run is named twice: it differs in nothing from itself")
    reports = {str(run): _read(run) for run in runs}
    rows = [
        {
            "first": first,
            "second": second,
            "first_accuracy": reports[first].accuracy,
            "second_accuracy": reports[second].accuracy,
            "difference": pair.difference,
            "first_only": pair.first_only,
            "second_only": pair.second_only,
            "p_value": pair.p_value,
        }
        for first, second in combinations(reports, 2)
        for pair in [compare_reports(reports[first], reports[second])]
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("first", "accuracy", "second", "accuracy", "points", "only first right", "only second right", "p"),
        (
            (
                row["first"],
                f"{row['first_accuracy']:.2%}",
                row["second"],
                f"{row['second_accuracy']:.2%}",
                f"{float(str(row['difference'])) * 100:+.2f}",
                row["first_only"],
                row["second_only"],
                f"{row['p_value']:.3g}",
            )
            for row in rows
        ),
    )


def _read(run: Path) -> "EvaluationReport":
    from handwriting_cnn.evaluation.report import EvaluationReport

    places = ("combined/report/report.json", "report/report.json", "report.json") if run.is_dir() else ("",)
    path = next((run / place for place in places if (run / place).is_file()), None)
    if path is None:
        raise DataError(f"{run} is no run: it has no report.json")
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no report: {error}") from None
    if not isinstance(values, dict):
        raise DataError(f"{path} is no report: it holds no object")
    return EvaluationReport.from_json(values)
