"""Writing a report into a folder."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from handwriting_cnn.storage.atomic import write_bytes

from .page import report_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .report import EvaluationReport

_DPI: Final = 150


def save_report(report: "EvaluationReport", folder: Path) -> Path:
    """Write ``report.html``, ``report.json``, ``confusion.png``, ``scores.png`` and, with pictures, ``mistakes.png``.

    Returns:
        The path of ``report.html``.

    Raises:
        OutputError: If a file cannot be written.
    """
    page = folder / "report.html"
    files = {
        folder / "report.json": readable_json(report.to_json()).encode(),
        folder / "confusion.png": _png(report.plot_confusion()),
        folder / "scores.png": _png(report.plot_scores()),
    }
    if report.take_images is not None:
        files[folder / "mistakes.png"] = _png(report.plot_mistakes())
    files[page] = report_page(report).encode()
    for path, content in files.items():
        write_bytes(path, content)
    if report.take_images is None:
        (folder / "mistakes.png").unlink(missing_ok=True)  # an earlier report's
    return page


def readable_json(values: dict[str, Any]) -> str:
    """Return JSON with a line for each entry, and for each row of a list of rows: short to scroll, good to compare."""
    entries = [f"  {_line(name)}: {_rows(value)}" for name, value in values.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _rows(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return "[\n" + ",\n".join(f"    {_line(row)}" for row in value) + "\n  ]"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _png(ax: "Axes") -> bytes:
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("axes without a figure cannot be written")
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()
