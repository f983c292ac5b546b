"""Starting: importing the library and ``--help``, as processes of their own, against Python doing nothing.

    python benchmarks/start.py

measures in turns, and writes benchmarks/results/start.json.
"""

import argparse
import subprocess
import sys

from timing import in_turns, keep, seconds

NOTHING = ["-c", "pass"]
WAYS = {
    "import handwriting_cnn": ["-c", "import handwriting_cnn"],
    "handwriting-cnn --help": ["-m", "handwriting_cnn", "--help"],
    "import keras": ["-c", "import keras"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="turns (default 9)")
    given = parser.parse_args()
    cells = in_turns(
        {
            name: lambda words=words: seconds(lambda: process(words))
            for name, words in {"python": NOTHING, **WAYS}.items()
        },
        repeats=given.repeats,
    )
    for name in WAYS:
        cell = cells[f"{name} against python"]
        cell["milliseconds_above_python"] = (cell["seconds"][name] - cell["seconds"]["python"]) * 1000
        print(f"{name}: {cell['milliseconds_above_python']:.0f} ms more than python alone")
    keep("start", title="Starting", cells=cells, packages=("keras", "tensorflow", "click", "numpy"))


def process(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


if __name__ == "__main__":
    main()
