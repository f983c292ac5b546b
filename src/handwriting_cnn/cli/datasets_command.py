"""``handwriting-cnn datasets``."""

from typing import Any

import click

from handwriting_cnn.cli.options import json_option
from handwriting_cnn.cli.output import print_json, print_table


@click.command("datasets")
@json_option
def command(*, as_json: bool) -> None:
    """List the data sets that can be loaded by name."""
    from handwriting_cnn.data.catalog import list_datasets

    rows: list[dict[str, Any]] = [
        {
            "name": info.name,
            "title": info.title,
            "train": info.num_train,
            "test": info.num_test,
            "classes": len(info.alphabet),
            "size": "x".join(map(str, info.image_size)),
            "splits": [protocol.name for protocol in info.protocols],
            "licence": info.licence,
            "citation": info.citation,
        }
        for info in list_datasets()
    ]
    if as_json:
        print_json(rows)
        return
    shown = ("name", "title", "train", "test", "classes", "size", "splits", "licence")
    print_table(shown, ([", ".join(row[k]) if isinstance(row[k], list) else row[k] for k in shown] for row in rows))
