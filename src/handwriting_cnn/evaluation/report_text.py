"""A report in a few lines of text."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .report import EvaluationReport

_SHOWN_PAIRS: Final = 5


def report_text(report: "EvaluationReport") -> str:
    """Return the main figures and the look-alikes."""
    low, high = report.interval
    protocol = f" ({report.protocol})" if report.protocol else ""
    size = f"{len(report):,} pictures, {len(report.alphabet)} classes, {len(report.mistakes):,} mistakes"
    lines = [
        f"{report.name}{protocol}: {size}",
        f"  {'accuracy':<11}{report.accuracy:>8.2%}   95% interval {low:.2%} to {high:.2%}",
    ]
    if report.writer_interval is not None:
        whole = "{:.2%} to {:.2%}".format(*report.writer_interval)
        lines.append(f"  {'':<11}{'':>8}   over {report.writer_note} {whole}")
    if report.top_k_accuracy is not None:
        lines.append(f"  {f'top-{report.top_k}':<11}{report.top_k_accuracy:>8.2%}")
    lines.append(f"  {'macro F1':<11}{report.macro.f1:>8.2%}")
    if report.confused_pairs:
        lines.append("  look-alikes")
    for pair in report.confused_pairs[:_SHOWN_PAIRS]:
        names = " / ".join(report.alphabet.names[number] for number in (pair.first, pair.second))
        lines.append(f"    {pair.mistakes:>5} of {pair.total:,}  {names}")
    return "\n".join(lines)
