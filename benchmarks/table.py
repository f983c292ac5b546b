"""Write docs/results.md from the files in benchmarks/results.

python benchmarks/table.py
"""

import json
from pathlib import Path
from typing import Any

from handwriting_cnn.evaluation.intervals import wilson_interval

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

PAIRS_HEAD = """
## In pairs

What a step gave on the same test pictures, in points, with McNemar's exact test; one seed a row.

| command | seed | pair | points | only the former right | only the latter right | p |
|---|---|---|---|---|---|---|
"""
STEPS = (
    ("task1", "task2"),
    ("task4-scratch", "task4-frozen"),
    ("task4-scratch", "task4-fine-tuned"),
    ("task4-frozen", "task4-fine-tuned"),
)


def main() -> None:
    """Write the page."""
    records = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "results").glob("*.json"))}
    sweeps = most_seeds([record for record in records.values() if "runs" in record])
    lines = [HEAD.rstrip("\n"), *(row(record) for record in sweeps), "", "Each row's machine and versions:", ""]
    lines += [f"- `{record['command']}`{part(record)}: {where(record)}" for record in sweeps]
    found = [record for record in records.values() if "pairs" in record]
    if found:
        lines += [PAIRS_HEAD.rstrip("\n"), *(line for record in found for line in pairs(record))]
    if "train_speed" in records:
        lines += speed(records["train_speed"])
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def most_seeds(sweeps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out a sweep where another ran the same task on the same split by the same protocol for more seeds."""
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for record in sweeps:
        first = record["runs"][0]
        name = first.get("task", record["command"])
        what = (first["dataset"], first["protocol"], name, first.get("split", ""), first.get("epochs", 0))
        if what not in best or len(record["runs"]) > len(best[what]["runs"]):
            best[what] = record
    return [best[what] for what in sorted(best)]


def row(record: dict[str, Any]) -> str:
    runs = record["runs"]
    total = runs[0]["n"]
    low, high = wilson_interval(record["mean"] * total, total)
    deviation = record["standard_deviation"]
    reference = runs[0].get("reference_accuracy")
    return (
        f"| `{record['command']}`{part(record)} | {len(runs)} | {record['mean']:.2%} "
        f"| {'' if deviation is None else f'{deviation:.2%}'} "
        f"| {low:.2%} to {high:.2%} | {'' if reference is None else f'{reference:.2%}'} |"
    ).replace("%", "")


def part(record: dict[str, Any]) -> str:
    """Return which task of a command that runs several, or nothing."""
    task = record["runs"][0].get("task")
    return "" if task is None or f" {task} " in record["command"] else f", {task}"


def pairs(record: dict[str, Any]) -> list[str]:
    """Return a row for each pair that asks what a step of the reference gave."""
    return [
        f"| `{record['command']}` | {pair['seed']} | {second} against {first} | {sign * pair['difference'] * 100:+.2f} "
        f"| {gained} | {lost} | {'below 0.001' if pair['p_value'] < 0.001 else format(pair['p_value'], '.3f')} |"
        for pair in record["pairs"]
        for first, second, sign, gained, lost in (
            (pair["first"], pair["second"], 1, pair["second_only"], pair["first_only"]),
            (pair["second"], pair["first"], -1, pair["first_only"], pair["second_only"]),
        )
        if (first, second) in STEPS
    ]


def where(record: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    seconds = max(run["seconds"] for run in record["runs"])
    note = f" ({record['note']})" if record.get("note") else ""
    return f"{record['machine']}{note}; {record['backend']} backend; {versions}; up to {seconds / 60:.0f} minutes a run"


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
