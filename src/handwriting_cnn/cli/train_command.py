"""``handwriting-cnn train``."""

import dataclasses
import sys
from pathlib import Path
from typing import Any, Final

import click

from handwriting_cnn.cli.options import (
    check_out,
    combined,
    data_options,
    import_option,
    json_option,
    load_chosen,
    start_backend,
    tta_option,
)
from handwriting_cnn.cli.output import print_json
from handwriting_cnn.cli.processes import check_group, in_group, run_group
from handwriting_cnn.errors import ConfigError, HandwritingError
from handwriting_cnn.storage.canonical import parse_json

_RUNS: Final = Path("runs")
_NO_OPTIONS: Final = {
    "input_shape": "the data say it",
    "num_classes": "the data say it",
    "seed": "give --seed",
}


@click.command("train")
@data_options
@click.option("--model", default="glyphnet", show_default=True, metavar="NAME", help="A network by name.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the network, as `handwriting-cnn models` lists them; the value is JSON or a word. Repeatable.",
)
@click.option("--epochs", type=int, help="Passes over the training set [default: by the set's size].")
@click.option("--batch-size", type=int, help="Pictures an update.")
@click.option("--learning-rate", type=float, help="The schedule's highest rate [default: by the network].")
@click.option("--no-augment", is_flag=True, help="Train on the pictures as they are, and no others.")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="TrainConfig's settings as JSON."
)
@click.option(
    "--validation",
    type=float,
    default=0.125,
    show_default=True,
    help="Share of train that is not learned from but calibrates confidences; 0 learns from all of it.",
)
@click.option("--test", type=float, default=0.2, show_default=True, help="Share of your own data that is the test set.")
@click.option("--seed", type=int, help="Seed of splits, weights and training [default: the config's, else 0].")
@click.option(
    "--ensemble",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Train N networks and average their answers; network k has the seed N * SEED + k.",
)
@tta_option
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Train each network in N processes, on the JAX backend; each takes a part of every batch.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Results [default: runs/NAME-MODEL-seedN].")
@click.option("--deterministic", is_flag=True, help="Equal runs end bit-equal (slower).")
@json_option
@import_option
def command(
    *,
    model: str,
    options: tuple[str, ...],
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    no_augment: bool,
    config_file: Path | None,
    validation: float,
    test: float,
    seed: int | None,
    ensemble: int,
    tta: int | None,
    processes: int,
    out: Path | None,
    deterministic: bool,
    as_json: bool,
    **data: Any,
) -> None:
    """Train a model and score it on a test set, which is looked at once.

    The result is a folder with report, curves, config, history and model; giving the same command again continues a
    run that was stopped. An ensemble's folder has such a folder for each network, and one with the report of all.
    """
    if processes > 1 and not in_group():
        check_group(processes)
        sys.exit(run_group([sys.executable, "-m", "handwriting_cnn", *sys.argv[1:]], size=processes))
    start_backend()
    from handwriting_cnn.data.splits import DatasetSplits
    from handwriting_cnn.evaluation.classifiers import check_shift
    from handwriting_cnn.evaluation.evaluator import Evaluator
    from handwriting_cnn.models.registry import build_model
    from handwriting_cnn.tasks.outcome import save_outcome
    from handwriting_cnn.tasks.task_training import held_out_part
    from handwriting_cnn.training.config import TrainConfig
    from handwriting_cnn.training.group import leave_group
    from handwriting_cnn.training.trainer import Trainer

    settings = {} if config_file is None else _read_settings(config_file)
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    settings |= {name: value for name, value in given.items() if value is not None}
    settings |= ({} if seed is None else {"seed": seed}) | ({"augment": None, "outliers": 0.0} if no_augment else {})
    settings |= {"deterministic": True} if deterministic else {}
    config = TrainConfig.from_json(settings)
    seed, model_options = config.seed, _model_options(options)

    check_out(out or _RUNS, data["folder"])
    chosen = load_chosen(**data)
    splits = chosen if isinstance(chosen, DatasetSplits) else DatasetSplits(*chosen.split(test, seed=seed))
    rest, part = held_out_part(splits.train, fraction=validation, seed=seed) if validation else (splits.train, None)
    folder = out or _RUNS / f"{rest.name}-{model}-seed{seed}"
    if tta is not None:
        check_shift(tta, rest.input_shape)
    members = []
    for number in range(ensemble):
        member_seed = ensemble * seed + number
        sizes: dict[str, Any] = {"input_shape": rest.input_shape, "num_classes": rest.num_classes, "seed": member_seed}
        try:
            network = build_model(model, **sizes, **model_options)
        except (TypeError, ValueError) as error:
            if isinstance(error, HandwritingError):
                raise
            given_options = f"--option {' '.join(options)}: " if options else ""
            raise ConfigError(f"{given_options}{model} cannot be built: {error}") from error
        trainer = Trainer(dataclasses.replace(config, seed=member_seed))
        place = folder if ensemble == 1 else folder / f"network{number}"
        members.append((place, trainer.fit(network, rest, validation=part, run_dir=place)))
    if not leave_group():
        return
    reports = []
    for place, result in members:
        reports.append(Evaluator().evaluate(result.model, splits.test))
        save_outcome(result, reports[-1], place)
    report, place = reports[0], folder
    if ensemble > 1 or tta is not None:
        classifier = combined([result.model for _, result in members], tta=tta)
        report, place = Evaluator().evaluate(classifier, splits.test), folder / "combined"
        report.save(place / "report")
    if as_json:
        seconds = round(sum(result.seconds for _, result in members), 1)
        networks = {} if place == folder else {"networks": [one.summary() for one in reports]}
        print_json({**report.summary(), "seconds": seconds, "folder": str(folder), **networks})
        return
    click.echo(str(report))
    click.echo(f"\nReport: {place}/report/report.html   Model: {members[0][0]}/model.safetensors")


def _model_options(given: tuple[str, ...]) -> dict[str, Any]:
    """Return the network's options; a value that is no JSON is a word."""
    options: dict[str, Any] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not name or not separator or name in options:
            raise ConfigError(f"--option must be NAME=VALUE, each name once, but is {text!r}")
        if name in _NO_OPTIONS:
            raise ConfigError(f"--option {text}: {name} is no option of a network; {_NO_OPTIONS[name]}")
        try:
            options[name] = parse_json(value)
        except ValueError:
            options[name] = value
    return options


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--config {path} is no JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"--config {path} must hold an object of settings, but holds {type(settings).__name__}")
    return settings
