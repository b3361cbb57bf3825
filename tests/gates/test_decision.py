from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.gates.decision import JudgedValue, Limits, decide, deciding_bound

finite = st.floats(-100, 100, allow_nan=False)
any_float = st.floats(allow_nan=True, allow_infinity=True)
RANK = {"fail": 0, "inconclusive": 1, "pass": 2}


def intervals() -> st.SearchStrategy[JudgedValue]:
    return st.tuples(finite, finite, finite).map(lambda three: JudgedValue(*(sorted(three)[i] for i in (1, 0, 2))))


def limits() -> st.SearchStrategy[Limits]:
    ordered = st.tuples(finite, finite).map(sorted)
    return st.one_of(
        finite.map(lambda floor: Limits(floor=floor)),
        finite.map(lambda floor: Limits(floor=floor, strict=True)),
        finite.map(lambda ceiling: Limits(ceiling=ceiling)),
        ordered.map(lambda pair: Limits(pair[0], pair[1])),
    )


@given(intervals(), finite, st.floats(0, 50), st.booleans())
def test_a_higher_bound_never_makes_a_floor_gate_worse(
    interval: JudgedValue, floor: float, up: float, strict: bool
) -> None:
    raised = JudgedValue(interval.value + up, interval.low + up, interval.high + up)
    allowed = Limits(floor=floor, strict=strict)
    assert RANK[decide(raised, allowed)] >= RANK[decide(interval, allowed)]


@given(intervals(), limits(), st.floats(0, 50), st.floats(0, 50))
def test_less_certainty_only_moves_toward_inconclusive(
    interval: JudgedValue, allowed: Limits, down: float, up: float
) -> None:
    wider = JudgedValue(interval.value, interval.low - down, interval.high + up)
    assert decide(wider, allowed) in {decide(interval, allowed), "inconclusive"}


@given(intervals(), limits())
def test_turning_the_direction_round_turns_the_limits_round(interval: JudgedValue, allowed: Limits) -> None:
    turned = Limits(-allowed.ceiling, -allowed.floor, allowed.strict)
    assert decide(interval.negated(), turned) == decide(interval, allowed)


@given(any_float, any_float, any_float, limits())
def test_what_is_not_finite_or_out_of_order_is_an_error(value: float, low: float, high: float, allowed: Limits) -> None:
    outcome = decide(JudgedValue(value, low, high), allowed)
    sound = all(map(math.isfinite, (value, low, high))) and low <= high
    assert (outcome == "error") == (not sound)


@given(intervals(), limits())
def test_the_bound_that_is_shown_explains_the_outcome(interval: JudgedValue, allowed: Limits) -> None:
    outcome = decide(interval, allowed)
    bound = deciding_bound(interval, allowed, outcome)
    inside = allowed.floor <= bound <= allowed.ceiling
    if outcome == "pass":
        assert inside
    if outcome == "fail":
        assert not inside or allowed.strict


def test_reaching_the_limit_is_enough_unless_it_is_strict() -> None:
    touching = JudgedValue(0.1, 0.0, 0.2)
    assert decide(touching, Limits(floor=0.0)) == "pass"
    assert decide(touching, Limits(floor=0.0, strict=True)) == "inconclusive"
    assert decide(JudgedValue(0, 0, 0), Limits(floor=0.0, strict=True)) == "fail"
