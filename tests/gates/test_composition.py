from __future__ import annotations

import math

import pytest
from harness_support.gate_samples import comparison, judged, level, only
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from harness.core.errors import SuiteError
from harness.gates.alpha_levels import alpha_levels
from harness.gates.overall_verdict import overall
from harness.gates.parse_rules import parse_gates
from harness.suite.yaml.located_document import parse

BETTER = "{metric: reviews.accuracy, kind: superiority}"
KEPT = "{metric: reviews.accuracy, kind: non_inferiority, margin: 0.05}"
FLOOR = "{metric: reviews.accuracy, kind: absolute, min: 0.5}"
RANK = {"error": 0, "fail": 1, "inconclusive": 2, "pass": 3}


def fault(text: str) -> str:
    document = parse(text, "suite.yaml")
    with pytest.raises(SuiteError) as raised:
        parse_gates(document.value, document.where)
    return str(raised.value)


def all_of(*members: str, more: str = "") -> str:
    return f"- {{id: g, all_of: [{', '.join(members)}]{more}}}"


def any_of(*members: str, more: str = "") -> str:
    return f"- {{id: g, any_of: [{', '.join(members)}]{more}}}"


def test_all_of_is_the_worst_of_its_members() -> None:
    found = only(all_of(BETTER, KEPT, FLOOR), comparison(0.0, 0.01), level(0.7, 0.02))
    assert [(one.id, one.verdict) for one in found.members] == [("1", "inconclusive"), ("2", "pass"), ("3", "pass")]
    assert found.verdict == "inconclusive"
    assert found.sentence.startswith("1 of 3 members is inconclusive. 1: Inconclusive whether")
    assert found.metric == "reviews.accuracy"
    assert {one.alpha for one in found.members} == {0.05}


def test_any_of_holds_its_members_to_corrected_levels() -> None:
    # z = 1.8: clear at 0.05 (1.645), not at 0.025 (1.96)
    weak = comparison(0.018, 0.01)
    alone = only(any_of(BETTER), weak)
    assert (alone.verdict, alone.members[0].alpha) == ("pass", 0.05)
    two = only(any_of(BETTER, "{id: high, metric: reviews.accuracy, kind: absolute, min: 0.9}"), weak, level(0.7, 0.02))
    assert [one.verdict for one in two.members] == ["inconclusive", "fail"]
    assert two.verdict == "inconclusive"
    assert two.members[0].alpha == 0.025
    assert two.members[0].low == pytest.approx(0.018 - norm.isf(0.025) * 0.01)


def test_planned_looks_divide_the_level_of_a_member_too() -> None:
    looked = BETTER.replace("superiority", "superiority, sequential: {looks: 3}")
    alone = only(all_of(looked), comparison(0.021, 0.01))  # z = 2.1: clear at 0.05 / 2, not at 0.05 / 3
    assert (alone.verdict, alone.members[0].alpha) == ("inconclusive", 0.05 / 3)
    assert "One of at most 3 looks, which share alpha." in alone.members[0].sentence
    both = only(any_of(looked, KEPT), comparison(0.0, 0.03))
    assert [member.alpha for member in both.members] == [0.025 / 3, 0.025]


def test_any_of_steps_down_after_a_clear_member() -> None:
    found = only(any_of(FLOOR, BETTER), comparison(0.018, 0.01), level(0.7, 0.02))
    assert [(one.verdict, one.alpha) for one in found.members] == [("pass", 0.025), ("pass", 0.05)]
    assert found.sentence.startswith("2 of 2 members hold; one is enough.")


def test_any_of_fails_only_when_all_do() -> None:
    bad, low = comparison(-0.1, 0.01), level(0.2, 0.02)
    assert only(any_of(BETTER, FLOOR), bad, low).verdict == "fail"
    assert only(any_of(BETTER, FLOOR), comparison(0.0, 0.01), low).verdict == "inconclusive"


@pytest.mark.parametrize("make", [all_of, any_of])
def test_an_error_of_one_member_is_an_error_of_the_whole(make: object) -> None:
    missing = "{id: gone, metric: reviews.missing, kind: superiority}"
    found = only(make(FLOOR, missing), level(0.9, 0.01))  # type: ignore[operator]  # one of two functions
    assert found.verdict == "error"
    assert overall([found]).exit_code == 12
    assert "because of gone" in found.sentence


def test_compositions_nest_and_their_places_are_known() -> None:
    text = f"- id: g\n  any_of:\n    - {BETTER}\n    - id: safe\n      all_of:\n        - {KEPT}\n        - {FLOOR}\n"
    found = only(text, comparison(0.0, 0.01), level(0.7, 0.02))
    assert found.verdict == "pass"
    safe = found.members[1]
    assert [one.verdict for one in safe.members] == ["pass", "pass"]
    # both members of the inner all_of are held to the level of the outer any_of
    assert {one.alpha for one in safe.members} == {0.025}
    assert [one.where for one in safe.members] == ["suite.yaml:6", "suite.yaml:7"]
    assert not any(one.blocking for one in [*found.members, *safe.members])


def test_slices_inside_a_composition_must_all_hold() -> None:
    rows = [comparison(0.1, 0.01), *(comparison(v, 0.01, slice=f"source={k}") for k, v in (("a", 0.1), ("b", -0.2)))]
    member = "{metric: reviews.accuracy, kind: non_inferiority, margin: 0.05, each_slice: source}"
    found = only(all_of(BETTER, member), *rows)
    assert [one.verdict for one in found.members] == ["pass", "fail"]
    assert [(one.slice, one.verdict) for one in found.members[1].members] == [
        ("source=a", "pass"),
        ("source=b", "fail"),
    ]
    assert found.members[1].kind == "non_inferiority"


def test_best_of_candidates_is_judged_once() -> None:
    members = [f"{{metric: reviews.accuracy, kind: superiority, model: {name}}}" for name in ("tuned", "lora")]
    rows = [comparison(0.1, 0.01), comparison(-0.1, 0.01, candidate="lora")]
    found = only(any_of(*members), *rows, release=["tuned", "lora"])
    assert (found.verdict, found.model) == ("pass", None)
    each = judged(all_of(BETTER), *rows, release=["tuned", "lora"])
    assert [(one.result.model, one.outcome) for one in each] == [("tuned", "pass"), ("lora", "fail")]


def test_waivers_and_severity_are_of_the_whole() -> None:
    text = (
        f"rules:\n  {all_of(BETTER, more=', severity: warn')}\n"
        "waivers: [{gate: g, reason: r, owner: o, expires: 2026-06-01}]"
    )
    found = only(text, comparison(-0.1, 0.01))
    assert (found.verdict, found.blocking, found.waiver_holds) == ("fail", False, True)
    assert found.members[0].waiver is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("- {id: g, any_of: []}", ":1:11", "at least 1"),
        ("- {id: g, all_of: 3}", ":1:19", "expected a list"),
        ("- {id: g, all_of: [3]}", ":1:20", "expected a rule such as"),
        ("- {any_of: [" + BETTER + "]}", ":1:3", "the key 'id' is missing"),
        ("- {id: g, any_of: [{metric: r.a, kind: superiorty}]}", ":1:40", "Did you mean 'superiority'?"),
        ("- {id: g, any_of: [{metric: r.a, kind: superiority, alpha: 0.1}]}", ":1:53", "applies to the whole gate 'g'"),
        ("- {id: g, all_of: [{metric: r.a, kind: superiority, severity: warn}]}", ":1:53", "applies to the whole gate"),
        ("- {id: g, kind: any_of, metric: r.a}", ":1:17", "any_of: [rule, …]"),
        ("- {id: g, any_of: [" + BETTER + "], margin: 1}", ":1:68", "unknown key 'margin'"),
        ("- {id: g, all_of: [{id: x, metric: r.a, kind: superiority}, {id: x, metric: r.a, kind: superiority}]}",
         ":1:66", "is defined twice"),
        ("- {id: g, all_of: [{metric: r.a, kind: non_inferiority, margin: 0.1, each_slice: s, correction: holm}]}",
         ":1:85", "applies to the whole gate"),
    ],
)  # fmt: skip
def test_faults_stand_at_their_place(text: str, place: str, words: str) -> None:
    message = fault(text)
    assert words in message, message
    assert message.startswith(f"suite.yaml{place}: "), message


def test_compositions_are_not_endless() -> None:
    text = BETTER
    for _ in range(5):
        text = f"{{all_of: [{text}]}}"
    assert "at most 4 deep" in fault(f"- {{id: g, all_of: [{text}]}}")


def test_bounds_are_asked_for_at_every_level_that_can_occur() -> None:
    document = parse(any_of(BETTER, f"{{any_of: [{KEPT}, {KEPT}, {FLOOR}]}}"), "s")
    gates = parse_gates(document.value, document.where)
    for divisor in (1, 2, 3, 4, 6):
        assert any(math.isclose(alpha, 0.05 / divisor) for alpha in alpha_levels(gates))


values = st.floats(-0.2, 0.2)
margins = st.floats(0.001, 0.2)


@given(st.lists(st.tuples(values, margins), min_size=1, max_size=4))
def test_any_of_is_never_harder_than_all_of_and_both_keep_to_logic(members: list[tuple[float, float]]) -> None:
    rows = [comparison(value, 0.02, metric=f"m{k}", id=f"reviews.m{k}") for k, (value, _) in enumerate(members)]
    rules = [f"{{metric: reviews.m{k}, kind: non_inferiority, margin: {m!r}}}" for k, (_, m) in enumerate(members)]
    every, some = only(all_of(*rules), *rows), only(any_of(*rules), *rows)
    assert RANK[every.verdict] == min(RANK[one.verdict] for one in every.members)
    assert RANK[some.verdict] >= RANK[every.verdict] or some.verdict == "inconclusive"
    # the clearest member alone decides whether the corrected claim holds
    clearest = max(value + margin for value, margin in members) / 0.02
    assert (some.verdict == "pass") == (clearest >= norm.isf(0.05 / len(members)) - 1e-9)


@given(values, margins, margins)
def test_a_wider_margin_never_makes_any_kind_worse(value: float, first: float, second: float) -> None:
    narrow, wide = sorted([first, second])
    for kind, extra in (("non_inferiority", ""), ("equivalence", ""), ("target", ", ideal: 0.5")):
        row = level(0.5 + value, 0.02) if kind == "target" else comparison(value, 0.02)
        verdicts = [
            only(f"- {{id: g, metric: reviews.accuracy, kind: {kind}, margin: {margin!r}{extra}}}", row).verdict
            for margin in (narrow, wide)
        ]
        assert RANK[verdicts[1]] >= RANK[verdicts[0]]
