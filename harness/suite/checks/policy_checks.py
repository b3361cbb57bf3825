"""Holds a suite to its policies: it may add to what they ask, and weaken nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

from harness.core.digests import short
from harness.core.errors import Key, Problems, SuiteError, Where
from harness.data.catalog import catalog_index
from harness.gates.strictness import Floors, changed_keys, looser_keys, raised
from harness.model_kinds.stored_kind import NAME as STORED
from harness.schema.results.number_format import plural
from harness.schema.suite.data_refs import CatalogRef, DataRef, FileRef
from harness.schema.suite.gate_rules import GateSet, RequiredEvaluation, Rule, RuleOrigin
from harness.schema.validation import in_words
from harness.suite.policy import Policy
from harness.suite.sections import Sections
from harness.suite.suite import EvaluationSpec

_AT_LEAST = frozenset({"candidates", "release", "base_variants", "pairs", "metrics"})
"""Lists that a suite may add to; any other list must be the same."""
_STORED_BASELINE = "stored baseline"
"""Below `compare`, for the comparison with `{run, model}`: the baseline, where it is a model of a stored run."""


@dataclass(frozen=True)
class PolicyRule:
    """A rule of a policy, the strictest of those that have its name."""

    rule: Rule
    raw: dict[str, Any]
    policy: Policy

    @property
    def place(self) -> Where:
        return self.policy.gates.places[self.rule.id]


def policy_rules(policies: Sequence[Policy], problems: Problems) -> dict[str, PolicyRule]:
    """The rules of all policies by id; of two with one name the stricter one."""
    rules: dict[str, PolicyRule] = {}
    for policy in policies:
        for rule in policy.gates.rules:
            own, other = PolicyRule(rule, policy.raw[rule.id], policy), rules.get(rule.id)
            if other is None or not looser_keys(rule, other.rule):
                rules[rule.id] = own
            elif looser_keys(other.rule, rule):
                both = (
                    f"the policies {other.policy.name} ({other.place}) and {policy.name} both have the gate {rule.id!r}"
                )
                problems.add_error(
                    SuiteError(f"{both}, and neither is the stricter one in everything.", where=own.place)
                )
    return rules


def hold_gates(
    gates: GateSet, rules: Mapping[str, PolicyRule], policies: Sequence[Policy], problems: Problems
) -> GateSet:
    """The gates of a suite with those of its policies; a suite's rule that is looser than its policy's is a fault.

    Args:
        gates: those of the suite; a rule with a policy's id holds what the suite writes and the policy's for the rest.
        problems: below the suite's `gates`.
    """
    if not policies:
        return gates
    own = {rule.id: rule for rule in gates.rules}
    floors = reduce(Floors.joined, (policy.floors for policy in policies))
    merged: list[Rule] = []
    origins: dict[str, RuleOrigin] = {}
    places = {**{key: place for policy in policies for key, place in policy.gates.places.items()}, **gates.places}
    names = ", ".join(policy.name for policy in policies if policy.floors != Floors())
    for name, asked in rules.items():
        rule = own.pop(name, asked.rule)
        looser = looser_keys(rule, asked.rule)
        if looser:
            text = f"the gate {name!r} is looser than the policy {asked.policy.name} asks ({asked.place}): "
            hint = "make it as strict or stricter, or leave it out: the policy's gate is judged anyway."
            problems.add_error(SuiteError(f"{text}{'; '.join(looser)}.", where=gates.places[name], hint=hint))
        changed = changed_keys(rule, asked.rule)
        held, _ = raised(rule, floors)
        merged.append(held)
        origins[name] = RuleOrigin(asked.policy.name, tuple(f"{text} (by the suite)" for text in changed))
        places |= {key: place for key, place in asked.policy.gates.places.items() if key.split("/")[0] == name}
    for name, rule in own.items():
        held, changes = raised(rule, floors)
        merged.append(held)
        if changes:
            origins[name] = RuleOrigin(None, tuple(f"{text}, by the policy {names}" for text in changes))
    required = {
        name: RequiredEvaluation(name, policy.name) for policy in policies for name in policy.required_evaluations
    }
    return replace(gates, rules=tuple(merged), places=places, origins=origins, required=tuple(required.values()))


def check_waivers(gates: GateSet, policies: Sequence[Policy], problems: Problems, today: date) -> None:
    """Notes waivers that a policy does not allow.

    Args:
        problems: below the suite's `gates`.
    """
    for index, waiver in enumerate(gates.waivers):
        here = problems.below("waivers", index)
        days = (waiver.expires - today).days
        for policy in policies:
            terms = policy.sections.waivers
            theirs = waiver.gate in policy.raw
            if theirs and (terms is None or (terms.gates is not None and waiver.gate not in terms.gates)):
                here.add(f"{waiver.gate!r} is a gate of the policy {policy.name}, which lets nobody waive it.", "gate")
            elif terms is not None and days > terms.max_days:
                allowed = f"the policy {policy.name} allows {plural(terms.max_days, 'day')}"
                here.add(f"the waiver lasts {plural(days, 'day')} more; {allowed}.", "expires")


def check_licenses(sections: Sections, policies: Sequence[Policy], problems: Problems) -> None:
    """Notes data whose license is not stated, or is none that the policies allow."""
    for policy in policies:
        allowed = policy.sections.licenses
        for keys, ref in _references(sections) if allowed is not None else ():
            license = _license(ref)
            if license not in (allowed or ()):
                said = "states no license" if license is None else f"has the license {license!r}"
                problems.add(f"the data {said}; the policy {policy.name} allows {', '.join(allowed or ())}.", *keys)


def _references(sections: Sections) -> Iterator[tuple[tuple[Key, ...], DataRef]]:
    """All data of a suite, the inline ones of its evaluations too, each with its path of keys."""
    for name, ref in sections.data.items():
        yield ("data", name), ref
    for spec in sections.evaluations.values():
        for ref in spec.cls.data_names(spec.options):
            if not isinstance(ref, str):
                yield (f"{spec.role}s", spec.name, spec.kind, "data"), ref


def _license(ref: DataRef) -> str | None:
    if isinstance(ref, FileRef):
        return ref.license
    known = isinstance(ref, CatalogRef) and ref.catalog in catalog_index.names()
    return catalog_index.entry(ref.catalog).license if known and isinstance(ref, CatalogRef) else None


def check_content(sections: Sections, value: Mapping[str, Any], policies: Sequence[Policy], problems: Problems) -> None:
    """Notes data that policies do not allow, and what they require and a suite does not have."""
    check_licenses(sections, policies, problems)
    check_required(value, sections.evaluations, policies, problems)


def check_required(
    value: Mapping[str, Any], evaluations: Mapping[str, EvaluationSpec], policies: Sequence[Policy], problems: Problems
) -> None:
    """Notes what policies require of a suite and what does not stand in it.

    Args:
        value: the suite as plain data, with changes from the command line.
        evaluations: its tasks and probes, whose defaults count as written.
    """
    complete = _with_defaults(value, evaluations)
    for policy in policies:
        for path, expected, actual in _differences(policy.sections.require, complete, ()):
            place = policy.document.where("require", *path)
            asks = f"the policy {policy.name} requires {_dotted(path)}: {_shown(expected)} ({place})"
            problems.add(f"{asks}; found {_shown(actual)}.", *_existing(path, value))


def _with_defaults(value: Mapping[str, Any], evaluations: Mapping[str, EvaluationSpec]) -> dict[str, Any]:
    complete = dict(value)
    for section in ("tasks", "probes"):
        made = {}
        for name, entry in (value.get(section) or {}).items():
            spec = evaluations.get(name)
            options = spec.options.model_dump(mode="json", by_alias=True) if spec is not None else {}
            made[name] = {kind: {**options, **(given or {})} for kind, given in entry.items()} if spec else entry
        complete[section] = made
    compare, models = value.get("compare"), value.get("models")
    if isinstance(compare, dict) and isinstance(models, dict) and isinstance(compare.get("baseline"), str):
        model = models.get(compare["baseline"])
        if isinstance(model, dict) and STORED in model:
            complete["compare"] = {**compare, _STORED_BASELINE: model[STORED]}
    return complete


def _differences(expected: Any, actual: Any, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], Any, Any]]:
    """(path, what is required, what stands there), for everything that differs."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield path, expected, actual
            return
        for key, part in expected.items():
            given = actual.get(key)
            if (*path, key) == ("compare", "baseline") and isinstance(part, dict):
                given = actual.get(_STORED_BASELINE, given)
            yield from _differences(part, given, (*path, str(key)))
    elif isinstance(expected, list) and path and path[-1] in _AT_LEAST:
        if not isinstance(actual, list) or any(entry not in actual for entry in expected):
            yield path, expected, actual
    elif expected != actual:
        yield path, expected, actual


def _existing(path: tuple[Key, ...], value: Any) -> tuple[Key, ...]:
    kept: list[Key] = []
    for key in path:
        if not isinstance(value, dict) or key not in value:
            break
        kept.append(key)
        value = value[key]
    return tuple(kept)


def _dotted(path: Sequence[Key]) -> str:
    return ".".join(map(str, path))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "nothing" if value is None else in_words(value).removeprefix("the number ").removeprefix("the text ")


def check_fingerprints(policies: Sequence[Policy], fingerprints: Mapping[str, str], *, partial: bool = False) -> None:
    """Holds the rows that are there to those that policies name.

    Args:
        fingerprints: data by name → fingerprint of its rows.
        partial: data may be missing: `--only` left out what asks about them, and the gates on it are errors.

    Raises:
        SuiteError: with every difference.
    """
    faults = [
        f"the policy {policy.name} names rows with the fingerprint {short(wanted)} for the data {name!r}; found "
        + (short(fingerprints[name]) if name in fingerprints else "no such data")
        for policy in policies
        for name, wanted in policy.sections.fingerprints.items()
        if not fingerprints.get(name, "").startswith(wanted) and not (partial and name not in fingerprints)
    ]
    if faults:
        raise SuiteError(
            f"{faults[0]}; nothing is judged on other rows.",
            notes=faults[1:],
            hint="restore the data, leave out no rows (`trained_on`), or have the policy's `fingerprints` changed.",
        )


def today() -> date:
    """The day that waivers are measured from, in UTC."""
    return datetime.now(UTC).date()
