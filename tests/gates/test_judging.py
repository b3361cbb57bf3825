from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from harness_support.gate_samples import interval

from harness.core.interval import Interval
from harness.gates.flip_rule import TagFlips
from harness.gates.judging import gate_traces
from harness.gates.overall_verdict import overall
from harness.gates.parse_rules import parse_gates
from harness.gates.required_pairs import RequiredPair, required_pairs
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import JudgmentContext
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.verdicts import GateResult
from harness.suite.yaml.located_document import parse

TODAY = date(2026, 6, 1)


def comparison(low: float, high: float, **changes: Any) -> ComparisonResult:
    middle = (low + high) / 2
    facts: dict[str, Any] = {
        "id": "reviews.accuracy",
        "evaluation": "reviews",
        "metric": "accuracy",
        "baseline": "base",
        "candidate": "tuned",
        "baseline_protocol": "head",
        "candidate_protocol": "head",
        "baseline_value": 0.6,
        "candidate_value": 0.6 + middle,
        "delta": interval(middle, {0.05: (low, high)}),
        "improvement": middle,
        "n": 500,
        "clusters": 500,
        "unit": "share",
        "direction": "higher",
        "method": "tango",
    }
    return ComparisonResult(**{**facts, **changes})


def level(low: float, high: float, **changes: Any) -> MetricResult:
    facts: dict[str, Any] = {
        "id": "reviews.accuracy",
        "evaluation": "reviews",
        "metric": "accuracy",
        "model": "tuned",
        "protocol": "head",
        "interval": interval((low + high) / 2, {0.05: (low, high)}),
        "n": 500,
        "clusters": 500,
        "unit": "share",
        "direction": "higher",
        "method": "wilson",
    }
    return MetricResult(**{**facts, **changes})


def evaluation(**changes: Any) -> EvaluationResult:
    facts: dict[str, Any] = {
        "name": "reviews",
        "role": "task",
        "kind": "classification",
        "summary": "",
        "data": ["reviews"],
        "split": "test",
        "n": 500,
        "coverage": {"base": 1.0, "tuned": 1.0},
    }
    return EvaluationResult(**{**facts, **changes})


def verdicts(rule: str, *rows: MetricResult | ComparisonResult, extra: str = "", **changes: Any) -> list[GateResult]:
    text = f"rules: [{{id: g, metric: reviews.accuracy, {rule}}}]\n{extra}"
    document = parse(text, "suite.yaml")
    asked = changes.pop("evaluation", evaluation())
    lookup = ResultLookup(
        [row for row in rows if isinstance(row, MetricResult)],
        [row for row in rows if isinstance(row, ComparisonResult)],
        [asked] if asked is not None else [],
    )
    release = changes.pop("release", ["tuned"])
    facts: dict[str, Any] = {"baseline": "base", "today": TODAY, **changes}
    context = JudgmentContext(parse_gates(document.value, document.where), lookup, **facts)
    return [trace.result for trace in gate_traces(context, release)]


def verdict(rule: str, *rows: MetricResult | ComparisonResult, **changes: Any) -> GateResult:
    (one,) = verdicts(rule, *rows, **changes)
    return one


@pytest.mark.parametrize(
    ("rule", "low", "high", "expected"),
    [
        ("kind: superiority", 0.01, 0.05, "pass"),
        ("kind: superiority", -0.01, 0.05, "inconclusive"),
        ("kind: superiority", -0.05, -0.01, "fail"),
        ("kind: superiority, margin: 0.02", 0.01, 0.05, "inconclusive"),
        ("kind: non_inferiority, margin: 0.02", -0.01, 0.01, "pass"),
        ("kind: non_inferiority, margin: 0.02", -0.03, 0.01, "inconclusive"),
        ("kind: non_inferiority, margin: 0.02", -0.05, -0.03, "fail"),
        ("kind: equivalence, margin: 0.02", -0.01, 0.01, "pass"),
        ("kind: equivalence, margin: 0.02", -0.01, 0.03, "inconclusive"),
        ("kind: equivalence, margin: 0.02", 0.03, 0.05, "fail"),
        ("kind: equivalence, margin: 0.02", -0.05, -0.03, "fail"),
    ],
)
def test_comparisons_are_judged_by_the_bound(rule: str, low: float, high: float, expected: str) -> None:
    assert verdict(rule, comparison(low, high)).verdict == expected


def test_where_lower_is_better_the_same_numbers_turn_round() -> None:
    worse = comparison(0.01, 0.05, direction="lower")
    better = comparison(-0.05, -0.01, direction="lower")
    assert verdict("kind: superiority", worse).verdict == "fail"
    assert verdict("kind: superiority", better).verdict == "pass"
    assert verdict("kind: superiority", better).observed == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("direction", "allowed", "low", "high", "expected"),
    [
        ("lower", 1.05, 1.01, 1.04, "pass"),
        ("lower", 1.05, 1.01, 1.06, "inconclusive"),
        ("lower", 1.05, 1.06, 1.09, "fail"),
        ("higher", 0.95, 0.96, 0.99, "pass"),
        ("higher", 0.95, 0.90, 0.94, "fail"),
        ("lower", 0.95, 1.01, 1.04, "error"),
        ("higher", 1.05, 1.01, 1.04, "error"),
    ],
)
def test_ratio_margins(direction: str, allowed: float, low: float, high: float, expected: str) -> None:
    row = comparison(0, 1, direction=direction, ratio=interval((low + high) / 2, {0.05: (low, high)}))
    result = verdict(f"kind: non_inferiority, margin: {{ratio: {allowed}}}", row)
    assert result.verdict == expected
    if expected == "inconclusive":
        assert result.required_n is not None
        assert result.required_n > 500


def test_a_ratio_margin_without_a_ratio_is_an_error() -> None:
    assert verdict("kind: non_inferiority, margin: {ratio: 1.05}", comparison(0, 1)).verdict == "error"


@pytest.mark.parametrize(
    ("rule", "low", "high", "expected"),
    [
        ("kind: absolute, min: 0.6", 0.61, 0.7, "pass"),
        ("kind: absolute, min: 0.6, bound: lower", 0.59, 0.7, "inconclusive"),
        ("kind: absolute, min: 0.6", 0.5, 0.59, "fail"),
        ("kind: absolute, max: 0.6", 0.5, 0.59, "pass"),
        ("kind: absolute, max: 0.6", 0.61, 0.7, "fail"),
        ("kind: absolute, min: 0.6, bound: point", 0.5, 0.9, "pass"),
        ("kind: absolute, min: 0.6, bound: point", 0.2, 0.9, "fail"),
        ("kind: target, ideal: 0.5, margin: 0.05", 0.46, 0.54, "pass"),
        ("kind: target, ideal: 0.5, margin: 0.05", 0.46, 0.56, "inconclusive"),
        ("kind: target, ideal: 0.5, margin: 0.05", 0.56, 0.6, "fail"),
        ("kind: target, margin: 0.05", 0.46, 0.54, "error"),
    ],
)
def test_levels_are_judged_by_the_bound(rule: str, low: float, high: float, expected: str) -> None:
    direction = "lower" if "max:" in rule else "higher"
    assert verdict(rule, level(low, high, direction=direction)).verdict == expected


def test_a_target_takes_the_ideal_of_its_metric() -> None:
    row = level(0.46, 0.54, direction="target", ideal=0.5)
    assert verdict("kind: target, margin: 0.05", row).verdict == "pass"


NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delta": interval(0.03, {0.05: (NAN, 0.1)})}, "finite"),
        ({"delta": interval(0.03, {0.05: (None, 0.1)})}, "finite"),
        ({"delta": interval(0.03, {0.05: (0.01, float("inf"))})}, "finite"),
        ({"delta": interval(0.03, {0.01: (0.01, 0.1)})}, "no bound at alpha 0.05"),
        ({"delta": interval(None, {0.05: (0.01, 0.05)})}, "finite"),
        ({"n": 0}, "share no item"),
        ({"status": "refused", "reason": "other templates"}, "other templates"),
        ({"status": "undefined", "reason": "one class"}, "one class"),
        ({"only_candidate": 3}, "do not match"),
        ({"direction": "target"}, "no better direction"),
        ({"baseline": "other"}, "no value for"),
    ],
)
def test_what_cannot_carry_a_verdict_is_an_error(changes: dict[str, Any], words: str) -> None:
    result = verdict("kind: superiority", comparison(0.01, 0.05, **changes))
    assert result.verdict == "error"
    assert words in result.sentence
    assert result.blocking


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (None, "was not run"),
        (evaluation(coverage={"base": 1.0}), "no records of tuned"),
        (evaluation(coverage={"base": 1.0, "tuned": 0.99}), "99.0%"),
        (evaluation(coverage={"base": NAN, "tuned": 1.0}), "answered"),
        (evaluation(skipped={"tuned": "it has no head"}), "it has no head"),
    ],
)
def test_missing_answers_are_an_error(asked: EvaluationResult | None, words: str) -> None:
    result = verdict("kind: superiority", comparison(0.01, 0.05), evaluation=asked)
    assert result.verdict == "error"
    assert words in result.sentence


def test_few_items_are_inconclusive_whatever_the_bound() -> None:
    result = verdict("kind: superiority", comparison(0.01, 0.05, n=99))
    assert (result.verdict, result.required_n) == ("inconclusive", 100)
    assert "99 items" in result.sentence


def test_an_inconclusive_gate_says_how_many_items_it_needs() -> None:
    result = verdict("kind: superiority", comparison(-0.01, 0.05))
    standard_error = 0.06 / (2 * 1.6449)
    expected = 500 * ((1.6449 + 0.8416) * standard_error / 0.02) ** 2
    assert result.required_n == pytest.approx(expected, rel=1e-3)
    assert "needs about" in result.sentence


def test_a_sentence_has_the_numbers() -> None:
    assert verdict("kind: superiority", comparison(0.01, 0.05, clusters=250)).sentence == (
        "tuned is better than base on reviews.accuracy: 60% → 63%, improvement +3 points (at least +1 point with 95% "
        "confidence), 500 items in 250 clusters."
    )
    assert verdict("kind: non_inferiority, margin: 0.02", comparison(-0.05, -0.03)).sentence == (
        "tuned is worse than base on reviews.accuracy by more than 2 points: 60% → 56%, improvement −4 points (at most "
        "−3 points with 95% confidence), 500 items."
    )


def test_identical_outputs_and_protocols_are_said() -> None:
    row = comparison(-0.01, 0.01, identical=True, baseline_protocol="cloze")
    result = verdict("kind: non_inferiority, margin: 0.02", row)
    assert result.verdict == "pass"
    assert "identical on every item" in result.sentence
    assert "different protocols (cloze, head)" in result.sentence


def test_the_evaluation_s_baseline_comes_before_the_suite_s_and_after_the_rule_s() -> None:
    rows = [comparison(0.1, 0.2), comparison(-0.02, -0.01, baseline="linear")]
    asked = evaluation(coverage={"base": 1, "linear": 1, "tuned": 1}, baseline="linear")
    gain = verdict("kind: superiority", *rows, evaluation=asked)
    assert (gain.verdict, gain.baseline) == ("fail", "linear")
    named = verdict("kind: superiority, baseline: base", *rows, evaluation=asked)
    assert (named.verdict, named.baseline) == ("pass", "base")
    assert verdict("kind: superiority", *rows).baseline == "base"
    assert verdict("kind: absolute, min: 0", level(0.1, 0.2)).baseline is None


def test_what_a_run_must_compare_for_its_gates() -> None:
    text = """
    - {id: a, metric: reviews.accuracy, kind: superiority}
    - {id: b, metric: reviews.accuracy, kind: superiority, model: lora, baseline: base}
    - {id: c, metric: reviews.accuracy, kind: absolute, min: 0.5}
    - {id: d, metric: reviews.accuracy, kind: no_flips, tag: must}
    """
    document = parse(text, "s")
    gates = parse_gates(document.value, document.where)
    needed = required_pairs(gates, [evaluation(baseline="linear")], release=["tuned"], baseline="base")
    assert needed == [
        RequiredPair("reviews", "linear", "tuned"),
        RequiredPair("reviews", "base", "lora"),
        RequiredPair("reviews", "linear", "tuned", flips=True, tag="must"),
    ]


def test_every_release_candidate_is_judged_on_its_own() -> None:
    rows = [comparison(0.01, 0.05), comparison(-0.05, -0.01, candidate="lora")]
    asked = evaluation(coverage={"base": 1, "lora": 1, "tuned": 1})
    found = verdicts("kind: superiority", *rows, evaluation=asked, release=["tuned", "lora"])
    assert [(one.model, one.verdict) for one in found] == [("tuned", "pass"), ("lora", "fail")]
    only = verdict("kind: superiority, model: lora", *rows, evaluation=asked, release=["tuned"])
    assert only.model == "lora"
    assert verdict("kind: superiority", *rows, release=[]).verdict == "error"


def test_a_bare_name_finds_the_metric_with_its_scorer() -> None:
    row = level(0.46, 0.54, metric="accuracy[pll]")
    assert verdict("kind: absolute, min: 0.4", row).verdict == "pass"
    two = [row, level(0.1, 0.2, metric="accuracy[ll]")]
    assert "choose one" in verdict("kind: absolute, min: 0.4", *two).sentence
    undefined = level(0, 0, metric="accuracy[ll]", status="undefined", reason="no such scorer", interval=Interval())
    assert verdict("kind: absolute, min: 0.4", row, undefined).verdict == "pass"


SLICED = [comparison(0.0, 0.1)] + [
    comparison(
        low,
        high,
        slice=f"source={name}",
        delta=interval((low + high) / 2, {0.05: (low, high), 0.025: (low - 0.01, high + 0.01)}),
    )
    for name, low, high in (("movie", -0.2, -0.1), ("tweets", -0.06, -0.035))
]


def test_each_slice_gets_its_verdict() -> None:
    found = verdicts("kind: non_inferiority, margin: 0.03, each_slice: source", *SLICED)
    assert [(one.slice, one.verdict) for one in found] == [("source=movie", "fail"), ("source=tweets", "fail")]
    one = verdict("kind: non_inferiority, margin: 0.03, slice: source=movie", *SLICED)
    assert (one.slice, one.verdict) == ("source=movie", "fail")
    assert "it has source" in verdict("kind: non_inferiority, margin: 0.03, each_slice: sauce", *SLICED).sentence


def test_holm_shows_harm_at_the_corrected_level() -> None:
    rule = "kind: non_inferiority, margin: 0.03, each_slice: source, correction: holm"
    both = verdicts(rule, *SLICED)
    # movie is shown at alpha/2; what is left, tweets, is then held against alpha/1
    assert [(one.verdict, one.alpha) for one in both] == [("fail", 0.025), ("fail", 0.05)]
    weak = SLICED[2].model_copy(update={"slice": "source=amazon"})
    weaker = verdicts(rule, weak, SLICED[2])
    assert [one.verdict for one in weaker] == ["inconclusive", "inconclusive"]


WAIVER = "waivers: [{gate: g, reason: known, owner: me, expires: 2026-06-01}]"


def test_a_waiver_holds_on_its_last_day_and_not_after() -> None:
    failing = comparison(-0.05, -0.01)
    waived = verdict("kind: superiority", failing, extra=WAIVER)
    assert (waived.verdict, waived.blocking) == ("fail", False)
    assert waived.waiver == "waived until 2026-06-01 (UTC) by me: known"
    summary = overall([waived])
    assert (summary.overall, summary.exit_code, summary.counts["waived"]) == ("warn", 0, 1)
    expired = verdict("kind: superiority", failing, extra=WAIVER, today=date(2026, 6, 2))
    assert expired.blocking
    assert expired.waiver is not None
    assert "expired" in expired.waiver


def test_severity_and_on_inconclusive_decide_what_blocks() -> None:
    assert not verdict("kind: superiority, severity: warn", comparison(-0.05, -0.01)).blocking
    assert not verdict("kind: superiority, on_inconclusive: warn", comparison(-0.05, 0.01)).blocking
    assert verdict("kind: superiority, on_inconclusive: warn", comparison(-0.05, -0.01)).blocking


def test_flips_of_tagged_items() -> None:
    rule = "kind: no_flips, tag: critical"
    clean = TagFlips("reviews", "base", "tuned", "critical", 12, ())
    assert verdict(rule, flips=[clean]).verdict == "pass"
    broken = TagFlips("reviews", "base", "tuned", "critical", 12, ("a", "b"))
    result = verdict(rule, flips=[broken])
    assert result.verdict == "fail"
    assert "2 of 12" in result.sentence
    assert verdict(rule).verdict == "error"
    assert verdict(rule, flips=[TagFlips("reviews", "base", "tuned", "critical", 0, ())]).verdict == "error"


def test_results_know_their_line_in_the_suite() -> None:
    assert verdict("kind: superiority", comparison(0.01, 0.05)).where == "suite.yaml:1"


@pytest.mark.parametrize(
    ("rule", "extra", "code"),
    [
        ("kind: superiority", "", 12),
        ("kind: superiority, on_inconclusive: warn", "", 12),
        ("kind: superiority, severity: warn", "", 0),
        ("kind: superiority", WAIVER, 0),
    ],
)
def test_an_error_blocks_unless_the_gate_was_set_to_decide_nothing(rule: str, extra: str, code: int) -> None:
    result = verdict(rule, extra=extra)
    found = overall([result])
    assert result.verdict == "error"
    assert found.exit_code == code
    assert found.overall == ("error" if code else "warn"), "never green"


def test_an_expired_waiver_is_never_green() -> None:
    passing = verdict("kind: superiority", comparison(0.01, 0.05), extra=WAIVER, today=date(2026, 6, 2))
    assert (passing.verdict, passing.waiver_holds) == ("pass", False)
    found = overall([passing])
    assert (found.overall, found.exit_code, found.counts["expired"]) == ("warn", 0, 1)
    assert "1 waiver has expired (g)" in found.sentence


def test_a_slice_that_the_model_lacks_is_an_error_and_not_left_out() -> None:
    rows = [level(0.7, 0.8, slice="source=web"), level(0.7, 0.8, model="base", slice="source=shop")]
    found = {one.slice: one.verdict for one in verdicts("kind: absolute, min: 0.5, each_slice: source", *rows)}
    assert found == {"source=web": "pass", "source=shop": "error"}
