"""How commands print their results: tables and JSON on standard output."""

import json
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, MappingProxyType
from typing import Any, Final

import click

STOPPED: Final = MappingProxyType(
    {
        number: f"stopped by {name}; a run with --out continues when the same command is given again"
        for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"))
    }
)
"""What is said when a signal ends the program."""

STOPPED_STATUSES: Final = frozenset(128 + number for number in STOPPED)
"""The program's exit statuses then."""


@contextmanager
def handling_stops(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a function handle these signals inside the block."""
    before = {number: signal.signal(number, handler) for number in STOPPED}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


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
