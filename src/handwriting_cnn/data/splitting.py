"""Which rows go where: splits and folds, as pure functions of labels or writers.

Positions come in ascending order, so that a part keeps its data set's order and reads a memory map forwards.
"""

import operator
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from handwriting_cnn.errors import ConfigError, DataError

Positions: TypeAlias = npt.NDArray[np.int64]
By: TypeAlias = str | None
_Scalar = TypeVar("_Scalar", bound=np.generic)


def gather(base: npt.NDArray[_Scalar], rows: Positions) -> npt.NDArray[_Scalar]:
    """Return rows of an array: a view where they lie together in order, else a copy."""
    if len(rows) == rows[-1] - rows[0] + 1 and (np.diff(rows) == 1).all():
        return base[rows[0] : rows[-1] + 1]
    return base[rows]


def draw_part(groups: Positions | None, count: int, *, fraction: float, whole: bool, seed: int) -> Positions:
    """Draw a part of ``count`` rows at random.

    Args:
        groups: Each row's class or writer, or ``None`` to draw from all rows alike.
        count: Rows in all.
        fraction: The part's share of the rows, between 0 and 1, exclusive.
        whole: Whether groups go into the part whole (writers), as many as come nearest to the share. Otherwise the part
            has ``round(fraction * count)`` rows and each group gives its share of them (classes); what rounding leaves
            goes to the groups with the largest remainders.
        seed: Seed of the draw, 0 or more.

    Returns:
        The part's positions.

    Raises:
        ConfigError: If ``fraction`` or ``seed`` is out of range.
        DataError: If the part, or what remains, would be empty.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise ConfigError(f"the fraction of a split must lie between 0 and 1, exclusive, but is {fraction!r}")
    random = _generator(seed)
    wanted = round(fraction * count)
    if groups is None:
        part = random.permutation(count)[:wanted]
    elif whole:
        part = _whole_groups(groups, fraction * count, random)
    else:
        part = _shares(groups, fraction, wanted, random)
    if not 0 < len(part) < count:
        raise DataError(f"a fraction of {fraction} of {count} pictures leaves one side of the split empty")
    return np.sort(part)


def draw_folds(groups: Positions | None, count: int, *, folds: int, whole: bool, seed: int) -> list[Positions]:
    """Partition ``count`` rows at random into folds of sizes as equal as the groups allow.

    Args:
        groups: Each row's class or writer, or ``None`` to deal all rows alike.
        count: Rows in all.
        folds: The number of folds, 2 or more.
        whole: Whether a group lies in one fold (writers), instead of being spread evenly over all (classes).
        seed: Seed of the draw, 0 or more.

    Returns:
        Each fold's positions.

    Raises:
        ConfigError: If ``folds`` or ``seed`` is out of range.
        DataError: If there are fewer rows, or fewer whole groups, than folds.
    """
    random = _generator(seed)
    if _whole_number("the number of folds", folds) < 2:
        raise ConfigError(f"the number of folds must be 2 or more, but is {folds}")
    available = len(np.unique(groups)) if groups is not None and whole else count
    if available < folds:
        raise DataError(
            f"{folds} folds need at least as many {'groups (writers)' if whole else 'pictures'}, not {available}"
        )
    fold_of = np.empty(count, np.int64)
    if groups is not None and whole:
        _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        fold_of[:] = _balanced(sizes, folds, random)[group_of]
    else:
        order = random.permutation(count)
        if groups is not None:
            order = order[np.argsort(groups[order], kind="stable")]
        # Dealt out like cards, on from group to group: no fold gets all the rests.
        fold_of[order] = np.arange(count) % folds
    return [np.flatnonzero(fold_of == fold) for fold in range(folds)]


def _shares(groups: Positions, fraction: float, wanted: int, random: np.random.Generator) -> Positions:
    names, sizes = np.unique(groups, return_counts=True)
    exact = fraction * sizes
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.lexsort((random.random(len(names)), shares - exact))
    shares[by_remainder[: wanted - shares.sum()]] += 1
    drawn = [random.permutation(np.flatnonzero(groups == name))[:n] for name, n in zip(names, shares, strict=True)]
    return np.concatenate(drawn)


def _whole_groups(groups: Positions, wanted: float, random: np.random.Generator) -> Positions:
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise DataError("a split by whole groups needs two of them or more, but all pictures are of one")
    order = random.permutation(len(names))
    reached = np.cumsum(sizes[order])[:-1]
    taken = order[: int(np.abs(reached - wanted).argmin()) + 1]
    return np.flatnonzero(np.isin(groups, names[taken]))


def _balanced(sizes: Positions, folds: int, random: np.random.Generator) -> Positions:
    """Deal groups out, the large first, each to the fold with the fewest rows so far."""
    fold_of, filled = np.empty(len(sizes), np.int64), np.zeros(folds, np.int64)
    for group in np.lexsort((random.random(len(sizes)), -sizes)):
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of


def _generator(seed: Any) -> np.random.Generator:
    if _whole_number("seed", seed) < 0:
        raise ConfigError(f"seed must be 0 or more, but is {seed}")
    return np.random.default_rng(seed)


def _whole_number(what: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ConfigError(f"{what} must be a whole number, but is {value!r}") from None
