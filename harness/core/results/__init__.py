"""The schema of results.json: metrics, comparisons, flips, verdicts.

It holds no time and no path, so that a run that was killed and went on writes the same bytes as
an undisturbed one; times, paths and hardware stand in run.json.
Numbers that are undefined are null, never NaN; `status` says why.
"""

from harness.core.results.base import Direction, Result, Verdict, finite
from harness.core.results.document import RESULTS_SCHEMA, Results
from harness.core.results.figures import ComparisonResult, FlipsResult, MetricResult, SeedsResult, TableResult
from harness.core.results.selftest import FalseAlarmsResult, NoiseResult, SelftestResult
from harness.core.results.subjects import AuditResult, DataResult, EvaluationResult, ModelResult
from harness.core.results.verdicts import GateResult, VerdictResult

__all__ = [
    "RESULTS_SCHEMA",
    "AuditResult",
    "ComparisonResult",
    "DataResult",
    "Direction",
    "EvaluationResult",
    "FalseAlarmsResult",
    "FlipsResult",
    "GateResult",
    "MetricResult",
    "ModelResult",
    "NoiseResult",
    "Result",
    "Results",
    "SeedsResult",
    "SelftestResult",
    "TableResult",
    "Verdict",
    "VerdictResult",
    "finite",
]
