"""How commands print their results: tables and JSON on standard output."""

import json
import signal
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any, Final

import click

STOPPED: Final = MappingProxyType(
    {
        number: f"stopped by {name}; a run with --out continues when the same command is given again"
        for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"))
    }
)
"""What is said when a signal ends the program."""


def print_json(value: Any) -> None:
    """Print JSON for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as wide as the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # a name's brackets are no markup
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width to respect
        console.width = 200
    console.print(table)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, aligned."""
    rows = [(name, str(value)) for name, value in pairs]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")
