"""Run a handwriting-cnn command for several seeds, or for the folds of a split, and keep what each run reported.

    python benchmarks/seeds.py --name ahcd-task1-honest --seeds 3 -- reproduce task1 --dataset ahcd

    python benchmarks/seeds.py --name ahcd-unseen --folds 5 -- train --dataset ahcd --split unseen-writers

writes benchmarks/results/ahcd-task1-honest.json: the command, the machine, the versions, and each seed's result; where
a command runs several tasks (``reproduce all``), a file each, whose names end in the task's, and one of the pairs that
its comparison found. Runs are processes of their own; ``--jobs`` of them at a time, which a GPU has room for. A sweep
that was stopped continues when it is started again.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="the result file's name")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (default 3)")
    parser.add_argument("--folds", type=int, help="folds 0, 1, ... with seed 0 instead")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the result file")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders (default runs)")
    parser.add_argument("--note", help="what else the machine did meanwhile, for the times")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command, after --")
    given = parser.parse_args()
    command = [word for word in given.command if word != "--"]
    what = "seed" if given.folds is None else "fold"
    with ThreadPoolExecutor(given.jobs) as pool:
        numbers = range(given.folds or given.seeds)
        seeds = list(pool.map(lambda number: run(command, given.runs / given.name, what, number), numbers))
    given.out.mkdir(parents=True, exist_ok=True)
    for runs in zip(*seeds, strict=True):
        name = given.name if len(seeds[0]) == 1 else f"{given.name}-{runs[0]['task']}"
        keep(given.out / f"{name}.json", command, list(runs), jobs=given.jobs, note=given.note)
    if len(seeds[0]) > 1:
        keep_pairs(given.out / f"{given.name}-pairs.json", command, given.runs / given.name, given.seeds)


def keep_pairs(path: Path, command: list[str], runs: Path, seeds: int) -> None:
    """Write what each seed's comparison page says of the tasks in pairs."""
    pages = [json.loads((runs / f"seed{seed}" / "comparison.json").read_text("utf-8")) for seed in range(seeds)]
    pairs = [{"seed": seed, **pair} for seed, page in enumerate(pages) for pair in page["pairs"]]
    path.write_text(json.dumps({"command": f"handwriting-cnn {' '.join(command)}", "pairs": pairs}, indent=1) + "\n")


def keep(path: Path, command: list[str], runs: list[dict[str, Any]], *, jobs: int, note: str | None) -> None:
    """Write a task's runs, a seed each."""
    accuracies = [one["accuracy"] for one in runs]
    record = {
        "command": f"handwriting-cnn {' '.join(command)}",
        "machine": machine(),
        "jobs": jobs,
        "note": note,
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "versions": {name: installed(name) for name in ("keras", "tensorflow", "jax", "numpy")},
        "mean": statistics.mean(accuracies),
        "standard_deviation": statistics.stdev(accuracies) if len(runs) > 1 else None,
        "runs": runs,
    }
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shown = " ".join(f"{accuracy:.2%}" for accuracy in accuracies)
    print(f"{path.stem}: mean {record['mean']:.2%}, each {shown}", flush=True)


def run(command: list[str], runs: Path, what: str, number: int) -> list[dict[str, Any]]:
    """Return the result of each task that the command runs; ``what`` is ``"seed"`` or ``"fold"``."""
    options = [f"--{what}", str(number), "--out", str(runs / f"{what}{number}"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "handwriting_cnn", *command, *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{what} {number}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    results = found if isinstance(found, list) else [found]
    return [{what: number, **{key: value for key, value in one.items() if key != "folder"}} for one in results]


def machine() -> str:
    try:
        graphics = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        graphics = ""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{graphics}, " * bool(graphics) + f"{os.cpu_count()} cores {model}"


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
