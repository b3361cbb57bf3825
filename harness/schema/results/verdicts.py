"""Verdicts of gates, and of the whole run."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from harness.core.metric import Counted
from harness.schema.results.base import Result, Verdict

_NEXT_METRIC = re.compile(r", (?![^\[]*\])(?=[a-z0-9][a-z0-9_-]*\.)")
"""Where the next of several figures begins in `metric`; what stands in brackets may hold commas, too."""


class GateResult(Result):
    """The verdict of one gate on one model.

    Attributes:
        verdict: pass, fail, inconclusive or error, before severity and waivers.
        blocking: whether it decides the exit code (severity error and no valid waiver).
        sentence: one plain sentence with the numbers.
        observed, bound, margin: what was compared, in the metric's unit (or as a ratio).
        low, high: one-sided bounds of `observed` at `alpha`, each on its own.
        n, clusters, n_eff: items, independent clusters and effective items behind it.
        counted: what `n` counts: items, or blocks of timings.
        required_n: items that would probably decide an inconclusive gate.
        waiver_holds: False for a waiver that has expired; None without one.
        where: `file:line` of the rule in the suite, or in the policy that it is from.
        policy: the policy that the rule is from; None for a rule of the suite.
        changes: what the suite made stricter of a policy's rule, or a policy of the suite's, in words.
        doubt: why a verdict that its figures would pass is inconclusive: rows may have been trained on.
        sequential: its bounds hold at every number of items at once.
        worst_case: its bounds hold whatever the missing answers are.
        attempt: which of the attempts that share alpha it is; None without `alpha_spending`.
        bound_holds: what `harness selftest` found of the bound on the run's own records; None before, or where it could
            not be told.
        left_out: `--only` left nothing to judge it on; its verdict is an error.
        members: of a composition (kind `all_of`, `any_of`): the verdict of each member, with `id` its own name in
            the composition; they block through the composition alone.
    """

    id: str
    kind: str
    metric: str
    model: str | None
    baseline: str | None = None
    slice: str | None = None
    severity: Literal["error", "warn"]
    verdict: Literal["pass", "fail", "inconclusive", "error"]
    blocking: bool
    sentence: str
    observed: float | None = None
    bound: float | None = None
    low: float | None = None
    high: float | None = None
    margin: str | None = None
    alpha: float
    n: int | None = None
    clusters: int | None = None
    n_eff: float | None = None
    counted: Counted = "items"
    mde: float | None = None
    required_n: int | None = None
    waiver: str | None = None
    waiver_holds: bool | None = None
    where: str | None = None
    policy: str | None = None
    changes: list[str] = Field(default_factory=list)
    doubt: str | None = None
    sequential: bool = False
    worst_case: bool = False
    attempt: int | None = None
    bound_holds: bool | None = None
    left_out: bool = False
    members: list[GateResult] = Field(default_factory=list)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The figures that it is about: several where one claim is about several evaluations."""
        return tuple(_NEXT_METRIC.split(self.metric)) if self.metric else ()


class VerdictResult(Result):
    overall: Verdict
    exit_code: int
    sentence: str
    counts: dict[str, int] = Field(default_factory=dict)
