"""``handwriting-cnn predict``."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from handwriting_cnn.cli.options import import_option, json_option, start_backend
from handwriting_cnn.cli.output import print_json
from handwriting_cnn.errors import ConfigError, DataError, OutputError

if TYPE_CHECKING:
    from handwriting_cnn.recognition.recognizer import Character

UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands in a text for a character that was not recognised."""

_COLUMNS: Final = ("file", "number", "line", "text", "confidence", "left", "top", "right", "bottom")


@click.command("predict")
@click.argument("pictures", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="PICTURE...")
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    metavar="NAME",
    help="A model file, or a pretrained model's name.",
)
@click.option(
    "--layout",
    type=click.Choice(["auto", "single", "line", "page", "grid"]),
    default="auto",
    show_default=True,
    help="How the characters stand.",
)
@click.option("--threshold", type=float, help="Confidence below which nothing is recognised [default: the model's].")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a row a character.")
@click.option(
    "--annotate", type=click.Path(path_type=Path), metavar="DIR", help="Write the pictures with boxes and letters."
)
@json_option
@import_option
def command(
    *,
    pictures: tuple[Path, ...],
    model: Path,
    layout: Any,
    threshold: float | None,
    csv_file: Path | None,
    annotate: Path | None,
    as_json: bool,
) -> None:
    """Read the characters of pictures: files, or folders of them.

    Prints a line of text for each line of a page, in reading order; a character that is not recognised is
    U+FFFD. A picture that cannot be read is named on standard error, the others are read, and the exit status is 2.
    """
    start_backend()
    from handwriting_cnn.data.progress import late_progress
    from handwriting_cnn.recognition.recognizer import Recognizer

    files = list(_files(pictures))
    _check_places(files, csv_file, annotate)
    reader = Recognizer.load(model, threshold=threshold)
    read: dict[Path, list[Character]] = {}
    failed = 0
    with late_progress("Reading pictures", total=len(files)) as show:
        for number, path in enumerate(files, start=1):
            try:
                read[path] = reader.recognize(path, layout=layout)
            except DataError as error:
                failed += 1
                click.echo(f"handwriting-cnn: {' '.join(str(error).split())}", err=True)
            else:
                if annotate is not None:
                    _write_picture(reader.annotate(path, read[path]), annotate / f"{path.stem}.png")
            show(number)
    if csv_file is not None:
        _write_table(csv_file, read)
    if as_json:
        print_json([{"file": str(path), "characters": [asdict(one) for one in found]} for path, found in read.items()])
    else:
        for path, found in read.items():
            click.echo(_text(path, found, named=len(files) > 1))
    if failed:
        raise DataError(f"{failed} of {len(files)} pictures could not be read")


def _files(pictures: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and those of folders in order of name; hidden ones in folders are passed over."""
    for path in pictures:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        if not inside:
            raise ConfigError(f"{path} is a folder without pictures")
        yield from inside


def _check_places(files: list[Path], csv_file: Path | None, annotate: Path | None) -> None:
    if csv_file is not None and csv_file.is_dir():
        raise OutputError(f"--csv {csv_file} is a folder: a file's name is needed")
    if annotate is None:
        return
    if annotate.exists() and not annotate.is_dir():
        raise OutputError(f"--annotate {annotate} is a file: a folder's name is needed")
    names = [path.stem for path in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"--annotate: two pictures are named {twice!r}, and would become the same file")
    if any(path.resolve() == (annotate / f"{path.stem}.png").resolve() for path in files):
        raise ConfigError(f"--annotate {annotate} would overwrite the pictures themselves")


def _text(path: Path, found: "list[Character]", *, named: bool) -> str:
    lines: dict[int, str] = {}
    for one in found:
        lines[one.line] = lines.get(one.line, "") + (one.text or UNKNOWN)
    text = "\n".join(lines.values())
    return f"{path}:\n{text}" if named else text


def _write_picture(image: Any, path: Path) -> None:
    from handwriting_cnn.storage.atomic import write_bytes

    data = io.BytesIO()
    image.save(data, "PNG")
    write_bytes(path, data.getvalue())


def _write_table(path: Path, read: "dict[Path, list[Character]]") -> None:
    from handwriting_cnn.storage.atomic import write_text

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for file, found in read.items():
        for number, one in enumerate(found):
            writer.writerow([file, number, one.line, one.text, f"{one.confidence:.4f}", *one.box])
    write_text(path, table.getvalue())
