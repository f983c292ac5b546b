"""``handwriting-cnn pretrained``."""

import click

from handwriting_cnn.cli.options import json_option
from handwriting_cnn.cli.output import print_json, print_table


@click.command("pretrained")
@json_option
def command(*, as_json: bool) -> None:
    """List the trained models that the package brings along."""
    from handwriting_cnn.artifact.pretrained import list_pretrained

    models = list_pretrained()
    if as_json:
        print_json(
            [
                {
                    "name": model.name,
                    "architecture": model.architecture,
                    "alphabet": model.alphabet.to_json(),
                    "bytes": model.path.stat().st_size,
                    "card": model.card,
                }
                for model in models
            ]
        )
        return
    print_table(
        ("name", "letters", "network", "bytes", "right of the test part"),
        (
            (
                model.name,
                len(model.alphabet),
                model.architecture,
                f"{model.path.stat().st_size:,}",
                ", ".join(f"{row['accuracy']:.2%} of {row['dataset']}, {row['protocol']}" for row in model.tests),
            )
            for model in models
        ),
    )
