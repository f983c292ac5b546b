"""A progress bar for work that turns out to be long."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_DELAY: Final = 2.0


@contextmanager
def late_progress(description: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """Draw a progress bar on standard error once the work has taken two seconds; none where that is no terminal.

    Args:
        description: What is being done.
        total: What is done when it is complete.

    Yields:
        A function that is told how much is done.
    """
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(description, total=total)
    began = time.monotonic()

    def show(done: int) -> None:
        if not bar.live.is_started and time.monotonic() - began > _DELAY:
            bar.start()
        bar.update(task, completed=done)

    try:
        yield show
    finally:
        bar.stop()
