"""``handwriting-cnn evaluate``."""

from pathlib import Path
from typing import Any

import click

from handwriting_cnn.cli.options import (
    check_out,
    combined,
    data_options,
    import_option,
    json_option,
    load_chosen,
    start_backend,
    tta_option,
)
from handwriting_cnn.cli.output import print_json


@click.command("evaluate")
@click.argument("model_files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="MODEL_FILE...")
@data_options
@tta_option
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the report into this folder.")
@json_option
@import_option
def command(*, model_files: tuple[Path, ...], tta: int | None, out: Path | None, as_json: bool, **data: Any) -> None:
    """Score a model file on the test part of a data set, or on all of your own data.

    Several files are an ensemble, whose answers are averaged.
    """
    start_backend()
    from handwriting_cnn.artifact.model_file import load_model
    from handwriting_cnn.data.splits import DatasetSplits
    from handwriting_cnn.evaluation.evaluator import Evaluator

    members = [load_model(path) for path in model_files]
    check_out(out, data["folder"])
    chosen = load_chosen(**data, alphabet=members[0].alphabet, preprocessing=members[0].preprocessing)
    dataset = chosen.test if isinstance(chosen, DatasetSplits) else chosen
    report = Evaluator().evaluate(combined(members, tta=tta), dataset)
    if out is not None:
        report.save(out)
    if as_json:
        print_json(report.summary())
        return
    click.echo(str(report))
    if out is not None:
        click.echo(f"\nReport: {out}/report.html")
