"""Gates read how much evidence there is: too little of it passes nothing, and hides no failure."""

import numpy as np
import pytest

import harness
from harness.gates.gate_planning import Spread, planned
from harness.gates.parse_rules import parse_gates

RNG = np.random.default_rng(4)


def _judged(change: np.ndarray, **columns: object) -> harness.Gate:
    side = {"id": list(range(len(change))), **columns}
    base = np.zeros(len(change))
    found = harness.compare(
        {**side, "score": list(base)}, {**side, "score": list(change)}, ["score"],
        cluster="doc" if "doc" in columns else None,
    )  # fmt: skip
    (verdict,) = harness.judge(found, harness.Gate("g", metric="score", kind="superiority"))
    return verdict


def test_min_n_reads_effective_items() -> None:
    doc = [row // 10 for row in range(200)]
    alike = _judged(1 + RNG.normal(0, 0.5, 20)[doc], doc=doc)
    assert (alike.verdict, alike.n, alike.clusters) == ("inconclusive", 200, 20)
    assert alike.n_eff == pytest.approx(20, rel=0.1)
    assert "(19 effective)" in alike.sentence
    assert _judged(1 + RNG.normal(0, 0.5, 200), doc=doc).verdict == "pass"


def test_a_shown_failure_stays_one() -> None:
    doc = [row // 10 for row in range(200)]
    assert _judged(-1 + RNG.normal(0, 0.5, 20)[doc], doc=doc).verdict == "fail"


def test_an_unmet_precondition_passes_nothing_and_is_named() -> None:
    change = np.abs(RNG.normal(0, 1e-3, 200))
    change[0] = 5.0
    verdict = _judged(change)
    assert verdict.verdict == "inconclusive"
    assert "carry nearly all of the variance" in verdict.sentence


def test_holm_claims_harm_by_tests() -> None:
    y = RNG.choice(["a", "b"], 300)
    side = {"id": list(range(300)), "target": list(y), "source": [str(row % 3) for row in range(300)]}
    wrong = np.where(np.arange(300) % 3 == 0, np.where(y == "a", "b", "a"), y)
    found = harness.compare(
        {**side, "prediction": list(y)}, {**side, "prediction": list(wrong)}, ["f1_macro"], slices=["source"],
        resamples=400,
    )  # fmt: skip
    rule = {"id": "s", "metric": "f1_macro", "kind": "non_inferiority", "margin": 0.02, "each_slice": "source"}
    verdicts = harness.judge(found, {**rule, "correction": "holm"})
    assert [one.verdict for one in verdicts] == ["fail", "pass", "pass"]


def test_a_plan_answers_at_the_margin_and_counts_effective_items() -> None:
    def rule(**keys: object) -> object:
        from harness.core.errors import Where

        return parse_gates([{"id": "g", "metric": "e.accuracy", **keys}], lambda *a, **b: Where("x")).rules[0]

    gain = planned(rule(kind="superiority", margin=0.02), 1000)
    assert gain.mde == pytest.approx(0.02 + 2.4865 * (0.15 / 1000) ** 0.5, abs=1e-4)
    assert "passes a gain of" in gain.sentence
    few = planned(rule(kind="non_inferiority", margin=0.02), 150, spread=Spread(0.4, "the run x", 150, 0.1))
    assert not few.possible
    assert "effective" in few.sentence
    assert few.required_n == 1000
    tiny = planned(rule(kind="non_inferiority", margin=1e-4), 1000)
    assert "no realistic number" in tiny.sentence
    assert tiny.required_n is None
