"""``handwriting-cnn models``."""

from typing import Any

import click

from handwriting_cnn.cli.options import import_option, json_option, start_backend
from handwriting_cnn.cli.output import print_json, print_table

_SHAPE = (32, 32, 1)
_CLASSES = 28


@click.command("models")
@json_option
@import_option
def command(*, as_json: bool) -> None:
    """List the networks that can be built by name; parameters are counted at 32x32x1 and 28 classes.

    A network that takes no such pictures has none.
    """
    start_backend()
    from handwriting_cnn.models.registry import build_model, list_models

    rows: list[dict[str, Any]] = []
    for info in list_models():
        try:
            model = build_model(info.name, input_shape=_SHAPE, num_classes=_CLASSES)
        except Exception:  # noqa: BLE001  (a factory of the user's may take other pictures, and says so in its own way)
            model = None
        rows.append(
            {
                "name": info.name,
                "parameters": None if model is None else model.count_params(),
                "smallest": info.smallest,
                "options": dict(info.options),
                "summary": info.summary,
            }
        )
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "parameters", "smallest", "options", "summary"),
        (
            (
                row["name"],
                "" if row["parameters"] is None else f"{row['parameters']:,}",
                f"{row['smallest']}x{row['smallest']}",
                ", ".join(f"{name}={value}" for name, value in row["options"].items()),
                row["summary"],
            )
            for row in rows
        ),
    )
