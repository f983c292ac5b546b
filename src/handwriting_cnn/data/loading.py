"""Loading a catalogued data set by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from handwriting_cnn.data.ahcd import open_ahcd
from handwriting_cnn.data.catalog import DatasetInfo, Protocol, find_dataset
from handwriting_cnn.data.digits import open_digits
from handwriting_cnn.data.hijja import open_hijja
from handwriting_cnn.data.mnist import open_mnist
from handwriting_cnn.data.russian import open_russian
from handwriting_cnn.data.splits import DatasetSplits
from handwriting_cnn.errors import ConfigError, UnknownNameError

_OPENERS: Final[Mapping[str, Callable[[DatasetInfo, Protocol, int], DatasetSplits]]] = MappingProxyType(
    {
        "ahcd": open_ahcd,
        "digits": open_digits,
        "hijja": open_hijja,
        "mnist": open_mnist,
        "russian-letters": open_russian,
    }
)


def load_dataset(name: str = "digits", *, protocol: str | None = None, fold: int = 0) -> DatasetSplits:
    """Load a data set by name.

    What is not there yet is downloaded, verified, and kept in the cache as arrays that are mapped from disk. The cache
    is the folder that the environment variable ``HANDWRITING_CNN_DATA`` names, or one in the user's own cache folder;
    ``HANDWRITING_CNN_MIRROR``, a folder or a URL, is tried before the published sources.

    Args:
        name: A catalogued name, see :func:`~handwriting_cnn.list_datasets`. ``"digits"`` needs no network.
        protocol: A published way to split it; ``None`` takes the first. For ``"ahcd"``: ``"official"``, or
            ``"unseen-writers"`` (5 folds by writer). For ``"hijja"``: ``"blocks"``, ``"isolated"`` or
            ``"random"``.
        fold: The fold of a protocol that has several, from 0: the one that is the test part.

    Returns:
        Its train and test parts.

    Raises:
        UnknownNameError: If there is no such data set or protocol.
        ConfigError: If the protocol has no such fold.
        DownloadError: If the files could not be fetched.
        IntegrityError: If they are not those that were published.
        OutputError: If the cache cannot be written.
    """
    info = find_dataset(name)
    protocols = {row.name: row for row in info.protocols}
    chosen = info.protocols[0].name if protocol is None else protocol
    if chosen not in protocols:
        raise UnknownNameError(f"protocol of {name}", chosen, protocols)
    folds = protocols[chosen].folds
    if type(fold) is not int or not 0 <= fold < folds:
        known = f"folds 0..{folds - 1}" if folds > 1 else "one split, fold 0"
        raise ConfigError(f"protocol {chosen!r} of {name} has {known}, not {fold!r}")
    return _OPENERS[name](info, protocols[chosen], fold)
