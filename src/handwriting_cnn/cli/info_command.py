"""``handwriting-cnn info``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from handwriting_cnn.cli.options import json_option
from handwriting_cnn.cli.output import print_json, print_pairs


@click.command("info")
@click.argument("model_file", type=click.Path(path_type=Path))
@json_option
def command(*, model_file: Path, as_json: bool) -> None:
    """Show what a model file, or a pretrained model, says of itself; nothing in it is run, no framework is loaded."""
    from handwriting_cnn.artifact.header import read_model_header
    from handwriting_cnn.artifact.pretrained import model_path

    header = read_model_header(model_path(model_file))
    if as_json:
        print_json(header)
        return
    print_pairs(_flat(header))


def _flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and value:
            yield from _flat(value, here)
        else:
            yield here, _brief(value) if isinstance(value, list) else value


def _brief(values: list[Any]) -> str:
    if values and all(isinstance(row, list) and len(row) == len(values) for row in values):
        return f"{len(values)}x{len(values)} numbers"
    return " ".join(map(str, values))
