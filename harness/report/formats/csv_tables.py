"""metrics.csv and comparisons.csv: the figures of results.json for spreadsheets.

Texts from data and suites may begin with `=` or `+`, which a spreadsheet would run as a formula; such a cell gets an
apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.core.interval import Interval
from harness.report.wording.safe_text import one_line
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.results_file import Results

_METRIC = (
    "evaluation", "metric", "model", "slice", "protocol", "value", "low", "high", "confidence", "n", "clusters",
    "unit", "direction", "ideal", "method", "status", "reason",
)  # fmt: skip
_COMPARISON = (
    "evaluation", "metric", "slice", "baseline", "candidate", "baseline_protocol", "candidate_protocol",
    "baseline_value", "candidate_value", "delta", "low", "high", "confidence", "ratio", "ratio_low", "ratio_high",
    "p", "p_adjusted", "family", "test", "mde", "n", "clusters", "unit", "direction", "ideal", "method", "status",
    "reason",
)  # fmt: skip


def metrics_csv(results: Results) -> str:
    """One line a metric, model and slice."""
    return table_csv(
        _METRIC, ({**dict(row), **_ends(row.interval), "value": row.interval.value} for row in results.metrics)
    )


def comparisons_csv(results: Results) -> str:
    """One line a comparison."""
    return table_csv(_COMPARISON, map(_comparison, results.comparisons))


def _comparison(row: ComparisonResult) -> dict[str, Any]:
    ratio = row.ratio or Interval()
    ratios = {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high}
    return {**dict(row), **_ends(row.delta), **ratios, "delta": row.delta.value}


def _ends(interval: Interval) -> dict[str, Any]:
    return {"low": interval.low, "high": interval.high, "confidence": interval.confidence}


def table_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table with a header; cells that a spreadsheet would run are quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    text = one_line(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "|", "%") else text
