"""Read a million hostile files: seeds of every format that is read, changed at random, and see what comes of it.

    python benchmarks/reliability/fuzz.py --cases 1000000 --seed 0 --jobs 2

Whatever is read, the only thing that may come of it is data or an error of ``handwriting_cnn.errors`` in one line; no
other exception, no process that dies or hangs, no case that takes more than 2 seconds of the processor or 256 MB. Cases
run in worker processes. One that did otherwise is written to ``--findings`` as the file that does it again; so is, with
``--case N``, the case of a number. It writes benchmarks/results/reliability-fuzz.json.

The seeds are those of tests/corpus/ (made by corpus.py), the changes those of mutations.py. Building the network of a
model file takes a thousand times as long as the rest, so one case of 1,000 does it, of files that are changed beneath
their digest; the others are shared among formats as SHARES says.

The mutator is our own 200 lines: atheris, which is led by coverage, has no wheels for all Pythons that this library
supports, and the decoders beneath it are compiled without coverage.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import watched
from mutations import mutated, signed
from readers import Reader, build

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import installed

CORPUS = Path(__file__).parents[2] / "tests" / "corpus"
BUILT = "model network"

# Of 1,000 cases.
SHARES = {
    "png": 160, "jpeg": 90, "webp": 70, "bmp": 70, "gif": 60, "tiff": 140, "ppm": 50, "csv": 90, "npz": 80, "idx": 60,
    "archive": 80, "model": 49, BUILT: 1,
}  # fmt: skip
_HEADER_PARTS = ("architecture", "architecture", "architecture", "alphabet", "preprocessing", "reading", "card")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="how many (default 20000)")
    parser.add_argument("--seed", type=int, default=0, help="what all draws follow from (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="workers at a time (default the cores)")
    parser.add_argument(
        "--findings", type=Path, default=Path("runs/fuzz"), help="folder of findings (default runs/fuzz)"
    )
    parser.add_argument("--case", type=int, help="write the file of one case to the findings' folder, and end")
    parser.add_argument("--no-networks", action="store_true", help="leave out the cases that build a network")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    seeds = read_seeds()
    if given.worker:
        work(given.seed, seeds, given.worker, networks=not given.no_networks)
    elif given.case is not None:
        print(write_case(given.findings, given.seed, given.case, seeds))
    else:
        options = ["--seed", str(given.seed), *(["--no-networks"] if given.no_networks else [])]
        figures = watched.watch(
            [__file__, *options], cases=given.cases, jobs=given.jobs, say=lambda text: print(text, flush=True)
        )
        for finding in figures.findings:
            print(finding, write_case(given.findings, given.seed, int(finding.split()[1].rstrip(":")), seeds))
        packages = ("pillow", "numpy", "safetensors", "keras", "tensorflow")
        watched.keep(figures, given, versions={name: installed(name) for name in packages})
        sys.exit(bool(figures.findings))


def read_seeds(corpus: Path = CORPUS) -> dict[str, dict[str, bytes]]:
    """Return the seeds' contents by kind and name."""
    seeds: dict[str, dict[str, bytes]] = {}
    for path in sorted(corpus.iterdir()):
        seeds.setdefault(path.name.partition("-")[0], {})[path.name] = path.read_bytes()
    return seeds


def made_case(seed: int, number: int, seeds: dict[str, dict[str, bytes]]) -> tuple[str, str, bytes]:
    """Return a case's kind, its seed's name and its content; they follow from the two numbers."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311
    # Networks are built at fixed places, so that every worker builds as many.
    kind = BUILT if number % 1000 == 0 else rng.choices(list(SHARES)[:-1], list(SHARES.values())[:-1])[0]
    family = seeds["model" if kind == BUILT else kind]
    name = rng.choice(sorted(family))
    if kind == BUILT:
        return kind, name, signed(family[name], rng=rng, parts=_HEADER_PARTS)
    return kind, name, mutated(name, family[name], others=tuple(family.values()), rng=rng)


def work(seed: int, seeds: dict[str, dict[str, bytes]], given: list[str], *, networks: bool) -> None:
    first, last, step = map(int, given[:3])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff says on it what it thinks of each file
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        reader = Reader(CORPUS, Path(folder))
        for family in seeds.values():
            for name, content in family.items():
                reader.read(name, content)  # what is loaded at the first use is no case's
        if networks:
            for content in seeds["model"].values():
                build(content, Path(folder))

        def make(number: int) -> tuple[str, str, bytes]:
            return made_case(seed, number, seeds)

        def run(case: tuple[str, str, bytes]) -> tuple[str, str]:
            kind, name, content = case
            if kind == BUILT:
                return kind, build(content, Path(folder)) if networks else "left out"
            return kind, reader.read(name, content)

        watched.serve(make, run, first=first, last=last, step=step, place=Path(given[3]))


def write_case(folder: Path, seed: int, number: int, seeds: dict[str, dict[str, bytes]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _, name, content = made_case(seed, number, seeds)
    path = folder / f"{number}-{name}"
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    main()
