"""The digits that scikit-learn ships: real handwriting without a network."""

from typing import Final

import numpy as np

from handwriting_cnn.data.catalog import DatasetInfo, Protocol
from handwriting_cnn.data.dataset import Dataset
from handwriting_cnn.data.splits import DatasetSplits

_SIDE: Final = 32
_TOP: Final = 16  # the source counts the inked pixels of 4x4 blocks
_SPLIT_SEED: Final = 0


def open_digits(info: DatasetInfo, protocol: Protocol, _fold: int) -> DatasetSplits:
    """Read scikit-learn's 1,797 digits: 1,437 to train on and 360 to test on, always the same ones.

    The 8x8 pictures of values 0..16 become pixels 0..255 (rounded), then 32x32 by Pillow's bilinear filter. Their
    writers are not known. Reading takes milliseconds, so nothing is cached.

    Args:
        info: The catalogue's row.
        protocol: The only one that it has.

    Returns:
        The two parts; the test part has each class's share of the whole.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    source = load_digits()
    grey = np.rint(source.images * (255 / _TOP)).astype(np.uint8)
    scaled = [np.asarray(Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)) for image in grey]
    whole = Dataset.from_arrays(
        np.stack(scaled), source.target, alphabet=info.alphabet, name=info.name, protocol=protocol.name
    )
    return DatasetSplits(*whole.split(info.num_test / len(whole), by="class", seed=_SPLIT_SEED))
