"""Limits held against the metric: those that no model can miss, that none can reach, or that reward the worse one.

A limit of this kind is a slip (`margin: 3` for 3 points, `min` for `max`): its gate is green or red whatever the
model does. So it is an error of the suite at its line, and of the gate where there is no suite to check.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.metric import Direction, Role, unit_of
from harness.schema.suite.gate_rules import (
    AbsoluteRule,
    EquivalenceRule,
    Leaf,
    NonInferiorityRule,
    Ratio,
    SuperiorityRule,
    TargetRule,
)
from harness.schema.suite.written_limits import WrittenShare

_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class LimitScale:
    """What a limit is held against.

    Attributes:
        low, high: between these the metric's levels lie; infinite where no end is known.
        role: only a metric that answers its evaluation's question has a side that is bad for certain.
    """

    unit: str
    direction: Direction
    ideal: float | None
    low: float
    high: float
    role: Role = "primary"


@dataclass(frozen=True, slots=True)
class LimitFault:
    """What is wrong with the limit at a key of a rule."""

    key: str
    text: str
    hint: str | None = None


def limit_faults(rule: Leaf, scale: LimitScale) -> Iterator[LimitFault]:
    """The limits of a rule that its metric makes meaningless."""
    for key in ("margin", "min", "max", "ideal"):
        written = getattr(rule, key, None)
        if isinstance(written, WrittenShare) and not unit_of(scale.unit).fraction:
            yield _no_share(rule, key, written, scale)
            return
    if isinstance(rule, AbsoluteRule):
        yield from _out_of_range(rule, scale)
        yield from _against_direction(rule, scale)
    elif isinstance(rule, TargetRule):
        yield from _target(rule, scale)
    elif isinstance(rule, SuperiorityRule | NonInferiorityRule | EquivalenceRule):
        yield from _change(rule, scale)


def _no_share(rule: Leaf, key: str, written: WrittenShare, scale: LimitScale) -> LimitFault:
    hint = f"write the limit in {scale.unit}" if scale.unit else "write the limit as a number"
    if isinstance(rule, NonInferiorityRule):
        hint += ", or one relative to the baseline as `{ratio: 1.02}`"
    unit = f" ({scale.unit})" if scale.unit else ""
    text = f"`{written.text}` means {float(written):g} of a share, and {rule.metric}{unit} is no share."
    return LimitFault(key, text, f"{hint}.")


def _change(rule: SuperiorityRule | NonInferiorityRule | EquivalenceRule, scale: LimitScale) -> Iterator[LimitFault]:
    if isinstance(rule.margin, Ratio) or rule.margin < scale.high - scale.low - _NOISE:
        return
    verb = "exceed" if isinstance(rule, SuperiorityRule) else "miss"
    text = f"{_range(rule.metric, scale)}, so no model can {verb} a margin of {rule.margin:g}."
    yield LimitFault("margin", text, _as_share("margin", rule.margin, scale))


def _out_of_range(rule: AbsoluteRule, scale: LimitScale) -> Iterator[LimitFault]:
    low, high = rule.min, rule.max
    misses = (
        ("min", low, low is not None and low <= scale.low),
        ("max", high, high is not None and high >= scale.high),
    )
    reaches = (("min", low, low is not None and low > scale.high), ("max", high, high is not None and high < scale.low))
    for verb, cases in (("miss", misses), ("reach", reaches)):
        for key, value, wrong in cases:
            if wrong and value is not None:
                text = f"{_range(rule.metric, scale)}, so no model can {verb} `{key}: {value:g}`."
                yield LimitFault(key, text, _as_share(key, value, scale))


def _against_direction(rule: AbsoluteRule, scale: LimitScale) -> Iterator[LimitFault]:
    """One limit alone, on the side where the metric is good. Two are a band, which is meant."""
    key, other = ("max", "min") if rule.min is None else ("min", "max")
    band = rule.min is not None and rule.max is not None
    good = {"min": "lower", "max": "higher"}[key]
    if band or scale.role != "primary" or scale.direction != good:
        return
    text = f"{rule.metric} is better {good}, so `{key}` alone would pass the worse models and fail the better ones."
    yield LimitFault(key, text, f"use `{other}`.")


def _target(rule: TargetRule, scale: LimitScale) -> Iterator[LimitFault]:
    ideal = rule.ideal if rule.ideal is not None else scale.ideal
    if ideal is None:
        return
    if not scale.low <= ideal <= scale.high:
        text = f"{_range(rule.metric, scale)}, so its ideal cannot be {ideal:g}."
        yield LimitFault("ideal", text, _as_share("ideal", ideal, scale))
    elif ideal - rule.margin <= scale.low + _NOISE and ideal + rule.margin >= scale.high - _NOISE:
        text = f"{_range(rule.metric, scale)}, so no model can miss {ideal:g} ± {rule.margin:g}."
        yield LimitFault("margin", text, _as_share("margin", rule.margin, scale))


def _range(metric: str, scale: LimitScale) -> str:
    if math.isinf(scale.high):
        return f"{metric} is at least {scale.low:g}"
    return f"{metric} lies between {scale.low:g} and {scale.high:g}"


def _as_share(key: str, value: float, scale: LimitScale) -> str | None:
    """What was probably meant: a percentage, where the metric is a share."""
    if not unit_of(scale.unit).fraction or value <= 1:
        return None
    return f"a share takes `{key}: {value / 100:g}` or `{key}: {value:g}%`."
