"""``handwriting-cnn info``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from handwriting_cnn.cli.options import json_option
from handwriting_cnn.cli.output import print_json, print_pairs

_TABLE: Final = "reading.profiles"  # too many numbers to show


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
            shown = f"{len(value)}x{len(value)} numbers" if here == _TABLE and value else value
            yield here, " ".join(map(str, shown)) if isinstance(shown, list) else shown
