"""``handwriting-cnn reproduce``."""

from pathlib import Path
from typing import Any

import click

from handwriting_cnn.cli.options import json_option, start_backend
from handwriting_cnn.cli.output import print_json, print_table


@click.command("reproduce")
@click.argument("task")
@click.option("--dataset", default="digits", show_default=True, metavar="NAME", help="A data set by name.")
@click.option(
    "--protocol",
    default="honest",
    show_default=True,
    metavar="NAME",
    help="honest: choices on a held-out part of train, the test set scored once. "
    "reference: as the notebook, which watches the test set.",
)
@click.option(
    "--source", metavar="NAME", help="What task 4 transfers from [default: russian-letters; for digits, half of them]."
)
@click.option("--epochs", type=int, default=30, show_default=True, help="Passes over the training set.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of split, weights and training.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Results [default: runs/TASK-DATASET-PROTOCOL-seedN]."
)
@click.option("--deterministic", is_flag=True, help="Equal runs end bit-equal (slower).")
@json_option
def command(
    *,
    task: str,
    dataset: str,
    source: str | None,
    protocol: str,
    epochs: int,
    seed: int,
    out: Path | None,
    deterministic: bool,
    as_json: bool,
) -> None:
    """Run a reference task from data to report: task1, task2, task3, task4, one of their experiments, or all.

    The result is a folder with report, curves, config, history and model, for several experiments one each and a
    comparison; giving the same command again continues a run that was stopped.
    """
    start_backend()
    from handwriting_cnn.tasks.definitions import find_tasks
    from handwriting_cnn.tasks.runner import run_task, run_tasks

    folder = out or Path("runs") / f"{task}-{dataset}-{protocol}-seed{seed}"
    settings: dict[str, Any] = {"dataset": dataset, "protocol": protocol, "epochs": epochs, "seed": seed, "out": folder}
    settings |= {"source": source, "deterministic": deterministic}
    if len(find_tasks(task)) > 1:
        results = run_tasks(task, **settings)
        if as_json:
            print_json([result.summary() for result in results])
            return
        print_table(
            ("task", "accuracy", "95% interval", "reference", ""),
            (
                (
                    result.task.name,
                    f"{result.report.accuracy:.2%}",
                    "{:.2%} to {:.2%}".format(*result.report.interval),
                    "" if result.reference_accuracy is None else f"{result.reference_accuracy:.2%}",
                    result.task.title,
                )
                for result in results
            ),
        )
        click.echo(f"Comparison: {folder}/comparison.html")
        return
    result = run_task(task, **settings)
    if as_json:
        print_json(result.summary())
        return
    click.echo(f"{result.task.title} ({task}, protocol {protocol}, seed {seed})\n")
    click.echo(str(result.report))
    if protocol == "reference":
        click.echo("\nThis protocol watches the test set as its validation curve, as the reference did.")
    if result.reference_accuracy is not None:
        click.echo(f"The reference's figure: {result.reference_accuracy:.2%}")
    click.echo(f"\nReport: {result.folder}/report/report.html   Model: {result.folder}/model.safetensors")
