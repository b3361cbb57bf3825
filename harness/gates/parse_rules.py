"""The `gates` section of a suite → rules, with all its faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from harness.core.errors import Key, Places, Problems, Where, unknown
from harness.schema.suite.gate_rules import (
    COMPOSED_KEYS,
    COMPOSITIONS,
    JOINTS,
    KINDS,
    Composition,
    Defaults,
    GateSet,
    Leaf,
    Rule,
    SlicedRule,
    Waiver,
)
from harness.schema.suite.types import Strict
from harness.schema.validation import in_words, validate

AnyRule = TypeVar("AnyRule", bound=Defaults)

MAX_DEPTH = 4
"""Compositions inside compositions, the outermost counted."""


class GatesSection(Strict):
    """The long form of `gates`; the short form is the list of rules alone."""

    defaults: Defaults = Field(default_factory=Defaults)
    rules: list[Any] = Field(default_factory=list)
    waivers: list[Any] = Field(default_factory=list)


def parse_gates(raw: Any, where: Places) -> GateSet:
    """Validates the `gates` section.

    Args:
        raw: plain data: a list of rules, or {defaults, rules, waivers}; None is no gates.
        where: gives the place of a path of keys below `gates`.

    Raises:
        SuiteError: with every fault that was found, each at its place.
    """
    problems = Problems(where)
    gates = collect_gates(raw, problems)
    problems.raise_any()
    return gates


def collect_gates(raw: Any, problems: Problems, above: Mapping[str, Mapping[str, Any]] | None = None) -> GateSet:
    """As `parse_gates`, but faults go to `problems` and what is sound is returned.

    Args:
        above: rules of policies by id, as plain data: a rule of the same id takes over what it does not write, and
            waivers may name them.
    """
    if raw is None:
        return GateSet()
    source = RuleSource(Defaults(), {}, above or {})
    if isinstance(raw, list):
        return _gates(source, raw, (), [], problems)
    if not isinstance(raw, dict):
        problems.add(f"expected a list of rules, or a mapping with `rules`, found {in_words(raw)}.")
        return GateSet()
    sound = True
    for key in raw:
        if key not in GatesSection.model_fields:
            problems.add(unknown("key", key, GatesSection.model_fields), key, key=True)
            sound = False
    for key in ("rules", "waivers"):
        if key in raw and not isinstance(raw[key], list):
            problems.add(f"expected a list, found {in_words(raw[key])}.", key)
            sound = False
    if not sound:
        return GateSet()
    given = raw.get("defaults") or {}
    defaults = validate(Defaults, given, problems.below("defaults"))
    if defaults is None:
        return GateSet()
    source = RuleSource(defaults, given, above or {})
    return _gates(source, raw.get("rules", []), ("rules",), raw.get("waivers", []), problems)


@dataclass(frozen=True, slots=True)
class RuleSource:
    """What rules take over when they do not say otherwise: validated, as it is written, and of which policy's rule."""

    defaults: Defaults
    given: Mapping[str, Any]
    above: Mapping[str, Mapping[str, Any]]

    def completed(self, raw: Any) -> tuple[Any, dict[str, Any]]:
        """The rule as plain data, and the defaults that hold for it."""
        policy = self.above.get(raw["id"]) if isinstance(raw, dict) and isinstance(raw.get("id"), str) else None
        return (raw, dict(self.given)) if policy is None else ({**policy, **raw}, {})


def _gates(
    source: RuleSource, rules: list[Any], path: tuple[Key, ...], waivers: list[Any], problems: Problems
) -> GateSet:
    sound: dict[str, Rule] = {}
    places: dict[str, Where] = {}
    for index, raw in enumerate(rules):
        here = problems.below(*path, index)
        rule = _rule(*source.completed(raw), here, places, "")
        if rule is None:
            continue
        if rule.id in sound:
            here.add(f"the gate {rule.id!r} is defined twice; the first one is at {places[rule.id]}.", "id")
            continue
        sound[rule.id] = rule
        places[rule.id] = here.where()
    ids = {raw["id"] for raw in rules if isinstance(raw, dict) and isinstance(raw.get("id"), str)}
    waived = _waivers(waivers, ids | set(source.above), problems)
    return GateSet(source.defaults, tuple(sound.values()), waived, places)


def raw_rules(raw: Any) -> dict[str, dict[str, Any]]:
    """The rules of a `gates` section by id, as plain data with the section's defaults."""
    defaults = raw.get("defaults") or {} if isinstance(raw, dict) else {}
    rules = raw.get("rules") if isinstance(raw, dict) else raw
    named = [rule for rule in rules or () if isinstance(rule, dict) and isinstance(rule.get("id"), str)]
    return {rule["id"]: {**defaults, **rule} for rule in named}


def _rule(
    raw: Any, defaults: dict[str, Any], problems: Problems, places: dict[str, Where], path: str, depth: int = 1
) -> Rule | None:
    """A rule or composition; the places of members are noted below `path` and its id."""
    if not isinstance(raw, dict):
        problems.add(f"expected a rule such as {{id, metric, kind, …}}, found {in_words(raw)}.")
        return None
    joint = [key for key in JOINTS if key in raw]
    if joint:
        made: Rule | None = validate(JOINTS[joint[0]], {**defaults, **raw}, problems)
        return None if made is None else _spent(made)
    composed = [key for key in COMPOSITIONS if key in raw]
    if composed:
        return _composition(composed[0], raw, defaults, problems, places, path, depth)
    kind = raw.get("kind")
    known = [*KINDS, *COMPOSITIONS]
    if kind is None:
        problems.add("the key 'kind' is missing.", hint=f"one of {', '.join(KINDS)}; or `all_of`, `any_of` with rules.")
        return None
    if isinstance(kind, str) and kind in COMPOSITIONS:
        problems.add(f"expected the rules themselves: `{kind}: [rule, …]`, found `kind: {kind}`.", "kind")
        return None
    if not isinstance(kind, str) or kind not in KINDS:
        problems.add(unknown("kind of gate", str(kind), known), "kind")
        return None
    model: type[BaseModel] = KINDS[kind]
    rule: Leaf | None = validate(model, {**defaults, **raw}, problems)
    return None if rule is None else _spent(rule)


def _spent(rule: AnyRule) -> AnyRule:
    """The rule at the level that one of several attempts, or one of several looks, is held to."""
    attempts = 1 if rule.alpha_spending is None else rule.alpha_spending.attempts
    times = attempts * (rule.looks if isinstance(rule, SlicedRule) else 1)
    return rule if times == 1 else rule.model_copy(update={"alpha": rule.alpha / times})


def _composition(
    kind: str,
    raw: dict[str, Any],
    defaults: dict[str, Any],
    problems: Problems,
    places: dict[str, Where],
    path: str,
    depth: int,
) -> Composition | None:
    if depth > MAX_DEPTH:
        problems.add(f"expected rules at most {MAX_DEPTH} deep.", kind, key=True)
        return None
    found_rule: Composition | None = validate(COMPOSITIONS[kind], {**defaults, **raw}, problems)
    if found_rule is None:
        return None
    found_rule = _spent(found_rule)
    whole = f"{path}{found_rule.id}/"
    members: dict[str, Rule] = {}
    for index, member in enumerate(found_rule.members):
        here = problems.below(kind, index)
        # What all attempts share is divided once, for the whole.
        given = {key: getattr(found_rule, key) for key in Defaults.model_fields}
        given |= {"id": str(index + 1), "alpha_spending": None}
        if found_rule.model is not None:
            given["model"] = found_rule.model
        rule = None if _misplaced(member, found_rule, here) else _rule(member, given, here, places, whole, depth + 1)
        if rule is None:
            continue
        if rule.id in members:
            here.add(f"the member {rule.id!r} of {found_rule.id!r} is defined twice.", "id")
        members[rule.id] = rule
        places[f"{whole}{rule.id}"] = here.where()
    if len(members) < len(found_rule.members):
        return None
    return found_rule.with_members(list(members.values()))


def _misplaced(member: Any, above: Composition, problems: Problems) -> bool:
    """Notes keys of a member that only its composition may have."""
    wrong = [key for key in COMPOSED_KEYS if isinstance(member, dict) and key in member]
    if isinstance(member, dict) and member.get("correction") == "holm":
        wrong.append("correction")
    for key in wrong:
        hint = f"set it next to `{above.kind}`." if key in COMPOSED_KEYS else "remove it: all slices must pass."
        problems.add(f"{key!r} applies to the whole gate {above.id!r}, not to a member.", key, hint=hint, key=True)
    return bool(wrong)


def _waivers(raws: list[Any], ids: set[str], problems: Problems) -> tuple[Waiver, ...]:
    waivers: list[Waiver] = []
    for index, raw in enumerate(raws):
        here = problems.below("waivers", index)
        waiver = validate(Waiver, raw, here)
        if waiver is None:
            continue
        if waiver.gate not in ids:
            here.add(unknown("gate", waiver.gate, ids), "gate")
        waivers.append(waiver)
    return tuple(waivers)
