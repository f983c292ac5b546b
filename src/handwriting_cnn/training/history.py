"""A run's history: figures by name, one an epoch, and NaN where an epoch has none."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

History: TypeAlias = dict[str, list[float]]
"""Figures by name, one an epoch."""


def with_epoch(history: Mapping[str, list[float]], figures: Mapping[str, float]) -> History:
    """Return a history with one epoch more; a callback of the user's may give a figure in some epochs only."""
    before = max(map(len, history.values()), default=0)
    return {
        name: [*history.get(name, [math.nan] * before), figures.get(name, math.nan)]
        for name in sorted({*history, *figures})  # the order that a checkpoint gives back
    }


def history_to_json(history: Mapping[str, list[float]]) -> dict[str, list[float | None]]:
    """Return a history as JSON values; JSON has neither NaN nor infinity, which become ``None``."""
    return {name: [value if math.isfinite(value) else None for value in values] for name, values in history.items()}


def history_from_json(values: Mapping[str, Any]) -> History:
    """Return what :func:`history_to_json` was given; what it had no number for is NaN."""
    return {name: [math.nan if value is None else value for value in column] for name, column in values.items()}
