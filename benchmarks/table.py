"""Write docs/results.md from the files in benchmarks/results.

python benchmarks/table.py
"""

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "results.md"
HEAD = """# Results

Made by `python benchmarks/table.py` from `benchmarks/results/`, where every run's figures stand. A command with
`--seed N` (from 0 up) makes a row's runs; `python benchmarks/seeds.py --name NAME --seeds N -- COMMAND` makes all of
them and keeps the file.

## Accuracy

Top-1 accuracy on the test part in percent: mean over seeds, standard deviation, and the 95% Wilson interval of the mean
on a test set of that size. Protocol `reference` watches the test set as its validation curve, and the last epoch
counts. Protocol `honest` holds an eighth of train out for every choice and scores the test set once. See
[the protocols](explanation/ahcd-protocols.md).

| what | seeds | mean | deviation | 95% interval | the reference |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the page."""
    records = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "results").glob("*.json"))}
    sweeps = {name: record for name, record in records.items() if "runs" in record}
    lines = [
        HEAD.rstrip("\n"),
        *(row(record) for record in sweeps.values()),
        "",
        "Each row's machine and versions:",
        "",
    ]
    lines += [f"- `{record['command']}`: {where(record)}" for record in sweeps.values()]
    if "train_speed" in records:
        lines += speed(records["train_speed"])
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def row(record: dict[str, Any]) -> str:
    runs = record["runs"]
    total = runs[0]["n"]
    low, high = wilson(record["mean"] * total, total)
    deviation = record["standard_deviation"]
    reference = runs[0].get("reference_accuracy")
    task = runs[0].get("task")
    part = "" if task is None or f" {task} " in record["command"] else f", {task}"
    return (
        f"| `{record['command']}`{part} | {len(runs)} | {record['mean']:.2%} "
        f"| {'' if deviation is None else f'{deviation:.2%}'} "
        f"| {low:.2%} to {high:.2%} | {'' if reference is None else f'{reference:.2%}'} |"
    ).replace("%", "")


def wilson(successes: float, total: int) -> tuple[float, float]:
    """The 95% Wilson score interval (Wilson, 1927); a mean over seeds need not be a whole number of successes."""
    z = 1.959963984540054
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return centre - half, centre + half


def where(record: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    seconds = max(run["seconds"] for run in record["runs"])
    return f"{record['machine']}; {record['backend']} backend; {versions}; up to {seconds / 60:.0f} minutes a run"


def speed(record: dict[str, Any]) -> list[str]:
    lines = [
        "",
        "## Training speed",
        "",
        f"`python benchmarks/train_speed.py` on {record['machine']}; ratios of pictures",
    ]
    lines += ["a second, medians of paired turns in one process.", "", "| pair | ratio |", "|---|---|"]
    lines += [f"| {name} | {cell['median_ratio']:.2f} |" for name, cell in record["cells"].items()]
    lines += [f"| {name} | {value:.2f} |" for name, value in record.items() if isinstance(value, float)]
    if not record["bfloat16_instructions"]:
        lines += ["", "This processor has no bfloat16 instructions; cells in bfloat16 wait for one that has."]
    return lines


if __name__ == "__main__":
    main()
