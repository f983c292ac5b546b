"""Many cases in worker processes that are watched: their time, their memory, and whether they come back at all.

A script gives a function that makes and runs the case of a number. The watching process starts workers of the same
script, each for every so many-th number. A worker that dies, or stays with one case for longer than the hang limit, is
a finding; another one takes over behind it.
"""

import argparse
import ctypes
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, machine

_Case = TypeVar("_Case")

SECONDS = 2.0
MEGABYTES = 256.0
_HANG_SECONDS = 60.0  # of the clock: the machine may have other work
_MOST_MEMORY = 6 * 2**30  # bytes of addresses beyond those that a worker has at first
_REPORT_SECONDS = 5.0
_KEPT_MEGABYTES = 16.0


@dataclass
class Figures:
    """What came of cases.

    Attributes:
        outcomes: How many cases ended so, by ``(kind, outcome)``.
        worst: By ``"seconds"`` and ``"megabytes"``: the largest figure, and the case's number and kind.
        findings: One line each.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: dict[str, list[Any]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def note(self, figure: str, value: float, case: int, kind: str) -> None:
        if value > self.worst.get(figure, [-1.0])[0]:
            self.worst[figure] = [round(value, 3), case, kind]

    def add(self, report: dict[str, Any]) -> None:
        for kind, outcome, count in report["outcomes"]:
            self.outcomes[kind, outcome] += count
        for figure, (value, case, kind) in report["worst"].items():
            self.note(figure, value, case, kind)
        self.findings += report["findings"]

    def to_json(self) -> dict[str, Any]:
        by_kind: dict[str, dict[str, int]] = {}
        for (kind, outcome), count in sorted(self.outcomes.items()):
            by_kind.setdefault(kind, {})[outcome] = count
        totals = Counter[str]()
        for (_, outcome), count in self.outcomes.items():
            totals[outcome] += count
        return {
            "outcomes": dict(sorted(totals.items())),
            "outcomes_by_kind": by_kind,
            "worst_seconds": self.worst.get("seconds"),
            "worst_megabytes": self.worst.get("megabytes"),
            "findings": self.findings,
        }


class Memory:
    """This process's resident memory (Linux), in megabytes."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._status = os.open("/proc/self/status", os.O_RDONLY)
        self._peak = os.open("/proc/self/clear_refs", os.O_WRONLY)

    def now(self) -> float:
        return self._line(b"VmRSS:")

    def peak(self) -> float:
        """Return the most since :meth:`restart`."""
        return self._line(b"VmHWM:")

    def give_back(self) -> None:
        """Let the allocator return what it keeps of earlier cases, which would hide what a later one takes."""
        if hasattr(self._libc, "malloc_trim"):
            self._libc.malloc_trim(0)

    def restart(self) -> None:
        os.pwrite(self._peak, b"5", 0)

    def _line(self, name: bytes) -> float:
        text = os.pread(self._status, 4096, 0)
        return int(text[text.index(name) + len(name) :].split(maxsplit=1)[0]) / 1024


def serve(
    make: Callable[[int], _Case],
    run: Callable[[_Case], tuple[str, str]],
    *,
    first: int,
    last: int,
    step: int,
    place: Path,
) -> None:
    """Run cases, and print what came of them as JSON lines. This is the worker's side.

    Args:
        make: Makes the case of a number; this is not measured.
        run: Runs it, and returns its kind and its outcome; what it raises is a finding.
        first: The first case's number.
        last: The number that ends them.
        step: From one number to the next.
        place: Where the number of the case that is running is kept.
    """
    _limit_memory()
    memory, figures = Memory(), Figures()
    base, said = memory.now(), time.monotonic()
    with place.open("wb", buffering=0) as running:
        for case in range(first, last, step):
            os.pwrite(running.fileno(), struct.pack("<q", case), 0)
            made = make(case)
            if memory.now() > base + _KEPT_MEGABYTES:
                memory.give_back()
                base = memory.now()  # what frameworks keep from case to case is no case's
            memory.restart()
            before, began = memory.now(), time.process_time()
            try:
                kind, outcome = run(made)
            except Exception as error:  # noqa: BLE001  (that is what is looked for)
                where = traceback.extract_tb(error.__traceback__)[-1]
                kind, outcome = "any", "finding"
                said_so = f"{type(error).__name__}: {error!s:.200} at {Path(where.filename).name}:{where.lineno}"
                figures.findings.append(f"case {case}: {said_so}")
            taken = {"seconds": time.process_time() - began, "megabytes": memory.peak() - min(before, base)}
            for (figure, value), most in zip(taken.items(), (SECONDS, MEGABYTES), strict=True):
                figures.note(figure, value, case, kind)
                if value > most:
                    figures.findings.append(f"case {case} ({kind}): {value:.1f} {figure}")
            figures.outcomes[kind, outcome] += 1
            if time.monotonic() - said > _REPORT_SECONDS or case + step >= last:
                _report(figures, done=case)
                figures, said = Figures(), time.monotonic()


def watch(command: list[str], *, cases: int, jobs: int, say: Callable[[str], None] = print) -> Figures:
    """Run all cases in workers, and return what came of them.

    Args:
        command: The script with its arguments; workers get ``--worker FIRST LAST STEP PLACE`` besides.
        cases: How many.
        jobs: Workers at a time.
        say: Told how far they are, once a minute, and of each finding.
    """
    figures, lock = Figures(), threading.Lock()
    began = time.monotonic()

    def one_job(first: int, folder: str) -> None:
        place = Path(folder) / f"job{first}"
        start = first
        while start < cases:
            done, ended = _one_worker(
                [*command, "--worker", str(start), str(cases), str(jobs), str(place)], place, take
            )
            if ended is None:
                return
            at = struct.unpack("<q", place.read_bytes())[0] if place.exists() else start
            with lock:
                # What the worker had not yet reported when it died is counted as unknown.
                figures.outcomes["any", "lost in a crash"] += (at - done) // jobs if done >= start else 0
                figures.findings.append(f"case {at}: {ended}")
            say(f"case {at}: {ended}")
            start = at + jobs

    def take(report: dict[str, Any]) -> None:
        with lock:
            figures.add(report)
        for finding in report["findings"]:
            say(finding)
        total = figures.outcomes.total()
        say(f"{total:,} of {cases:,} cases in {time.monotonic() - began:,.0f} s, findings: {len(figures.findings)}")

    with tempfile.TemporaryDirectory() as folder:
        threads = [threading.Thread(target=one_job, args=(first, folder)) for first in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return figures


def _one_worker(command: list[str], place: Path, take: Callable[[dict[str, Any]], None]) -> tuple[int, str | None]:
    """Run one worker; return the last case that it reported, and how it ended unless that was well."""
    place.unlink(missing_ok=True)
    done = -1
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        last_words: list[bytes] = []
        listener = threading.Thread(target=lambda stream: last_words.extend(list(stream)[-3:]), args=(worker.stderr,))
        guard = _Guard(worker, place)
        listener.start()
        guard.start()
        for line in worker.stdout or ():
            report = json.loads(line)
            done = report["done"]
            take(report)
        code = worker.wait()
        guard.stop()
        listener.join()
    if guard.hung:
        return done, f"did not come back within {_HANG_SECONDS:.0f} seconds"
    if code < 0:
        return done, f"the process died of {signal.Signals(-code).name}"
    if code:
        return done, f"the process ended with {code}: {b''.join(last_words).decode(errors='replace')[-300:]}"
    return done, None


class _Guard(threading.Thread):
    """Ends a worker that stays with one case for too long."""

    def __init__(self, worker: "subprocess.Popen[bytes]", place: Path) -> None:
        super().__init__(daemon=True)
        self.hung, self._worker, self._place, self._done = False, worker, place, threading.Event()

    def run(self) -> None:
        at, since = b"", time.monotonic()
        while not self._done.wait(1):
            now = self._place.read_bytes() if self._place.exists() else b""
            if now != at:
                at, since = now, time.monotonic()
            elif at and time.monotonic() - since > _HANG_SECONDS:
                self.hung = True
                self._worker.kill()
                return

    def stop(self) -> None:
        self._done.set()
        self.join()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + _MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _report(figures: Figures, *, done: int) -> None:
    outcomes = [[kind, outcome, count] for (kind, outcome), count in figures.outcomes.items()]
    print(json.dumps({"done": done, "outcomes": outcomes, "worst": figures.worst, "findings": figures.findings}))
    sys.stdout.flush()


def keep(figures: Figures, given: argparse.Namespace, *, versions: dict[str, str | None]) -> None:
    """Write what came of the cases, under the script's name."""
    name = Path(sys.argv[0]).stem
    record = {
        "command": f"python benchmarks/reliability/{name}.py --cases {given.cases} --seed {given.seed} "
        f"--jobs {given.jobs}",
        "machine": machine(),
        "versions": versions,
        "cases": given.cases,
        "seed": given.seed,
        "limits": {"seconds": SECONDS, "megabytes": MEGABYTES},
        **figures.to_json(),
    }
    path = RESULTS / f"reliability-{name}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{path}: {record['outcomes']}, worst {record['worst_seconds']} s, {record['worst_megabytes']} MB")
