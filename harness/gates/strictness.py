"""Which of two rules about the same thing is looser, and in what; and rules raised to the least that is asked of them.

A key that has no order here must be the same in both rules: what cannot be compared counts as looser.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.schema.suite.gate_rules import AllOfRule, AlphaSpending, AnyOfRule, Composition, JointRule, Ratio, Rule

_UNORDERED = frozenset({"id", "kind", "all_of", "any_of"})
"""Compared on their own, or no part of what a rule asks."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The least that is asked of every rule; None where nothing is."""

    min_n: int | None = None
    min_coverage: float | None = None
    max_alpha: float | None = None

    def joined(self, other: Floors) -> Floors:
        """The stricter one of each."""
        return Floors(
            _of_both(max, self.min_n, other.min_n),
            _of_both(max, self.min_coverage, other.min_coverage),
            _of_both(min, self.max_alpha, other.max_alpha),
        )


def _of_both(choose: Callable[..., Any], first: Any, second: Any) -> Any:
    given = [value for value in (first, second) if value is not None]
    return choose(given) if given else None


Difference = tuple[str, bool]
"""What differs in words, and whether it asks less."""


def looser_keys(rule: Rule, than: Rule) -> list[str]:
    """In what a rule asks less than another one of the same name, in words; empty where it asks as much or more.

    Args:
        than: the rule that must not be weakened.
    """
    return [text for text, looser in _differences(rule, than, "") if looser]


def changed_keys(rule: Rule, than: Rule) -> list[str]:
    """All that differs between a rule and another one of the same name, in words."""
    return [text for text, _ in _differences(rule, than, "")]


def _differences(rule: Rule, than: Rule, path: str) -> Iterator[Difference]:
    if type(rule) is not type(than):
        yield f"{path}{rule.kind} in place of {than.kind}", True
        return
    for key in type(rule).model_fields:
        own, other = getattr(rule, key), getattr(than, key)
        if key not in _UNORDERED and own != other:
            order = _ORDERS.get(key)
            yield f"{path}{key} {_shown(own)} in place of {_shown(other)}", order is None or order(than, own, other)
    if isinstance(rule, AllOfRule | AnyOfRule) and isinstance(than, Composition):
        yield from _member_differences(rule, than, path)


def _member_differences(rule: Composition, than: Composition, path: str) -> Iterator[Difference]:
    own = {member.id: member for member in rule.members}
    for member in than.members:
        if member.id not in own:
            yield f"{path}the member {member.id} is missing", True
        else:
            yield from _differences(own.pop(member.id), member, f"{path}{member.id}: ")
    for name in own:
        yield f"{path}the member {name} is added", isinstance(rule, AnyOfRule)


def _more(_: Rule, own: Any, other: Any) -> bool:
    return bool(own > other)


def _less(_: Rule, own: Any, other: Any) -> bool:
    return bool(own < other)


def _only(word: Any) -> Callable[[Rule, Any, Any], bool]:
    """Looser where the rule says this word, which is the loosest of its key."""
    return lambda _, own, other: bool(own == word)


def _spending(_: Rule, own: AlphaSpending | None, other: AlphaSpending | None) -> bool:
    return other is not None and (own is None or own.attempts > other.attempts)


def _minimum(_: Rule, own: float | None, other: float | None) -> bool:
    return other is not None and (own is None or own < other)


def _maximum(_: Rule, own: float | None, other: float | None) -> bool:
    return other is not None and (own is None or own > other)


def _margin(rule: Rule, own: Any, other: Any) -> bool:
    if isinstance(own, Ratio) and isinstance(other, Ratio):
        allowed, before = math.log(own.ratio), math.log(other.ratio)
        return allowed * before < 0 or abs(allowed) > abs(before)
    if isinstance(own, Ratio) or isinstance(other, Ratio):
        return True
    claim = rule.claim if isinstance(rule, JointRule) else rule.kind
    return bool(own < other if claim == "superiority" else own > other)


_ORDERS: dict[str, Callable[[Rule, Any, Any], bool]] = {
    "alpha": _more,
    "min_n": _less,
    "min_coverage": _less,
    "severity": _only("warn"),
    "on_inconclusive": _only("warn"),
    "missing": _only("complete_case"),
    "sequential": _only(False),
    "bound": _only("point"),
    "alpha_spending": _spending,
    "min": _minimum,
    "max": _maximum,
    "margin": _margin,
}


def _shown(value: Any) -> str:
    if isinstance(value, Ratio):
        return f"{{ratio: {value.ratio:g}}}"
    if isinstance(value, AlphaSpending):
        return f"{{attempts: {value.attempts}}}"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def raised(rule: Rule, floors: Floors) -> tuple[Rule, list[str]]:
    """The rule with at least what is asked of every rule, and what that changed of it in words."""
    changes: dict[str, Any] = {}
    if floors.min_n is not None and rule.min_n < floors.min_n:
        changes["min_n"] = floors.min_n
    if floors.min_coverage is not None and rule.min_coverage < floors.min_coverage:
        changes["min_coverage"] = floors.min_coverage
    if floors.max_alpha is not None and rule.alpha > floors.max_alpha:
        changes["alpha"] = floors.max_alpha
    words = [f"{key} {value:g} ({getattr(rule, key):g} in the suite)" for key, value in changes.items()]
    if isinstance(rule, AllOfRule | AnyOfRule):
        members = [raised(member, floors)[0] for member in rule.members]
        return rule.with_members(members).model_copy(update=changes), words
    return rule.model_copy(update=changes), words
