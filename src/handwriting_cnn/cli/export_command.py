"""``handwriting-cnn export``."""

from pathlib import Path
from typing import Any

import click

from handwriting_cnn.cli.options import data_options, import_option, json_option, load_chosen, start_backend
from handwriting_cnn.cli.output import print_json, print_pairs
from handwriting_cnn.errors import ConfigError


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@data_options
@click.option("--int8", is_flag=True, help="8-bit integers (.tflite); the data show the ranges.")
@click.option("--overwrite", is_flag=True, help="Replace what lies at PATH.")
@json_option
@import_option
def command(*, model: Path, path: Path, int8: bool, overwrite: bool, as_json: bool, **data: Any) -> None:
    """Write a model for other programs: PATH ends in .onnx, .tflite or .keras, or is a SavedModel's folder.

    MODEL is a file or a pretrained model's name. Both are asked about pictures, the test part of a data set where one
    is named and drawn strokes else; where they differ, nothing is written and the exit status is 1.
    """
    start_backend()
    from handwriting_cnn.artifact.model_file import load_model
    from handwriting_cnn.data.splits import DatasetSplits
    from handwriting_cnn.exporting.exporter import export

    saved = load_model(model)
    dataset = None
    if any(data[name] is not None for name in ("dataset", "folder", "csv", "npz", "idx")):
        chosen = load_chosen(**data, alphabet=saved.alphabet, preprocessing=saved.preprocessing)
        dataset = chosen.test if isinstance(chosen, DatasetSplits) else chosen
    elif data["data_protocol"] is not None or data["fold"]:
        raise ConfigError("--split and --fold need --dataset, whose parts they choose")
    report = export(saved, path, images=dataset, int8=int8, overwrite=overwrite)
    if as_json:
        print_json(report.to_json())
        return
    print_pairs(report.to_json().items())
