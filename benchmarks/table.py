"""Write docs/results.md from benchmarks/results, and docs/reference/pretrained.md from the trained models' own cards.

python benchmarks/table.py
"""

import json
import statistics
from pathlib import Path
from typing import Any

import handwriting_cnn as hw
from handwriting_cnn.evaluation.intervals import wilson_interval

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "results.md"
CARDS = HERE.parent / "docs" / "reference" / "pretrained.md"
CARDS_HEAD = """# Pretrained models

They come with the package: `load_model(name)`, `Recognizer.load(name)`, `predict --model NAME`;
`transfer(load_model(name).model, ...)` builds on one. Each learned from the train part alone, has its weights in
float16, and was scored once, so rounded, on the test part: `handwriting-cnn evaluate NAME --dataset SET --split SPLIT`
gives the same. This page is made from the files' own cards by `python benchmarks/table.py`.
"""
HEAD = """# Results

Made by `python benchmarks/table.py` from `benchmarks/results/`, where every run's figures stand. A command with
`--seed N` (from 0 up) makes a row's runs; `python benchmarks/seeds.py --name NAME --seeds N -- COMMAND` makes all of
them and keeps the file.

## Accuracy

Top-1 accuracy on the test part in percent: mean over seeds, or over the folds of a split, standard deviation, and the
95% Wilson interval of the mean on a test set of that size (all folds' together). The test set is scored once a run. The
minutes are the longest run's; the machines stand below.
"""
OWN_HEAD = """
### The library's networks and defaults

`train` learns from seven eighths of train, and from all of it with `--validation 0`; the last epoch counts.

| what | runs | mean | deviation | 95% interval | minutes | machine |
|---|---|---|---|---|---|---|
"""
TASKS_HEAD = """
### The reference's four tasks

Protocol `reference` watches the test set as its validation curve, and the last epoch counts. Protocol `honest` holds an
eighth of train out for every choice and scores the test set once: see [the protocols](explanation/ahcd-protocols.md).

| what | runs | mean | deviation | 95% interval | the reference | minutes | machine |
|---|---|---|---|---|---|---|---|
"""

PAIRS_HEAD = """
## In pairs

What a step gave on the same test pictures, in points, with McNemar's exact test; one run a row.

| command | seed | pair | points | only the former right | only the latter right | p |
|---|---|---|---|---|---|---|
"""
SIZES = {"all": "all", "some": "5,000 in 10 epochs"}
STEPS = (
    ("task1", "task2"),
    ("task4-scratch", "task4-frozen"),
    ("task4-scratch", "task4-fine-tuned"),
    ("task4-frozen", "task4-fine-tuned"),
)


def main() -> None:
    """Write the pages."""
    records = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "results").glob("*.json"))}
    sweeps = most_seeds([record for record in records.values() if "runs" in record])
    machines = {name: place for place, name in enumerate(dict.fromkeys(map(where, sweeps)), start=1)}
    tasks = [record for record in sweeps if "task" in record["runs"][0]]
    lines = [HEAD.rstrip("\n"), OWN_HEAD.rstrip("\n")]
    lines += [row(record, machines) for record in sweeps if record not in tasks]
    lines += [TASKS_HEAD.rstrip("\n"), *(row(record, machines) for record in tasks), "", "Machines:", ""]
    lines += [f"{place}. {name}" for name, place in machines.items()]
    found = [record for record in records.values() if "pairs" in record]
    if found:
        lines += [PAIRS_HEAD.rstrip("\n"), *(line for record in found for line in pairs(record))]
    if "few-labels" in records:
        lines += few_labels(records["few-labels"])
    lines += [line for name, record in records.items() if name.startswith("page-reading") for line in reading(record)]
    if "round-trip" in records:
        lines += round_trip(records["round-trip"])
    lines += [line for name, record in records.items() if name.startswith("abstaining") for line in abstaining(record)]
    if "confidences" in records:
        lines += confidences(records["confidences"])
    if "recipes" in records:
        lines += recipes(records["recipes"])
    found = {"extents": extents, "pens": pens}
    lines += [line for name, table in found.items() if name in records for line in table(records[name])]
    if "train_speed" in records:
        lines += speed(records["train_speed"])
    if "time-to-accuracy" in records:
        lines += time_to_accuracy(records["time-to-accuracy"])
    lines += [line for name in ("growth", "growth-on-disk") if name in records for line in growth(records[name])]
    for name in ("inference", "load", "start"):
        if name in records:
            lines += timed(records[name])
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    CARDS.write_text("\n".join([CARDS_HEAD, *map(card, hw.list_pretrained())]) + "\n", encoding="utf-8")


def card(model: hw.PretrainedModel) -> str:
    """Return a section that says of a model what its file's card does."""
    data, training = model.card["data"], model.card["training"]
    tests = [
        f"{one['accuracy']:.2%} of `{one['dataset']}`, `{one['protocol']}` ({one['n']:,} pictures; 95% interval "
        f"{one['interval'][0] * 100:.2f} to {one['interval'][1] * 100:.2f})"
        for one in model.tests
    ]
    rows = {
        "characters": f"{len(model.alphabet)}: {' '.join(model.alphabet.characters)}",
        "network": f"`{model.architecture}`, {model.path.stat().st_size:,} bytes",
        "learned from": f"`{data['name']}`, `{data['protocol']}`: {data['train']['images']:,} pictures in "
        f"{training['epochs']} epochs; {data['validation']['images']:,} more "
        f"{'chose the epoch and ' if training['keep'] == 'best' else ''}calibrated confidences",
        "right on test": "; ".join(tests),
        "limits": model.card["limits"],
        "licence": model.card["licence"],
        "trained again by": f"`{model.card['command']}`",
    }
    return "\n".join([f"## `{model.name}`\n", "| | |\n|---|---|", *(f"| {k} | {v} |" for k, v in rows.items()), ""])


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


def row(record: dict[str, Any], machines: dict[str, int]) -> str:
    runs = record["runs"]
    folds = "fold" in runs[0]  # whose test parts are different pictures
    total = sum(run["n"] for run in runs) if folds else runs[0]["n"]
    low, high = wilson_interval(record["mean"] * total, total)
    deviation = record["standard_deviation"]
    reference = runs[0].get("reference_accuracy")
    cells = [
        f"`{record['command']}`{part(record)}",
        f"{len(runs)}{' folds' * folds}",
        f"{record['mean']:.2%}",
        "" if deviation is None else f"{deviation:.2%}",
        f"{low:.2%} to {high:.2%}",
        *(["" if reference is None else f"{reference:.2%}"] if "task" in runs[0] else []),
        f"{max(run['seconds'] for run in runs) / 60:.0f}",
        str(machines[where(record)]),
    ]
    return f"| {' | '.join(cells)} |".replace("%", "")


def part(record: dict[str, Any]) -> str:
    """Return which task of a command that runs several, or nothing."""
    task = record["runs"][0].get("task")
    return "" if task is None or f" {task} " in record["command"] else f", {task}"


def pairs(record: dict[str, Any]) -> list[str]:
    """Return a row for each pair that asks what a step of the reference gave."""
    return [
        f"| `{record['command']}` | {which(pair)} | {second} against {first} | {sign * pair['difference'] * 100:+.2f} "
        f"| {gained} | {lost} | {'below 0.001' if pair['p_value'] < 0.001 else format(pair['p_value'], '.3f')} |"
        for pair in record["pairs"]
        for first, second, sign, gained, lost in (
            (pair["first"], pair["second"], 1, pair["second_only"], pair["first_only"]),
            (pair["second"], pair["first"], -1, pair["first_only"], pair["second_only"]),
        )
        if (first, second) in STEPS
    ]


def which(pair: dict[str, Any]) -> str:
    """Return the seed of a run and, where one seed was run twice, its precision."""
    return ", ".join(str(pair[name]) for name in ("seed", "precision") if name in pair)


def where(record: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    note = f" ({record['note']})" if record.get("note") else ""
    return f"{record['machine']}{note}; {record['backend']} backend; {versions}"


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


def time_to_accuracy(record: dict[str, Any]) -> list[str]:
    """Return a row for each fixed recipe."""
    lines = [
        "",
        f"## Time to {record['target']:.2%} on AHCD",
        "",
        f"`{record['command']}` on {record['machine']}; `glyphnet` by the library's defaults on the whole",
        f"train part, no stopping. The reference recipe takes {record['reference_seconds']:,.0f} s here.",
        "",
        "| epochs | seeds | mean | deviation | seconds | times less than the reference |",
        "|---|---|---|---|---|---|",
    ]
    for epochs in sorted({one["epochs"] for one in record["rows"]}):
        runs = [one for one in record["rows"] if one["epochs"] == epochs]
        accuracies, seconds = ([one[name] for one in runs] for name in ("accuracy", "seconds"))
        deviation = f"{statistics.stdev(accuracies) * 100:.2f}" if len(runs) > 1 else ""
        lines.append(
            f"| {epochs} | {len(runs)} | {statistics.mean(accuracies) * 100:.2f} | {deviation} "
            f"| {statistics.mean(seconds):.0f} | {record['reference_seconds'] / statistics.mean(seconds):.1f} |"
        )
    return lines


def growth(record: dict[str, Any]) -> list[str]:
    """Return a row for each point, or for each number of pictures in a file."""
    on_disk = "exponents" not in record
    title = "Memory with the pictures in a file" if on_disk else "How training grows"
    lines = ["", f"## {title}", "", f"`{record['command']}` on {record['machine']}: the seconds of an epoch, and the"]
    lines += ["peak of memory that no file backs, above what the process had before it built the network."]
    if on_disk:
        lines += ["", "| pictures | seconds | megabytes |", "|---|---|---|"]
        return lines + [
            f"| {one['images']:,} | {one['seconds_an_epoch']:,.1f} | {one['peak_megabytes']:,.0f} |"
            for one in record["points"]
        ]
    lines += [
        "What grows runs through its values while the others stay at 4,096 pictures, 32 classes and 32 pixels; p is",
        "that of `figure ~ value^p`, by least squares of the logarithms.",
        "",
        "| what grows | values | seconds | p | megabytes | p |",
        "|---|---|---|---|---|---|",
    ]
    for name, points in record["points"].items():
        values, seconds, megabytes = (
            ", ".join(format(one[key], style) for one in points)
            for key, style in ((name, ","), ("seconds_an_epoch", ".1f"), ("peak_megabytes", ",.0f"))
        )
        exponents = record["exponents"][name]
        lines.append(
            f"| {name} | {values} | {seconds} | {exponents['seconds_an_epoch']:.2f} "
            f"| {megabytes} | {exponents['peak_megabytes']:.2f} |"
        )
    return lines


def few_labels(record: dict[str, Any]) -> list[str]:
    """Return a row for each number of labels and a column for each way."""
    points = record["points"]
    ways = list(dict.fromkeys(one["way"] for one in points))
    lines = [
        "",
        "## Transfer from Russian to Arabic letters, by the number of labels",
        "",
        f"`{record['command']}`, on {record['machine']}.",
        "A trunk that learned the Russian letters against the same network and epochs from scratch, on AHCD's official",
        "test part, in percent: mean and deviation over the seeds; last what fine-tuning gains over scratch.",
        "",
        "| labels a letter | " + " | ".join(ways) + " | gain |",
        "|---|" + "---|" * (len(ways) + 1),
    ]
    for count in sorted({one["labels"] for one in points}):
        found = {
            way: [one["accuracy"] * 100 for one in points if (one["labels"], one["way"]) == (count, way)]
            for way in ways
        }
        gains = [tuned - fresh for tuned, fresh in zip(found["fine-tuned"], found["scratch"], strict=True)]
        cells = [with_spread(values, ".2f") for values in found.values()] + [with_spread(gains, "+.2f")]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return [*lines, "", "![Accuracy by the number of labels](_static/few-labels.png)"]


def with_spread(values: list[float], style: str) -> str:
    """Return the mean and, of several values, their deviation."""
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return format(statistics.mean(values), style) + deviation


def reading(record: dict[str, Any]) -> list[str]:
    lines = [
        "",
        f"## Reading pages: {record['command'].split()[-5]}",
        "",
        f"`{record['command']}`, on {record['machine']}. On the data set's own",
        f"pictures of its test part the model is right in {record['own_accuracy']:.2%}.",
        f"In percent of the characters of {record['conditions'][0]['pages']} pages; the data set's pictures take 62",
        "pixels of a page, or as many as are named:",
        "",
        "| condition | found | of what was found, characters | right | not recognised | seconds a page |",
        "|---|---|---|---|---|---|",
    ]
    for one in record["conditions"]:
        shares = " | ".join(f"{one[name] * 100:.2f}" for name in ("recall", "precision", "right", "refused"))
        lines.append(f"| {one['condition']} | {shares} | {one['seconds']:.2f} |")
    return lines


def round_trip(record: dict[str, Any]) -> list[str]:
    """Return a table with a row a set, of pictures photographed and photographed in a printed box."""
    lines = [
        "",
        "## The round trip: characters photographed alone",
        "",
        f"`{record['command']}`, on {record['machine']}: characters of the test parts, enlarged as they are, laid on",
        "paper, photographed, and read by `recognize_single`: how often its likeliest candidate is right, in percent,",
        "beside `predict` on the data set's own pictures of them, and what is lost, with the 95% interval of the",
        "paired difference. In a box: in a printed one each, as cells are that one cuts out of a form. Recognised:",
        "rightly, and not refused.",
        "",
        "| set | characters | own pictures | photographed | lost | recognised | in a box | lost | recognised |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in record["rows"]:
        cells = [one["dataset"], f"{one['characters']:,}", f"{100 * one['own']:.2f}"]
        for seen in (one["photographed"], one["boxed"]):
            low, high = seen["interval"]
            lost = f"{100 * seen['lost']:.2f} ({100 * low:.2f} to {100 * high:.2f})"
            cells += [f"{100 * seen['right']:.2f}", lost, f"{100 * seen['recognised_rightly']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def abstaining(record: dict[str, Any]) -> list[str]:
    lines = [
        "",
        f"## What is no character: {record['command'].split()[-1]}",
        "",
        f"`{record['command']}`.",
        "Area under the ROC curve of the confidence, and the share that is taken for a character; of the test part's",
        f"own characters it is {record['own_recognised']:.2%}. Expected calibration error on the test part:",
        f"{record['calibration_error']:.2%}, without the temperature {record['uncalibrated_error']:.2%}.",
        "",
        "| against | area | recognised, in percent |",
        "|---|---|---|",
    ]
    return lines + [
        f"| {one['against']} | {one['auroc']:.4f} | {one['recognised'] * 100:.1f} |" for one in record["rows"]
    ]


def confidences(record: dict[str, Any]) -> list[str]:
    """Return a table with a row a set and a column an exponent."""
    falls = list(record["rows"][0]["falls"])
    lines = [
        "",
        "## Confidence and what is typical, by validation",
        "",
        f"`{record['command']}`; no test part was looked at. Reading rules fitted to one half of a model's held-out",
        "pictures and asked about the other, both ways: log loss, and the area under the ROC curve against scribbles",
        "and against other scripts in percent, by the exponent with which the temperature rises (0: it does not).",
        "The one in use is 0.1.",
    ]
    rows = {
        f"{one['model']}, {one['dataset']}": [
            f"{cell['log_loss']:.4f}, {100 * cell['scribbles']:.1f}, {100 * cell['other_scripts']:.1f}"
            for cell in one["falls"].values()
        ]
        for one in record["rows"]
    }
    means = [statistics.mean(one["falls"][fall]["log_loss"] for one in record["rows"]) for fall in falls]
    lines += crossed(["model, set", *falls], rows | {"mean log loss": [f"{mean:.4f}" for mean in means]})
    doubts, counts = list(record["rows"][0]["doubts"]), list(record["rows"][0]["doubts"]["0.0"])
    lines += [
        "",
        f"Rules fitted to {', '.join(counts)} of those pictures instead, a dozen draws of each, and asked about the",
        "others: mean log losses, by the number of wrong answers that are counted besides. The one in use is 0.25.",
    ]
    rows = {
        f"{one['model']}, {one['dataset']}": [
            ", ".join(f"{loss:.4f}" for loss in cell.values()) for cell in one["doubts"].values()
        ]
        for one in record["rows"]
    }
    return lines + crossed(["model, set", *doubts], rows)


def crossed(heads: list[str], rows: dict[str, list[str]]) -> list[str]:
    """Return a table whose rows begin with their names, after an empty line."""
    body = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    return ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *body]


def recipes(record: dict[str, Any]) -> list[str]:
    """Return two tables with a row a recipe and a column a set and size."""
    pens = [one for one in record["rows"] if one["recipe"].startswith("default with")]
    rows = [one for one in record["rows"] if one not in pens]
    lines = [
        "",
        "## Networks and settings, by validation",
        "",
        "`python benchmarks/recipes.py`; no test part was looked at.",
        "`start` is a highest rate of 0.004 without outliers and jitter: its accuracy in percent on held-out parts,",
        "and on those written on paper. Each other row changes one thing: the points that this gave on the same seeds,",
        "whose number is in brackets. By pictures of train; all of them for 20 epochs. On paper every character was",
        "read at the size that the network learned from, as small as that may be.",
        "",
        *against_first(rows),
    ]
    lines += [
        "",
        "## Strokes of other widths, by validation",
        "",
        "The same, with the library's recipe: what it gives when strokes become thicker or thinner by up to such a",
        "share (`AugmentConfig.stroke`): on held-out parts, on paper, and drawn anew with sharp pens of five widths, 3",
        "to 17% of a character's longer side.",
        "",
        *against_first(pens),
    ]
    return lines


def against_first(records: list[dict[str, Any]]) -> list[str]:
    """Return a table of recipes against the first one, and the machines."""
    seen = {(one["size"], one["dataset"]) for one in records}
    places = sorted(seen, key=lambda place: (("all", "some").index(place[0]) if place[0] in SIZES else 2, place))
    rows = {(one["recipe"], one["size"], one["dataset"]): one for one in records}
    first, *others = dict.fromkeys(one["recipe"] for one in sorted(records, key=lambda one: one["recipe"] != "start"))
    lines = [
        "| recipe | " + " | ".join(f"{name}, {SIZES.get(size, f'{size} a class')}" for size, name in places) + " |",
        "|---|" + "---|" * len(places),
    ]
    for name in (first, *others):
        cells = [against_start(rows.get((name, *place)), rows.get((first, *place))) for place in places]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    usual = statistics.mode(one["machine"] for one in records)
    elsewhere: dict[str, set[str]] = {}
    for one in records:
        if one["machine"] != usual:
            place = SIZES.get(one["size"], f"{one['size']} a class")
            elsewhere.setdefault(one["machine"], set()).add(f"{one['recipe']} ({place})")
    lines += ["", f"On {usual}."]
    return lines + [f"On {name}: {', '.join(sorted(places))}." for name, places in elsewhere.items()]


def against_start(one: dict[str, Any] | None, start: dict[str, Any] | None) -> str:
    """Return a recipe's cell: the start's own accuracies, or what another recipe gave on the seeds that both have."""
    if one is None or start is None:
        return ""
    seeds = min(len(one["own"]), len(start["own"]))
    values = {
        kind: [one[kind][seed] - (0 if one is start else start[kind][seed]) for seed in range(seeds)]
        for kind in ("own", "paper", "pens")
        if kind in one and kind in start
    }
    style = ".1f" if one is start else "+.1f"
    return ", ".join(format(statistics.mean(value) * 100, style) for value in values.values()) + f" ({seeds})"


def extents(record: dict[str, Any]) -> list[str]:
    """Return a table with a row a set and a column an extent."""
    sizes = list(record["rows"][0]["extents"])
    lines = [
        "",
        "## Size of found characters, by validation",
        "",
        f"`{record['command']}`; no test part was looked at. In percent of held-out characters photographed alone,",
        "of those of pages, and of those drawn anew with sharp pens of five widths: read rightly when the longer side",
        "of a found one takes such a share of GlyphNet's square. 0.6 is the least that GlyphNet is given (`learned`:",
        "the share in the pictures that it learned from).",
    ]
    rows = {
        one["dataset"]: [
            f"{one['learned']:.2f}",
            *(", ".join(f"{100 * share:.1f}" for share in cell.values()) for cell in one["extents"].values()),
        ]
        for one in record["rows"]
    }
    return lines + crossed(["set", "learned", *sizes], rows)


def pens(record: dict[str, Any]) -> list[str]:
    """Return a table with a row a model and set, and a column a way to redraw strokes and edges."""
    ways = [name for name in record["rows"][0] if name not in ("model", "dataset")]
    lines = [
        "",
        "## Strokes and edges of found characters, by validation",
        "",
        f"`{record['command']}`; no test part was looked at. In percent of held-out characters photographed, and of",
        "those drawn anew with sharp pens of seven widths: recognised rightly, where strokes are drawn anew that are",
        "narrower or wider than so many of the typical widths learned from, and edges are blurred as those learned",
        "from, or left as found. Both: wider ones are also read as found, and the mean of the answers counts; that is",
        "what a Recognizer does, from 0.6 to 1.2 typical widths. The last row's model learned from pictures of 8x8",
        "pixels.",
    ]
    rows = {
        f"{one['model']}, {one['dataset']}": [
            ", ".join(f"{100 * share:.1f}" for share in one[way].values()) for way in ways
        ]
        for one in record["rows"]
    }
    return lines + crossed(["model, set", *ways], rows)


def timed(record: dict[str, Any]) -> list[str]:
    lines = ["", f"## {record['title']}", "", f"`{record['command']}` on {record['machine']}; medians of paired turns."]
    lines += ["", "| pair | times less | milliseconds |", "|---|---|---|"]
    if all("milliseconds_above_python" in cell for cell in record["cells"].values()):
        lines[-2:] = ["| what | milliseconds more than Python alone |", "|---|---|"]
        above = {name: cell["milliseconds_above_python"] for name, cell in record["cells"].items()}
        return lines + [f"| {name.removesuffix(' against python')} | {value:,.0f} |" for name, value in above.items()]
    for name, cell in record["cells"].items():
        times = ", ".join(f"{way} {value * 1000:,.3g}" for way, value in cell["seconds"].items())
        lines.append(f"| {name} | {cell['median_ratio']:.2f} | {times} |")
    return lines


if __name__ == "__main__":
    main()
