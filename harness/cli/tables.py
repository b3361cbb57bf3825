"""Plain-text lines for numbers with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.cli.console import clean
from harness.core.results import ComparisonResult


def comparison_lines(comparisons: Iterable[ComparisonResult]) -> Iterator[str]:
    """One line per overall comparison: values, difference, interval, p, n."""
    for entry in comparisons:
        if entry.slice is not None:
            continue
        names = f"{entry.evaluation}.{entry.metric}  {entry.baseline} → {entry.candidate}"
        if entry.delta is None or entry.baseline_value is None or entry.candidate_value is None:
            yield clean(f"{names}: {entry.status}: {entry.reason or 'undefined'}")
            continue
        interval = (
            f"{entry.confidence:.0%} interval {entry.low:+.4g} … {entry.high:+.4g}"
            if entry.low is not None and entry.high is not None
            else "no interval"
        )
        p = f", p = {entry.p:.3g}" if entry.p is not None else ""
        same = ", identical answers" if entry.identical else ""
        yield clean(
            f"{names}: {entry.baseline_value:.4g} → {entry.candidate_value:.4g}, "
            f"{entry.delta:+.4g} {entry.unit} ({interval}{p}, n = {entry.n}, {entry.clusters} clusters{same})"
        )
