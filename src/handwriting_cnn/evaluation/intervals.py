"""Intervals for proportions."""

from math import sqrt
from statistics import NormalDist

from handwriting_cnn.errors import ConfigError, DataError


def wilson_interval(successes: float, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    It keeps its coverage near 0 and 1, where a good classifier's accuracy lies and where ``p ± z·sqrt(p(1-p)/n)``
    fails. Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).

    Args:
        successes: How often it happened, ``0..total``; a mean over several runs need not be whole.
        total: Out of how many independent trials, 1 or more.
        confidence: Coverage, between 0 and 1, exclusive.

    Returns:
        ``(low, high)``, within 0..1.

    Raises:
        ConfigError: If ``confidence`` is out of range.
        DataError: If the counts are.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0 and 1, but is {confidence!r}")
    if total < 1 or not 0 <= successes <= total:
        raise DataError(f"an interval needs 0..n successes of n >= 1 trials, not {successes} of {total}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    reach = z / scale * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == total else min(1.0, centre + reach)
    return low, high
