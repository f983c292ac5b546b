"""The program: its commands, its manners, and its exit status.

Exit status: 0; 2 for a user's mistake, with one line; 1 for a fault of ours; 130 and 143 for Ctrl-C and SIGTERM.
"""

import importlib
import logging
import signal
import sys
import warnings
from types import FrameType
from typing import Any, Final, NoReturn

import click
from typing_extensions import override

import handwriting_cnn
from handwriting_cnn.cli.output import STOPPED, STOPPED_STATUSES
from handwriting_cnn.cli.processes import end_at_once, member_of_group
from handwriting_cnn.errors import ExportError, HandwritingError

_COMMANDS: Final = {
    "datasets": "List the data sets that can be loaded by name.",
    "models": "List the networks that can be built by name.",
    "pretrained": "List the trained models that the package brings along.",
    "predict": "Read the characters of pictures.",
    "reproduce": "Run a reference task from data to report.",
    "train": "Train a model and score it on a test set.",
    "evaluate": "Score a model file on a test set.",
    "compare": "Compare reports on the same pictures in pairs.",
    "export": "Write a model for other programs.",
    "info": "Show what a model file says of itself.",
}


class _LazyGroup(click.Group):
    """Imports a command's file when the command is called: ``--help`` stays light."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"handwriting_cnn.cli.{cmd_name}_command").command
        return command if isinstance(command, click.Command) else None

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would write an empty line first
            _fail(STOPPED[signal.SIGINT], 130)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(handwriting_cnn.__version__, prog_name="handwriting-cnn")
def program() -> None:
    """Recognise isolated handwritten characters with convolutional networks."""


def main() -> NoReturn:
    """Run the program and exit."""
    with member_of_group():
        try:
            _run()
        except SystemExit as done:
            if isinstance(done.code, int) and done.code in STOPPED_STATUSES:  # all is saved; frameworks end slowly
                end_at_once(done.code)
            raise
    sys.exit(0)


def _run() -> NoReturn:
    signal.signal(signal.SIGTERM, _terminate)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    if not sys.stderr.isatty():  # where no progress bar is drawn, a line an epoch takes its place
        for floor in ("tasks", "training"):
            logging.getLogger(f"handwriting_cnn.{floor}").setLevel(logging.INFO)
    show: Any = _show_warning
    warnings.showwarning = show
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each network that is traced
    try:
        program.main(prog_name="handwriting-cnn", standalone_mode=False)
    except click.UsageError as error:
        command = "handwriting-cnn" if error.ctx is None else error.ctx.command_path
        _fail(f"{error.format_message()} See '{command} --help'.", 2)
    except ExportError as error:  # a check that failed, and no mistake of the user's
        _fail(str(error), 1)
    except (HandwritingError, click.ClickException) as error:
        _fail(str(error) if isinstance(error, HandwritingError) else error.format_message(), 2)
    except (KeyboardInterrupt, click.Abort):
        _fail(STOPPED[signal.SIGINT], 130)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0)


def _show_warning(message: Warning | str, *_where: object) -> None:
    click.echo(f"handwriting-cnn: warning: {' '.join(str(message).split())}", err=True)


def _fail(message: str, status: int) -> NoReturn:
    line = " ".join(message.split())
    click.echo(f"handwriting-cnn: {line}", err=True)
    sys.exit(status)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    _fail(STOPPED[signal.SIGTERM], 143)
