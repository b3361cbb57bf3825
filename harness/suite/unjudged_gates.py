"""Gates of policies that cannot judge what the command line changed: each is an error, and none is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from harness.schema.suite.gate_rules import LeftOutGate, leaves, models_of
from harness.suite.suite import Suite

SuiteT = TypeVar("SuiteT", bound=Suite)

RELABELED = "`harness relabel` changed labels"
_FREE = frozenset({"name", "title", "description", "seed", "texts", "gates"})
"""Sections that `--set` may change under a policy: they decide no figure, or are held to the policy themselves."""


def without_changed(
    suite: SuiteT, overrides: Mapping[str, Any], limit: int | None, further: Sequence[str] = ()
) -> SuiteT:
    """The suite whose policies' gates are left out where the command line changed what they judge.

    Args:
        overrides: changes from the command line, as run.json has them.
        limit: at most this many items of each evaluation.
        further: what else was changed, in words.
    """
    if not suite.policies:
        return suite
    changes = [*_changes(suite, overrides, limit), *further]
    if not changes:
        return suite
    left_out = [
        LeftOutGate(rule, model, f"{'; '.join(changes)}; the policy {origin.policy} judges the suite as it is written")
        for rule in suite.gates.rules
        if (origin := suite.gates.origins.get(rule.id)) is not None and origin.policy is not None
        for model in models_of(rule, suite.release)
    ]
    return replace(suite, gates=suite.gates.narrowed(left_out, suite.release))


def _changes(suite: Suite, overrides: Mapping[str, Any], limit: int | None) -> Iterator[str]:
    fixed = _fixed_models(suite)
    if limit is not None:
        yield f"`--limit {limit}` evaluates a part of the items"
    for name in sorted(fixed & set(overrides.get("models", {}))):
        yield f"`--model {name}=…` replaces what candidates are compared with"
    if "baseline_run" in overrides and not _requires_stored_baseline(suite):
        yield f"`--baseline-run {overrides['baseline_run']['run']}` replaces the baseline"
    for key in overrides.get("set", {}):
        section, _, rest = key.partition(".")
        if section not in _FREE and (section != "models" or rest.partition(".")[0] in ("", *fixed)):
            yield f"`--set {key}=…` changes what is judged"


def _fixed_models(suite: Suite) -> set[str]:
    """The models that candidates are compared with, and those that they are made from."""
    named = [suite.compare.baseline, *suite.compare.base_variants]
    leaf_rules = (leaf for rule in suite.gates.rules for leaf in leaves(rule))
    named += [baseline for leaf in leaf_rules if (baseline := leaf.compared_with) is not None]
    fixed: set[str] = set()
    for start in named:
        name: str | None = start
        while name is not None and name not in fixed:
            fixed.add(name)
            name = suite.models[name].parent if name in suite.models else None
    return fixed


def _requires_stored_baseline(suite: Suite) -> bool:
    """Whether a policy names the stored baseline itself; that it is this one is checked with all that it requires."""
    compares = (policy.sections.require.get("compare") or {} for policy in suite.policies)
    return any(isinstance(compare.get("baseline"), dict) for compare in compares)
