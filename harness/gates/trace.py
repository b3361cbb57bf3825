"""A verdict with the reasons it was reached by: what reports show, and what `explain` puts into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from harness.gates.criterion import Criterion
from harness.gates.decision import Outcome
from harness.gates.flip_rule import TagFlips
from harness.gates.result_lookup import RefusedError, ResultLookup
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.number_format import plural
from harness.schema.results.verdicts import GateResult
from harness.schema.suite.gate_rules import BaseRule, Composition, GateSet, Rule, RuleOrigin, SlicedRule, waiver_of

AnyRule = Rule | BaseRule
"""A rule, or what stands for an evaluation that a policy requires and that is missing."""


@dataclass(frozen=True, slots=True)
class GateTrace:
    """The verdict of a rule on a model.

    Attributes:
        criterion: what was decided, with interval and limits; None for errors, `no_flips` and compositions.
        flips: what `no_flips` counted.
        members: the gate_traces below a composition.
        error, hint: why nothing could be judged, and what to do about it.
    """

    rule: AnyRule
    result: GateResult
    criterion: Criterion | None = None
    flips: TagFlips | None = None
    members: tuple[GateTrace, ...] = ()
    error: str | None = None
    hint: str = ""

    @property
    def outcome(self) -> Outcome:
        return self.result.verdict

    def as_member(self) -> GateTrace:
        """The same as a member: it blocks through its composition alone, and its waiver is that one's."""
        changes = {"blocking": False, "waiver": None, "waiver_holds": None}
        return replace(self, result=self.result.model_copy(update=changes))


@dataclass(frozen=True, slots=True)
class JudgmentContext:
    """What a judgment is made from, the same for all rules.

    Attributes:
        baseline: compared with when neither a rule nor its evaluation names another one (an
            evaluation's `baseline` is the best way of the base to answer it).
        today: the day that waivers are held against.
        flips: what broke among tagged items, for `no_flips` (see `tag_flips`).
        attempt: which attempt under one lock file is judged; None where none are counted.
        joint: (title of a joint rule, model) → the row of all of its parts.
        path: the composition whose members are judged, such as `gain/`; empty at the top.
    """

    gates: GateSet
    lookup: ResultLookup
    baseline: str
    today: date
    flips: Sequence[TagFlips] = ()
    path: str = ""
    attempt: int | None = None
    joint: Mapping[tuple[str, str], ComparisonResult] = field(default_factory=dict)

    def below(self, rule: Composition) -> JudgmentContext:
        return replace(self, path=f"{self.path}{rule.id}/")

    def result(self, rule: AnyRule, model: str | None, outcome: Outcome, sentence: str, **more: Any) -> GateResult:
        """The result of a rule, with severity, waiver and place filled in."""
        waiver, holds = waiver_of(self.gates, rule.id, model, self.today)
        softened = outcome == "inconclusive" and rule.on_inconclusive == "warn"
        place = self.gates.places.get(f"{self.path}{rule.id}")
        origin = RuleOrigin() if self.path else self.gates.origins.get(rule.id, RuleOrigin())
        return GateResult.model_validate(
            {
                "id": rule.id,
                "kind": rule.kind,
                "metric": rule.metric if isinstance(rule, BaseRule) else "",
                "model": model,
                "slice": rule.slice if isinstance(rule, SlicedRule) else None,
                "severity": rule.severity,
                "verdict": outcome,
                "blocking": rule.severity == "error" and not holds and not softened,
                "sentence": sentence,
                "alpha": rule.alpha,
                "waiver": waiver,
                "waiver_holds": None if waiver is None else holds,
                "attempt": self.attempt if rule.alpha_spending is not None else None,
                "where": f"{Path(place.file).name}:{place.line}" if place is not None else None,
                "policy": origin.policy,
                "changes": list(origin.changes),
                **more,
            }
        )

    def overspent(self, rule: Rule) -> RefusedError | None:
        """Why an attempt has no share of alpha left to be judged with."""
        spending = rule.alpha_spending
        if spending is None:
            return None
        if self.attempt is None:
            return RefusedError(
                f"`alpha_spending` shares alpha by {plural(spending.attempts, 'attempt')}, which no lock file counts",
                "write a lock file with `harness lock SUITE`, commit it, and run with it.",
            )
        if self.attempt > spending.attempts:
            return RefusedError(
                f"this is attempt {self.attempt}, and alpha was shared among {plural(spending.attempts, 'attempt')}",
                "collect new items and write a new lock file; further tries on the same items may pass by luck.",
            )
        return None

    def refused(
        self,
        rule: AnyRule,
        model: str | None,
        why: RefusedError | str,
        baseline: str | None = None,
        **more: Any,
    ) -> GateTrace:
        """A trace for what cannot be judged."""
        reason, hint = str(why), why.hint if isinstance(why, RefusedError) else ""
        undecided = isinstance(why, RefusedError) and why.open
        sentence = f"{'Undecided' if undecided else 'Cannot be judged'}: {reason.rstrip('.')}."
        outcome: Outcome = "inconclusive" if undecided else "error"
        result = self.result(rule, model, outcome, sentence, baseline=baseline, **more)
        return GateTrace(rule, result, error=reason, hint=hint)
