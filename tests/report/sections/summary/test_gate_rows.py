"""Where a gate's figures lie on the axis that is normalized to its limit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.report.sections.summary.gate_rows import LIMIT_AT, bullet, limits_of
from harness.schema.results.verdicts import GateResult


def gate(**update: Any) -> GateResult:
    base: dict[str, Any] = {"id": "g", "kind": "superiority", "metric": "t.m", "model": "m", "severity": "error"}
    base |= {"verdict": "pass", "blocking": True, "sentence": "s", "alpha": 0.05}
    return GateResult(**{**base, **update})


@pytest.mark.parametrize(
    ("margin", "low", "high", "ratio"),
    [
        ("> 0", 0.0, math.inf, False),
        ("> 0.02", 0.02, math.inf, False),
        ("≥ −0.03", -0.03, math.inf, False),
        ("≥ −0.03 bits/byte", -0.03, math.inf, False),
        ("> 0 label units", 0.0, math.inf, False),
        ("2 label units ± 0.5 label units", 1.5, 2.5, False),
        ("≤ 0.15", -math.inf, 0.15, False),
        ("ratio ≤ 1.05", -math.inf, 1.05, True),
        ("0.5 ± 0.05", 0.45, 0.55, False),
        ("± 0.05", -0.05, 0.05, False),
        ("≥ 0.2 and ≤ 0.8", 0.2, 0.8, False),
    ],
)
def test_limits_are_read_from_the_words_of_the_gate(margin: str, low: float, high: float, ratio: bool) -> None:
    limits = limits_of(margin)
    assert limits is not None
    assert (limits.low, limits.high) == (pytest.approx(low), pytest.approx(high))
    assert limits.ratio == ratio


@pytest.mark.parametrize("margin", [None, "", "0 broken items", "something else"])
def test_words_without_a_limit_are_not_drawn(margin: str | None) -> None:
    assert limits_of(margin) is None


@pytest.mark.parametrize(
    ("margin", "low", "point", "high", "passes"),
    [
        ("> 0", 0.01, 0.05, 0.09, True),
        ("> 0", -0.09, -0.05, -0.01, False),
        ("≤ 0.15", 0.02, 0.05, 0.09, True),
        ("≤ 0.15", 0.2, 0.3, 0.4, False),
        ("ratio ≤ 1.05", 1.1, 1.13, 1.14, False),
        ("≥ −0.03", -0.02, 0.0, 0.01, True),
    ],
)
def test_what_passes_lies_right_of_the_line(margin: str, low: float, point: float, high: float, passes: bool) -> None:
    limits = limits_of(margin)
    assert limits is not None
    drawn = bullet(gate(observed=point, low=low, high=high, margin=margin), limits)
    assert drawn is not None
    assert drawn.limits == (LIMIT_AT,)
    assert 0 <= drawn.low <= drawn.point <= drawn.high <= 100
    assert drawn.low > LIMIT_AT if passes else drawn.high < LIMIT_AT


def test_a_band_holds_what_lies_between_its_limits() -> None:
    limits = limits_of("0.5 ± 0.05")
    assert limits is not None
    inside = bullet(gate(kind="target", observed=0.51, low=0.46, high=0.54), limits)
    outside = bullet(gate(kind="target", observed=0.7, low=0.6, high=0.8), limits)
    assert inside is not None
    assert outside is not None
    assert inside.zone[0] < inside.low < inside.point < inside.high < inside.zone[1]
    assert outside.zone[1] < outside.low < outside.high <= 100


def test_a_gate_without_a_figure_is_not_drawn() -> None:
    limits = limits_of("> 0")
    assert limits is not None
    assert bullet(gate(observed=None), limits) is None
    assert bullet(gate(observed=math.nan), limits) is None


def test_a_claim_about_several_figures_names_each_of_them() -> None:
    """A name in brackets may hold a comma; a metric of one evaluation stays one."""
    assert gate(metric="a.acc, b-2.f1[x, y.z], c.squad_f1").metrics == ("a.acc", "b-2.f1[x, y.z]", "c.squad_f1")
    assert gate(metric="a.f1[x, y.z]").metrics == ("a.f1[x, y.z]",)
    assert gate(metric="").metrics == ()
