"""The program, run in this process."""

import signal
import sys

import pytest

from handwriting_cnn.cli.program import main


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Runs the program in this process, in an empty folder; returns status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["handwriting-cnn", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capfd.readouterr()
        return done.value.code, out, err

    yield call
    signal.signal(signal.SIGTERM, handler)
