"""The catalogue: a table of the data sets that can be loaded by name."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from handwriting_cnn.data.alphabet import ARABIC, DIGITS, Alphabet
from handwriting_cnn.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A published file.

    Attributes:
        path: Its place in a mirror folder, ``data set/file name``.
        urls: Where it is published, pinned to a revision; tried in order.
        sha256: Its digest in hexadecimal.
        size: Its bytes.
    """

    path: str
    urls: tuple[str, ...]
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A way to split a data set.

    Attributes:
        name: What users type.
        summary: What is in train and what in test.
        folds: Number of folds; 1 where the split is fixed.
    """

    name: str
    summary: str
    folds: int = 1


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What the catalogue knows of a data set.

    Attributes:
        name: What users type.
        title: Its published name.
        alphabet: What the classes are.
        num_train: Pictures in train, in the first protocol.
        num_test: Pictures in test, in the first protocol.
        image_size: ``(height, width)`` in pixels.
        protocols: The ways to split it, the default first.
        licence: As upstream states it, or ``"not stated"``.
        citation: What to cite.
        source: Where it is described.
        files: What is downloaded; none for an embedded set.
    """

    name: str
    title: str
    alphabet: Alphabet
    num_train: int
    num_test: int
    image_size: tuple[int, int]
    protocols: tuple[Protocol, ...]
    licence: str
    citation: str
    source: str
    files: tuple[RemoteFile, ...] = field(default=())


_AHCD_COMMIT: Final = "13dd6509a70442d5cb81a687c4dbb28d5de78882"
_AHCD_FILE: Final = "Arabic Handwritten Characters Dataset CSV.zip"
_AHCD_REPOSITORY: Final = "mloey/Arabic-Handwritten-Characters-Dataset"
_AHCD_QUOTED: Final = _AHCD_FILE.replace(" ", "%20")

_ROWS: Final = (
    DatasetInfo(
        name="ahcd",
        title="Arabic Handwritten Characters Dataset",
        alphabet=ARABIC,
        num_train=13_440,
        num_test=3_360,
        image_size=(32, 32),
        protocols=(
            Protocol(name="official", summary="the published split; the same 60 writers are on both sides"),
            Protocol(name="unseen-writers", summary="all 16,800 pictures, 12 of 60 writers in test", folds=5),
        ),
        licence="not stated",
        citation="El-Sawy, Loey, El-Bakry: Arabic Handwritten Characters Recognition using Convolutional Neural "
        "Network. WSEAS Transactions on Computer Research 5, 2017",
        source=f"https://github.com/{_AHCD_REPOSITORY}",
        files=(
            RemoteFile(
                path=f"ahcd/{_AHCD_FILE}",
                urls=(
                    f"https://raw.githubusercontent.com/{_AHCD_REPOSITORY}/{_AHCD_COMMIT}/{_AHCD_QUOTED}",
                    f"https://github.com/{_AHCD_REPOSITORY}/raw/{_AHCD_COMMIT}/{_AHCD_QUOTED}",
                ),
                sha256="3dcf2ed8f57a5914078929a53a6302aeb1b065ffec5f0dd92b3b463a121d0161",
                size=3_181_704,
            ),
        ),
    ),
    DatasetInfo(
        name="digits",
        title="Optical Recognition of Handwritten Digits, test part",
        alphabet=DIGITS,
        num_train=1_437,
        num_test=360,
        image_size=(32, 32),
        protocols=(Protocol(name="fixed", summary="a fixed fifth, stratified by class"),),
        licence="CC BY 4.0",
        citation="Alpaydin, Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998",
        source="https://archive.ics.uci.edu/dataset/80",
    ),
)

CATALOG: Final = MappingProxyType({row.name: row for row in _ROWS})


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Return the data sets that can be loaded by name."""
    return _ROWS


def find_dataset(name: str) -> DatasetInfo:
    """Return the row of a name.

    Raises:
        UnknownNameError: If there is none.
    """
    if name not in CATALOG:
        raise UnknownNameError("dataset", name, CATALOG)
    return CATALOG[name]
