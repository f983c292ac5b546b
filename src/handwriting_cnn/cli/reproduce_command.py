"""``handwriting-cnn reproduce``."""

from pathlib import Path

import click

from handwriting_cnn.cli.options import json_option, start_backend
from handwriting_cnn.cli.output import print_json


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
    protocol: str,
    epochs: int,
    seed: int,
    out: Path | None,
    deterministic: bool,
    as_json: bool,
) -> None:
    """Run a reference task (task1 or task2) from data to report.

    The result is a folder with report, curves, config, history and model; giving the same command again continues a
    run that was stopped.
    """
    start_backend()
    from handwriting_cnn.tasks.runner import run_task

    result = run_task(
        task,
        dataset=dataset,
        protocol=protocol,
        epochs=epochs,
        seed=seed,
        out=out or Path("runs") / f"{task}-{dataset}-{protocol}-seed{seed}",
        deterministic=deterministic,
    )
    if as_json:
        print_json(result.summary())
        return
    click.echo(f"{result.task.title} ({task}, protocol {protocol}, seed {seed})\n")
    click.echo(str(result.report))
    if protocol == "reference":
        click.echo("\nThis protocol watches the test set as its validation curve, as the reference did.")
    if dataset == "ahcd":
        click.echo(f"The reference's figure: {result.task.reference_accuracy:.2%}")
    click.echo(f"\nReport: {result.folder}/report/report.html   Model: {result.folder}/model.safetensors")
