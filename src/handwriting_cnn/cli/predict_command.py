"""``handwriting-cnn predict``."""

import csv
import io
import os
import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from handwriting_cnn.cli.options import check_out, import_option, json_option, start_backend
from handwriting_cnn.cli.output import print_json
from handwriting_cnn.errors import ConfigError, DataError, OutputError

if TYPE_CHECKING:
    from handwriting_cnn.recognition.many import Reading
    from handwriting_cnn.recognition.recognizer import Character, Recognizer

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
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Pixels of the largest picture that is opened; colours have fewer [default: 40,000,000].",
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write a row a character.")
@click.option(
    "--annotate", type=click.Path(path_type=Path), metavar="DIR", help="Write the pictures with boxes and letters."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add a JSON line a picture; what stands there already is not read again.",
)
@json_option
@import_option
def command(
    *,
    pictures: tuple[Path, ...],
    model: Path,
    layout: Any,
    threshold: float | None,
    max_pixels: int | None,
    csv_file: Path | None,
    annotate: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Read the characters of pictures: files, or folders of them.

    Prints a line of text for each line of a page, in reading order, with spaces between classes that are called by
    words; a character that is not recognised is U+FFFD. A picture that cannot be read is named on standard error, the
    others are read, and the exit status is 2.
    With --out the characters go there instead, and a run that was stopped continues.
    """
    start_backend()
    from handwriting_cnn.artifact.pretrained import model_path
    from handwriting_cnn.imaging.decode import MAX_PIXELS
    from handwriting_cnn.recognition.journal import open_journal
    from handwriting_cnn.recognition.recognizer import Recognizer
    from handwriting_cnn.storage.canonical import file_sha256

    _check_places(pictures, csv_file, annotate, out)
    for option, place in (("--out", out), ("--csv", csv_file), ("--annotate", annotate)):
        check_out(place, *(path for path in pictures if path.is_dir()), option=option)
    files: list[Path] = []
    if out is None:
        files = [file for path in pictures for file in sorted(_files([path]))]
    else:  # what cannot be read as a folder is refused before anything is made
        deque(_files(pictures), maxlen=0)
    reader = Recognizer.load(model, threshold=threshold, max_pixels=max_pixels or MAX_PIXELS)
    if out is None:
        count, failed = len(files), _print(reader, files, layout, csv_file=csv_file, annotate=annotate, as_json=as_json)
    else:
        settings = {"model": file_sha256(model_path(model)), "layout": layout, "threshold": threshold}
        with open_journal(out, settings) as journal:
            count, before, left = journal.unread(_files(pictures))
            failed = 0
            for path, read in _readings(reader, left, count - before, layout, annotate):
                journal.write(path, read)
                failed += isinstance(read, DataError)
        counts = {"read": count - before - failed, "read_before": before, "failed": failed}
        if as_json:
            print_json({**counts, "out": str(out)})
        else:
            click.echo(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()) + f": {out}")
    if failed:
        raise DataError(f"{failed} of {count} pictures could not be read")


def _readings(
    reader: "Recognizer", files: Iterable[Path], count: int, layout: Any, annotate: Path | None
) -> "Iterator[tuple[Path, Reading]]":
    """Yield each picture with what was read; name those that cannot be, or show nothing, and draw the others."""
    from handwriting_cnn.data.progress import late_progress
    from handwriting_cnn.recognition.many import read_all

    with late_progress("Reading pictures", total=count) as show:
        for number, (path, read) in enumerate(read_all(reader, files, layout=layout), start=1):
            if isinstance(read, DataError):
                click.echo(f"handwriting-cnn: {' '.join(str(read).split())}", err=True)
            elif not read:
                click.echo(f"handwriting-cnn: no characters found in {path}", err=True)
            if annotate is not None and not isinstance(read, DataError):
                _write_picture(reader.annotate(path, read), annotate / f"{path.stem}.png")
            yield path, read
            show(number)


def _print(
    reader: "Recognizer",
    files: list[Path],
    layout: Any,
    *,
    csv_file: Path | None,
    annotate: Path | None,
    as_json: bool,
) -> int:
    """Print what is read, and write the table; return how many pictures could not be read."""
    kept: dict[Path, list[Character]] = {}
    failed = 0
    between = " " if any(map(_is_word, reader.alphabet.characters)) else ""
    for path, read in _readings(reader, files, len(files), layout, annotate):
        if isinstance(read, DataError):
            failed += 1
            continue
        if as_json or csv_file is not None:
            kept[path] = read
        if not as_json:
            click.echo(_text(path, read, between=between, named=len(files) > 1))
    if csv_file is not None:
        _write_table(csv_file, kept)
    if as_json:
        print_json([{"file": str(path), "characters": [asdict(one) for one in read]} for path, read in kept.items()])
    return failed


def _files(pictures: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and those of folders, in no order; hidden ones in folders are passed over."""
    for path in pictures:
        if path.is_dir():
            inside = _inside(path)
            first = next(inside, None)
            if first is None:
                raise ConfigError(f"{path} is a folder without pictures")
            yield first
            yield from inside
        else:
            yield path


def _inside(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    yield from _inside(Path(item.path))
                elif item.is_file() and not item.name.startswith("."):
                    yield Path(item.path)
    except OSError as error:
        raise DataError(f"{folder} cannot be read as a folder: {error.strerror or error}") from None


def _check_places(pictures: tuple[Path, ...], csv_file: Path | None, annotate: Path | None, out: Path | None) -> None:
    if csv_file is not None and out is not None:
        raise ConfigError("--csv and --out both say where the characters go: give one of them")
    for option, place in (("--csv", csv_file), ("--out", out)):
        if place is not None and place.is_dir():
            raise OutputError(f"{option} {place} is a folder: a file's name is needed")
    if annotate is None:
        return
    if annotate.exists() and not annotate.is_dir():
        raise OutputError(f"--annotate {annotate} is a file: a folder's name is needed")
    files = list(_files(pictures))
    name, count = Counter(path.stem for path in files).most_common(1)[0]
    if count > 1:
        raise ConfigError(f"--annotate: {count} pictures are named {name!r}, and would become the same file")
    if any(path.resolve() == (annotate / f"{path.stem}.png").resolve() for path in files):
        raise ConfigError(f"--annotate {annotate} would overwrite the pictures themselves")


def _is_word(text: str) -> bool:
    """Return whether a text is longer than a character with its marks."""
    return sum(not unicodedata.category(one).startswith(("M", "Cf")) for one in text) > 1


def _text(path: Path, found: "list[Character]", *, between: str, named: bool) -> str:
    lines: dict[int, list[str]] = {}
    for one in found:
        lines.setdefault(one.line, []).append(one.text or UNKNOWN)
    text = "\n".join(map(between.join, lines.values()))
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
    write_text(path, table.getvalue().encode(errors="backslashreplace").decode())  # a name may be no UTF-8
