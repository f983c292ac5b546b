"""Downloads: processes killed at random instants of one, from a server that misbehaves at random, and 32 at once.

    python benchmarks/reliability/downloads.py --kills 1000

After each kill whatever lies under the final name is right or not there, and in the end a download gives the right
file. Writes benchmarks/results/reliability-downloads.json, and ends with status 1 if anything was wrong. Processes are
forked from this one, which has everything imported and no threads; the server is one of them, and is killed now and
then, too.
"""

import argparse
import collections
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import requests
from misbehaving_site import CONTENT, Site, forked

sys.path.insert(0, str(Path(__file__).parents[1]))
from seeds import RESULTS, installed, machine

from handwriting_cnn.data import transfer
from handwriting_cnn.data.catalog import RemoteFile
from handwriting_cnn.data.download import fetch

KILLED_WITHIN = 0.3  # seconds; an undisturbed download of the content takes about 0.1


class Trial:
    """A file that is downloaded into an empty cache of its own."""

    def __init__(self, site: Site, folder: Path, name: str):
        self.place, self.cache = f"/{name}", folder / name
        base = f"http://127.0.0.1:{site.port}{self.place}"
        self.remote = RemoteFile(
            path="set/file", urls=(f"{base}/1", f"{base}/2"), sha256=hashlib.sha256(CONTENT).hexdigest(), size=2**21
        )
        self.kept = self.cache / "downloads" / "set" / "file"

    def fetch(self) -> int:
        os.environ["HANDWRITING_CNN_DATA"] = str(self.cache)
        return 0 if fetch(self.remote).read_bytes() == CONTENT else 3

    def wrong(self) -> bool:
        return self.kept.exists() and self.kept.read_bytes() != CONTENT

    def beside(self) -> list[str]:
        folder = self.kept.parent
        return sorted({path.name for path in folder.iterdir()} - {"file", "file.lock"}) if folder.exists() else []


def killed(site: Site, folder: Path, *, kills: int, chance: random.Random) -> collections.Counter[str]:
    """Kill downloads, and finish each in the end."""
    counts: collections.Counter[str] = collections.Counter()
    while counts["kills"] < kills:
        trial = Trial(site, folder, f"killed/{counts['files']}")
        for _ in range(min(chance.randint(1, 5), kills - counts["kills"])):
            pid = forked(trial.fetch)
            time.sleep(chance.uniform(0, KILLED_WITHIN))
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            if status == 0:
                counts["ended before the kill, with the file"] += 1
                break
            if not os.WIFSIGNALED(status):
                counts[f"ended before the kill with status {os.waitstatus_to_exitcode(status)}"] += 1
            else:
                counts["kills"] += 1
                counts["kills that left a part"] += bool(trial.beside())
                counts["kills that left the whole file"] += trial.kept.exists()
                counts["wrong files under the final name"] += trial.wrong()
                if counts["kills"] % 50 == 0:
                    site.die()
                    counts["failures while the server was dead"] += finish(trial, tries=1)
                    site.start()
                if counts["kills"] % 100 == 0:
                    print(f"{counts['kills']} kills", flush=True)
        counts["failed tries to finish"] += finish(trial, tries=50)
        counts["files"] += 1
        counts["files finished right"] += trial.kept.exists() and not trial.wrong()
        counts["files that left something beside them"] += bool(trial.beside())
        shutil.rmtree(trial.cache)
    return counts


def finish(trial: Trial, *, tries: int) -> int:
    """Download until it succeeds, and return how often it failed; only errors of downloads are failures."""
    for failures in range(tries):
        _, status = os.waitpid(forked(trial.fetch), 0)
        if status == 0:
            return failures
        if os.waitstatus_to_exitcode(status) != 1:
            sys.exit(f"{trial.cache}: the download ended with status {os.waitstatus_to_exitcode(status)}")
    return tries


def crowd(trial: Trial, *, processes: int, kill_within: float | None, chance: random.Random) -> int:
    """Start processes at once, kill half of them or none, and return how many others did not give the right file."""
    waiting, gate = os.pipe()

    def work() -> int:
        os.close(gate)
        os.read(waiting, 1)
        return trial.fetch()

    pids = [forked(work) for _ in range(processes)]
    os.close(waiting)
    os.close(gate)
    victims = set()
    if kill_within is not None:
        victims = set(chance.sample(pids, processes // 2))
        time.sleep(chance.uniform(0, kill_within))
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
    statuses = {pid: os.waitpid(pid, 0)[1] for pid in pids}
    return sum(bool(status) for pid, status in statuses.items() if pid not in victims)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="killed downloads (default 1000)")
    parser.add_argument("--crowds", type=int, default=50, help="times that 32 start at once (default 50)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable()
    os.environ.update(NO_PROXY="127.0.0.1")
    os.environ.pop("HANDWRITING_CNN_MIRROR", None)
    transfer._SECONDS = 0.5  # noqa: SLF001
    requests.Session().close()  # what is imported on first use is there before the forks
    chance = random.Random(given.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(folder / "log", seed=given.seed)
        try:
            counts = killed(site, folder, kills=given.kills, chance=chance)
            last = {place: (kind, begun) for place, kind, begun in site.requests()}
            counts["files finished by joining parts"] = sum(
                kind == "good" and begun > 0 for kind, begun in last.values()
            )
            asked = [(kind, begun) for place, kind, begun in site.requests()]
            crowds = {}
            for title, kill_within in (("undisturbed", None), ("half of them killed", KILLED_WITHIN)):
                trials = [Trial(site, folder, f"crowd-{len(crowds)}/{index}") for index in range(given.crowds)]
                without = [crowd(trial, processes=32, kill_within=kill_within, chance=chance) for trial in trials]
                made = collections.Counter(place for place, _, _ in site.requests())
                crowds[title] = {
                    "crowds of 32": len(trials),
                    "processes without the right file": sum(without),
                    "crowds by their number of downloads": dict(
                        sorted(collections.Counter(made[trial.place] for trial in trials).items())
                    ),
                }
                print(title, crowds[title], flush=True)
        finally:
            site.die()
    record = {
        "command": f"python benchmarks/reliability/downloads.py --kills {given.kills} --crowds {given.crowds}",
        "title": "Downloads that are killed",
        "machine": machine(),
        "seed": given.seed,
        "versions": {package: installed(package) for package in ("requests", "urllib3", "filelock")},
        "bytes": len(CONTENT),
        "counts": dict(counts),
        "requests": {
            "all": len(asked),
            "for the rest of a file": sum(begun > 0 for _, begun in asked),
            "by the server's behaviour": dict(collections.Counter(kind for kind, _ in asked).most_common()),
            "lives of the server": site.lives,
        },
        "crowds": crowds,
    }
    (RESULTS / "reliability-downloads.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))
    wrong = counts["wrong files under the final name"] + counts["files that left something beside them"]
    wrong += counts["files"] - counts["files finished right"]
    wrong += sum(row["processes without the right file"] for row in crowds.values())
    wrong += set(crowds["undisturbed"]["crowds by their number of downloads"]) != {1}
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
