"""Times of several ways to do the same, measured in turns in one process, as ratios."""

import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seeds import installed, machine

RESULTS = Path(__file__).parent / "results"


def seconds(work: Callable[[], object], *, times: int = 1) -> float:
    """Return the seconds that one of ``times`` calls takes on average."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def in_turns(ways: Mapping[str, Callable[[], float]], *, repeats: int) -> dict[str, dict[str, Any]]:
    """Measure each way once a turn; a cell a way tells how many times less it takes than the first.

    Args:
        ways: Functions that return the seconds they took.
        repeats: Turns; one before them does not count.

    Returns:
        By ``"NAME against FIRST"``: ``seconds`` of both, the turns' ``ratios``, and their median.
    """
    turns = [{name: measure() for name, measure in ways.items()} for _ in range(repeats + 1)][1:]
    first, *others = ways
    cells = {}
    for name in others:
        ratios = [turn[first] / turn[name] for turn in turns]
        times = {way: statistics.median(turn[way] for turn in turns) for way in (first, name)}
        cells[f"{name} against {first}"] = {
            "seconds": times,
            "ratios": ratios,
            "median_ratio": statistics.median(ratios),
        }
    return cells


def keep(name: str, *, title: str, cells: Mapping[str, Any], packages: tuple[str, ...], **more: Any) -> None:
    """Print the cells and write ``benchmarks/results/NAME.json``."""
    for text, cell in cells.items():
        times = ", ".join(f"{way} {value * 1000:,.3g} ms" for way, value in cell["seconds"].items())
        print(f"{text}: {cell['median_ratio']:.2f} times ({times})", flush=True)
    record = {
        "command": f"python benchmarks/{name}.py",
        "title": title,
        "machine": machine(),
        "versions": {package: installed(package) for package in packages},
        **more,
        "cells": dict(cells),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
