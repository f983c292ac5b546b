"""``handwriting-cnn train``."""

import json
from pathlib import Path
from typing import Any

import click

from handwriting_cnn.cli.options import data_options, import_option, json_option, load_chosen, start_backend
from handwriting_cnn.cli.output import print_json
from handwriting_cnn.errors import ConfigError


@click.command("train")
@data_options
@click.option("--model", default="cnn14_bn", show_default=True, metavar="NAME", help="A network by name.")
@click.option("--epochs", type=int, help="Passes over the training set [default: by the set's size].")
@click.option("--batch-size", type=int, help="Pictures an update.")
@click.option("--learning-rate", type=float, help="The schedule's highest rate.")
@click.option("--no-augment", is_flag=True, help="Train on the pictures as they are.")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="TrainConfig's settings as JSON."
)
@click.option(
    "--validation",
    type=float,
    default=0.125,
    show_default=True,
    help="Share of train that the kept epoch is chosen on.",
)
@click.option("--test", type=float, default=0.2, show_default=True, help="Share of your own data that is the test set.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of splits, weights and training.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Results [default: runs/NAME-MODEL-seedN].")
@click.option("--deterministic", is_flag=True, help="Equal runs end bit-equal (slower).")
@json_option
@import_option
def command(
    *,
    model: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    no_augment: bool,
    config_file: Path | None,
    validation: float,
    test: float,
    seed: int,
    out: Path | None,
    deterministic: bool,
    as_json: bool,
    **data: Any,
) -> None:
    """Train a model and score it on a test set, which is looked at once.

    The result is a folder with report, curves, config, history and model; giving the same command again continues a
    run that was stopped.
    """
    start_backend()
    from handwriting_cnn.data.splits import DatasetSplits
    from handwriting_cnn.evaluation.evaluator import Evaluator
    from handwriting_cnn.models.registry import build_model
    from handwriting_cnn.tasks.outcome import save_outcome
    from handwriting_cnn.tasks.task_training import held_out_part
    from handwriting_cnn.training.config import TrainConfig
    from handwriting_cnn.training.trainer import Trainer

    settings = {} if config_file is None else _read_settings(config_file)
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    settings |= {name: value for name, value in given.items() if value is not None}
    settings |= {"seed": seed} | ({"augment": None} if no_augment else {})
    settings |= {"deterministic": True} if deterministic else {}
    config = TrainConfig.from_json(settings)

    chosen = load_chosen(**data)
    splits = chosen if isinstance(chosen, DatasetSplits) else DatasetSplits(*chosen.split(test, seed=seed))
    rest, part = held_out_part(splits.train, fraction=validation, seed=seed)
    network = build_model(model, input_shape=rest.input_shape, num_classes=rest.num_classes, seed=seed)
    folder = out or Path("runs") / f"{rest.name}-{model}-seed{seed}"
    result = Trainer(config).fit(network, rest, validation=part, run_dir=folder)
    report = Evaluator().evaluate(result.model, splits.test)
    save_outcome(result, report, folder)
    if as_json:
        print_json({**report.summary(), "seconds": round(result.seconds, 1), "folder": str(folder)})
        return
    click.echo(str(report))
    click.echo(f"\nReport: {folder}/report/report.html   Model: {folder}/model.safetensors")


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--config {path} is no JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"--config {path} must hold an object of settings, but holds {type(settings).__name__}")
    return settings
