"""Loading: AHCD's first load against pandas reading the same tables, and the cached load.

    HANDWRITING_CNN_MIRROR=../shared/data python benchmarks/load.py

measures in turns in one process, from a mirror on this disk and into a cache of its own, and writes
benchmarks/results/load.json. pandas takes part where it is installed.
"""

import argparse
import importlib.util
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from timing import in_turns, keep, seconds

import handwriting_cnn as hw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="turns (default 7)")
    given = parser.parse_args()
    mirror = Path(os.environ["HANDWRITING_CNN_MIRROR"])
    archive = mirror / {row.name: row for row in hw.list_datasets()}["ahcd"].files[0].path
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HANDWRITING_CNN_DATA"] = folder

        def first() -> float:
            shutil.rmtree(folder)
            return seconds(read_everything)

        def cached() -> float:
            return seconds(lambda: hw.load_dataset("ahcd"), times=20)

        ways = {"first load": first, "cached load": cached}
        cells = in_turns(ways, repeats=given.repeats)
        if importlib.util.find_spec("pandas"):
            pandas_way = {"pandas.read_csv of the same tables": lambda: seconds(lambda: read_with_pandas(archive))}
            cells |= in_turns({**pandas_way, "first load": first}, repeats=given.repeats)
    keep("load", title="Loading AHCD", cells=cells, packages=("numpy", "pandas"))


def read_everything() -> None:
    train, test = hw.load_dataset("ahcd")
    if (len(train), len(test)) != (13_440, 3_360):
        raise ValueError("this is not AHCD")


def read_with_pandas(archive: Path) -> None:
    import pandas as pd

    with zipfile.ZipFile(archive) as tables:
        for name in tables.namelist():
            if name.endswith(".csv"):
                np.asarray(pd.read_csv(tables.open(name), header=None))


if __name__ == "__main__":
    main()
