"""Gates with `adjust: true` judge the figure that cheap values make surer."""

from __future__ import annotations

import pytest
from harness_support.gate_samples import comparison, judged, level, normal, only

from harness.core.errors import SuiteError
from harness.gates.explanation import explain
from harness.schema.results.metrics import AdjustedResult

BETTER = "- {id: g, metric: reviews.accuracy, kind: superiority, adjust: true}"
SURER = AdjustedResult(interval=normal(0.021, 0.008), n=90, total=600, n_eff=160, gain=1.8, method="regression")


def test_the_adjusted_bound_decides_and_its_effective_items_count() -> None:
    row = comparison(0.02, 0.02, n=90, clusters=90, n_eff=90.0, adjusted=SURER)
    plain, surer = only(BETTER.replace(", adjust: true", ""), row), only(BETTER, row)
    assert (plain.verdict, plain.n_eff) == ("inconclusive", 90)
    assert (surer.verdict, surer.n, surer.n_eff) == ("pass", 600, 160)
    assert surer.observed == 0.021
    assert surer.low == SURER.interval.at(0.05).low
    assert "cheap values of 600 items make 90 costly ones worth 1.80 × as many" in surer.sentence
    (trace,) = judged(BETTER, row)
    assert "worth 1.80 ×" in dict(explain(trace).lines)["adjusted"]


def test_a_level_is_adjusted_too() -> None:
    rule = "- {id: g, metric: reviews.accuracy, kind: absolute, min: 0.5, adjust: true}"
    surer = SURER.model_copy(update={"interval": normal(0.53, 0.01)})
    assert only(rule, level(0.52, 0.03, adjusted=surer)).verdict == "pass"


def test_items_that_chance_did_not_choose_pass_nothing() -> None:
    row = comparison(0.02, 0.02, adjusted=SURER.model_copy(update={"unmet": ["items differ from the others."]}))
    verdict = only(BETTER, row)
    assert verdict.verdict == "inconclusive"
    assert "differ from the others" in verdict.sentence


def test_nothing_to_adjust_is_an_error() -> None:
    assert only(BETTER, comparison(0.02, 0.01)).verdict == "error"
    missing = only(BETTER.replace("adjust: true", "adjust: true, min_coverage: 0.5"), comparison(0.02, 0.01, missing=3))
    assert missing.verdict == "error"
    assert "3 answers are missing" in missing.sentence


@pytest.mark.parametrize("other", ["sequential: true", "slice: source=a", "each_slice: source"])
def test_what_is_not_adjusted_is_refused(other: str) -> None:
    with pytest.raises(SuiteError, match="`adjust` does not fit"):
        only(BETTER.replace("adjust: true", f"adjust: true, {other}"), comparison(0.02, 0.01))
