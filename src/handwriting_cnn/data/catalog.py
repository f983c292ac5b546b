"""The catalogue: a table of the data sets that can be loaded by name."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from handwriting_cnn.data.alphabet import ARABIC, ARABIC_WITH_HAMZA, DIGITS, RUSSIAN, Alphabet
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

    @property
    def max_bytes(self) -> int:
        """The most bytes that are downloaded: its own."""
        return self.size

    def describe(self) -> str:
        """Return what is expected, in words."""
        return f"{self.size:,} bytes"


@dataclass(frozen=True, kw_only=True)
class RemoteArchive:
    """A published archive that sites and mirrors pack differently: what it holds decides, not its own bytes.

    Attributes:
        path: Its place in a mirror folder, ``data set/file name``.
        urls: Where it is published, pinned to a revision; tried in order.
        members: A regular expression of the files inside that count, their paths without the top folder.
        sha256: The hexadecimal digest of their content, see
            :func:`~handwriting_cnn.storage.archives.content_digest`.
        count: How many they are.
        max_bytes: The most bytes that are downloaded, and that the members have together.
    """

    path: str
    urls: tuple[str, ...]
    members: str
    sha256: str
    count: int
    max_bytes: int

    def describe(self) -> str:
        """Return what is expected, in words."""
        return f"an archive with {self.count:,} files that count"


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
    files: tuple[RemoteFile | RemoteArchive, ...] = field(default=())


_AHCD_COMMIT: Final = "13dd6509a70442d5cb81a687c4dbb28d5de78882"
_AHCD_FILE: Final = "Arabic Handwritten Characters Dataset CSV.zip"
_AHCD_REPOSITORY: Final = "mloey/Arabic-Handwritten-Characters-Dataset"
_AHCD_QUOTED: Final = _AHCD_FILE.replace(" ", "%20")


def _repository(name: str, repository: str, commit: str, *, members: str, sha256: str, count: int) -> RemoteArchive:
    """Return a row for the archive that GitHub packs of a commit."""
    return RemoteArchive(
        path=f"{name}/{repository.partition('/')[2]}-{commit}.tar.xz",
        urls=(f"https://github.com/{repository}/archive/{commit}.tar.gz",),
        members=members,
        sha256=sha256,
        count=count,
        max_bytes=2**29,
    )


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
    DatasetInfo(
        name="hijja",
        title="Hijja: Arabic letters by children",
        alphabet=ARABIC_WITH_HAMZA,
        num_train=37_951,
        num_test=9_483,
        image_size=(32, 32),
        protocols=(
            Protocol(name="blocks", summary="whole blocks of 108 ids, which run roughly child by child"),
            Protocol(name="isolated", summary="of the same parts the letters that stand alone, a fifth of all"),
            Protocol(
                name="random", summary="9,501 pictures of all, stratified by letter, as many as the authors tested"
            ),
        ),
        licence="not stated",
        citation="Altwaijry, Al-Turaiki: Arabic Handwriting Recognition System using Convolutional Neural Network. "
        "Neural Computing and Applications 33, 2021",
        source="https://github.com/israksu/Hijja2",
        files=(
            _repository(
                "hijja",
                "israksu/Hijja2",
                "96559391f948dcba51905b5400a1fa1eb18ad414",
                members=r"\d+ [a-z]+/\d+\.\d+/\d+\.png",
                sha256="4af9504391c24f5a09408c8d58d42fc8f36629795b94b539c933425e40feefec",
                count=47_434,
            ),
        ),
    ),
    DatasetInfo(
        name="mnist",
        title="MNIST",
        alphabet=DIGITS,
        num_train=60_000,
        num_test=10_000,
        image_size=(28, 28),
        protocols=(Protocol(name="official", summary="the published split; no writer is on both sides"),),
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition. "
        "Proceedings of the IEEE 86(11), 1998",
        source="https://github.com/rasbt/mnist-pngs",
        files=(
            _repository(
                "mnist",
                "rasbt/mnist-pngs",
                "d26bd33bf1e454dd15bd4fe8b8ba64c76308f91c",
                members=r"(train|test)/\d/\d+\.png",
                sha256="ddbc2fa8b160614da4a53d834ac17aa0dc3013dd605522d64d54692f5daa2abf",
                count=70_000,
            ),
        ),
    ),
    DatasetInfo(
        name="russian-letters",
        title="Russian handwritten letters",
        alphabet=RUSSIAN,
        num_train=11_352,
        num_test=2_838,
        image_size=(32, 32),
        protocols=(Protocol(name="fixed", summary="a fixed fifth, stratified by letter and paper"),),
        licence="not stated",
        citation="Belitskaya: Classification of Handwritten Letters. Kaggle, 2017",
        source="https://github.com/kheirie/Russian-Handwritten-Letters-Classification",
        files=(
            _repository(
                "russian-letters",
                "kheirie/Russian-Handwritten-Letters-Classification",
                "038b590ce8a9d803a2c3b116191113ec23e10162",
                members=r"data/(letters[23]?\.csv|letters[23]?/\d+_\d+\.png)",
                sha256="a83fe236d3440f366f3ad54c1e52c4b989b7fc38a5d339505bd67045e7d06c64",
                count=14_193,
            ),
        ),
    ),
)

CATALOG: Final = MappingProxyType({row.name: row for row in _ROWS})


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Return the data sets that can be loaded by name."""
    return _ROWS


def published(name: str, protocol: str) -> DatasetInfo | None:
    """Return the catalogued data set that pictures are of; ``None`` where a set of the user's own has only its name.

    Args:
        name: The pictures' data set.
        protocol: How they were split, as they say: a set of the user's own says nothing of a published way.
    """
    info = CATALOG.get(name)
    return info if info and protocol.partition(",")[0] in {row.name for row in info.protocols} else None


def find_dataset(name: str) -> DatasetInfo:
    """Return the row of a name.

    Raises:
        UnknownNameError: If there is none.
    """
    if name not in CATALOG:
        raise UnknownNameError("dataset", name, CATALOG)
    return CATALOG[name]
