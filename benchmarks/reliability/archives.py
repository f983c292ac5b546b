"""Read ten thousand archives, sound, hostile and damaged, and see that nothing gets out of them.

    python benchmarks/reliability/archives.py --cases 10000 --seed 0 --jobs 2

Each is read with ``read_members`` in a folder of its own that is compared before and after, and Python tells of every
file that is opened for writing, wherever it lies. A sound archive must be read right, a hostile one refused; a damaged
one is refused, or was damaged where nothing was read. No case may take more than 2 seconds of the processor or 256 MB,
kill its process or hang. It writes benchmarks/results/reliability-archives.json.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import watched
from hostile_archives import MAX_BYTES, PATTERN, Files, damaged, made_archive

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import installed

from handwriting_cnn.errors import DataError
from handwriting_cnn.storage.archives import content_digest, read_members

_DAMAGED = 0.3
_WRITING = {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.truncate", "os.chmod", "shutil.move"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seed", type=int, default=0, help="what all draws follow from (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers at a time (default the cores)")
    parser.add_argument("--findings", type=Path, default=Path("runs/archives"), help="folder of findings")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.seed, given.worker)
        return
    command = [__file__, "--seed", str(given.seed)]
    figures = watched.watch(command, cases=given.cases, jobs=given.jobs, say=lambda text: print(text, flush=True))
    for finding in figures.findings:
        print(finding, write_case(given.findings, given.seed, int(finding.split()[1].rstrip(":"))))
    versions = {"python": sys.version.split()[0], "handwriting-cnn": installed("handwriting-cnn")}
    watched.keep(figures, given, versions=versions)
    sys.exit(bool(figures.findings))


def made_case(seed: int, number: int) -> tuple[str, bytes, Files | None]:
    """Return a case's kind, its bytes and what is read of it, ``None`` if it may be refused."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311
    kind, content, expected = made_archive(rng)
    if expected is not None and rng.random() < _DAMAGED / (1 - _DAMAGED):
        what, content = damaged(content, rng)
        return f"damaged {kind.removeprefix('sound ')}: {what}", content, expected
    return kind, content, expected


def work(seed: int, given: list[str]) -> None:
    first, last, step = map(int, given[:3])
    written: list[str] = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:  # noqa: S108
        folder = Path(place)
        path = folder / "archive"

        def make(number: int) -> tuple[str, bytes, Files | None]:
            case = made_case(seed, number)
            path.write_bytes(case[1])
            written.clear()
            return case

        def run(case: tuple[str, bytes, Files | None]) -> tuple[str, str]:
            kind, content, expected = case
            outcome = read(path, expected, damage=kind.startswith("damaged"))
            if written or list(folder.iterdir()) != [path] or path.read_bytes() != content:
                raise ValueError(f"{kind}: something was written: {written}")
            return kind, outcome

        sys.addaudithook(lambda event, values: written.append(f"{event} {values}") if _writes(event, values) else None)
        watched.serve(make, run, first=first, last=last, step=step, place=Path(given[3]))


def read(path: Path, expected: Files | None, *, damage: bool) -> str:
    """Return what came of an archive; raise ValueError if it should have been something else."""
    try:
        found = read_members(path, pattern=PATTERN, max_bytes=MAX_BYTES)
        content_digest(found)
    except DataError as error:
        if not damage and expected is not None:
            raise ValueError(f"a sound archive was refused: {error}") from error
        if str(path) not in str(error) or len(str(error).splitlines()) != 1:
            raise ValueError(f"this is not one line that names the archive: {error}") from error
        return "refused"
    if expected is None:
        raise ValueError(f"a hostile archive was read: {list(found)}")
    if found != expected and not damage:
        raise ValueError("a sound archive was read wrong")
    return "read right" if found == expected else "read otherwise"


def _writes(event: str, values: tuple[Any, ...]) -> bool:
    if event != "open":
        return event in _WRITING
    _, mode, flags = values
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or (
        mode is not None and set(mode) & set("wax+") != set()
    )


def write_case(folder: Path, seed: int, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / str(number)
    path.write_bytes(made_case(seed, number)[1])
    return path


if __name__ == "__main__":
    main()
