"""Plain-text lines for numbers with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from harness.report.wording.safe_text import clean_line
from harness.schema.results.absences import behind_comparison
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult

READINGS = {"higher": ("worse", "better"), "lower": ("better", "worse"), "target": ("fell", "rose")}


def comparison_lines(
    comparisons: Iterable[ComparisonResult], evaluations: Mapping[str, EvaluationResult] | None = None
) -> Iterator[str]:
    """The overall comparisons, pair by pair: values, difference with interval, p, n, and what it shows.

    Args:
        evaluations: by name; n then says what either side did not answer.
    """
    evaluations = evaluations or {}
    shown = [entry for entry in comparisons if entry.slice is None]
    pairs = sorted(shown, key=lambda entry: (entry.baseline, entry.candidate))
    for (baseline, candidate), group in groupby(pairs, key=lambda entry: (entry.baseline, entry.candidate)):
        entries = list(group)
        rows = [_cells(entry, evaluations) for entry in entries]
        yield clean_line(f"{baseline} → {candidate}")
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        for row in rows:
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            yield f"  {line}"
        for note in dict.fromkeys(f"{entry.evaluation}: {text}" for entry in entries for text in entry.comparability):
            yield clean_line(f"  differs in {note}")


def reading(entry: ComparisonResult) -> str:
    """Returns the reading of an interval: a change only if it excludes zero."""
    if entry.identical:
        return "identical"
    low, high = entry.delta.low, entry.delta.high
    if low is None or high is None or low <= 0 <= high:
        return "no clear change"
    return READINGS[entry.direction][low > 0]


def _cells(entry: ComparisonResult, evaluations: Mapping[str, EvaluationResult]) -> tuple[str, str, str, str, str]:
    name = clean_line(f"{entry.evaluation}.{entry.metric}")
    delta = entry.delta
    missing = clean_line(behind_comparison(entry, evaluations))
    if delta.value is None or entry.baseline_value is None or entry.candidate_value is None:
        return name, entry.status, clean_line(entry.reason or "undefined"), "", missing
    values = f"{entry.baseline_value:.4g} → {entry.candidate_value:.4g} {clean_line(entry.unit)}"
    span = "no interval"
    if delta.low is not None and delta.high is not None:
        span = f"{delta.confidence:.0%} {delta.low:+.3g} … {delta.high:+.3g}"
    p = f"p {entry.p:.3g}, " if entry.p is not None else ""
    clusters = f" in {entry.clusters:,} clusters" if 0 < entry.clusters < entry.n else ""
    size = f"{p}n {entry.n:,}{clusters}" + (f" ({missing})" if missing else "")
    return name, reading(entry), values, f"{delta.value:+.3g} ({span})", size
