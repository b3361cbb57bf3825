"""Failure rate of tests: functional tests and changes of a text that should not matter."""

from __future__ import annotations

from harness.metrics.column_metrics import MeanOf

# The mean over cases of the share of their tests that fail.
failure_rate = MeanOf(
    "failure_rate",
    "Fraction of test cases that fail.",
    column="test_failed",
    direction="lower",
    label="failure rate of functional tests",
)
