"""Answers by writer, paper, form, or whatever else is known of each picture."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import DataError

from .intervals import wilson_interval

CLUSTERS: Final = ("writer", "block")
"""The columns whose equal entries were written by one hand, the surer one first."""

FEWEST_CLUSTERS: Final = 30
_RESAMPLES: Final = 2_000
_SEED: Final = 0
_BATCH: Final = 100  # resamples in memory at once; the draws are the same


class GroupScore(NamedTuple):
    """The accuracy on a part of the pictures.

    Attributes:
        name: What they have in common: the column's entry.
        pictures: How many they are.
        accuracy: Share of right answers, 0..1.
        interval: Its 95% Wilson interval.
    """

    name: str
    pictures: int
    accuracy: float
    interval: tuple[float, float]


def column_to_json(column: npt.NDArray[Any]) -> list[Any]:
    """Return a column as JSON values: what is neither number nor text is written as text."""
    return column.tolist() if column.dtype.kind in "iubU" else [str(entry) for entry in column]


def group_scores(right: npt.NDArray[np.bool_], column: npt.NDArray[Any]) -> tuple[GroupScore, ...]:
    """Return the accuracy on each group of equal entries, in their order.

    Args:
        right: Whether each picture was answered right, ``(n,)``.
        column: Each picture's entry, ``(n,)``.
    """
    names, group_of = np.unique(column, return_inverse=True)
    pictures = np.bincount(group_of)
    hits = np.bincount(group_of, weights=right).astype(int)
    return tuple(
        GroupScore(str(name), int(n), float(hit / n), wilson_interval(int(hit), int(n)))
        for name, n, hit in zip(names, pictures, hits, strict=True)
    )


def bootstrap_interval(
    right: npt.NDArray[np.bool_], clusters: npt.NDArray[Any], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the accuracy's bootstrap percentile interval over whole clusters, such as writers.

    Pictures of one hand are right or wrong together, so that an interval that takes them for independent is too
    narrow. Here 2,000 times as many clusters as there are were drawn with replacement, each with all its pictures.
    Source: Davison and Hinkley, "Bootstrap Methods and their Application" (1997), section 3.8; SciPy's implementation.

    Args:
        right: Whether each picture was answered right, ``(n,)``.
        clusters: Each picture's cluster, ``(n,)``, of at least 30 different ones.
        confidence: Coverage, between 0 and 1, exclusive.

    Returns:
        ``(low, high)``, within 0..1; always the same for the same answers. Where all are right it is ``(1, 1)``, which
        is no interval: a bootstrap knows no mistakes but those that were made.

    Raises:
        DataError: If there are fewer than 30 clusters: too few to stand for all others.
    """
    from scipy.stats import bootstrap

    _, cluster_of = np.unique(clusters, return_inverse=True)
    pictures = np.bincount(cluster_of)
    hits = np.bincount(cluster_of, weights=right)
    if len(pictures) < FEWEST_CLUSTERS:
        raise DataError(
            f"{len(pictures)} clusters are fewer than the {FEWEST_CLUSTERS} that a bootstrap over them needs"
        )
    found = bootstrap(
        (hits, pictures),
        lambda hits, pictures, axis: hits.sum(axis=axis) / pictures.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        confidence_level=confidence,
        method="percentile",
        batch=_BATCH,
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)
