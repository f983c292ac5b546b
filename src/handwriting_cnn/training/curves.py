"""Learning curves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handwriting_cnn.errors import UnknownNameError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(
    history: Mapping[str, list[float]], metric: str, *, best_epoch: int | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw a metric over the epochs, training and validation.

    Args:
        history: One value an epoch by metric.
        metric: A key of the history; its ``val_`` is drawn with it.
        best_epoch: The epoch to mark, from 1, or ``None``.
        ax: Where to draw; ``None`` makes a new figure.

    Returns:
        The axes.

    Raises:
        UnknownNameError: If the history has no such metric.
    """
    if metric not in history or metric.startswith("val_"):
        raise UnknownNameError("metric", metric, [name for name in history if not name.startswith("val_")])
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 4.0), layout="constrained").add_subplot()
    for name, label in ((metric, "training"), (f"val_{metric}", "validation")):
        if name in history:
            epochs = range(1, len(history[name]) + 1)
            ax.plot(epochs, history[name], marker=".", markersize=4, linewidth=1.6, label=label)
    if best_epoch is not None and f"val_{metric}" in history:
        ax.axvline(best_epoch, color="0.6", linewidth=1, linestyle=":", label=f"kept: epoch {best_epoch}")
    ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(visible=True, alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax
