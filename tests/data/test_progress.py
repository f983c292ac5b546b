import io
import sys

import pytest

from handwriting_cnn.data import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "delay", "shown"), [(Terminal, -1, True), (Terminal, 60, False), (io.StringIO, -1, False)]
)
def test_a_bar_is_drawn_on_a_terminal_and_late(monkeypatch, stream, delay, shown):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setattr(progress, "_DELAY", delay)
    with progress.late_progress("Reading pictures", total=10) as show:
        for done in range(1, 11):
            show(done)
    assert ("Reading pictures" in sys.stderr.getvalue()) == shown
