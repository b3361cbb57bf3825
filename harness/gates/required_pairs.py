"""What a run must compute so that its gates can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates.result_lookup import baseline_of
from harness.schema.results.inputs import EvaluationResult
from harness.schema.suite.gate_rules import GateSet, NoFlipsRule


@dataclass(frozen=True, slots=True)
class RequiredPair:
    """Two models that a gate compares on an evaluation.

    Attributes:
        flips: what broke must be counted too (`tag_flips`), among the items with `tag` (None: all).
    """

    evaluation: str
    baseline: str
    candidate: str
    flips: bool = False
    tag: str | None = None


def required_pairs(
    gates: GateSet, evaluations: Sequence[EvaluationResult], *, release: Sequence[str], baseline: str
) -> list[RequiredPair]:
    """Every comparison that a gate reads, in the order of the gates, each once."""
    known = {evaluation.name: evaluation for evaluation in evaluations}
    pairs: dict[RequiredPair, None] = {}
    for rule in gates.leaves:
        against = baseline_of(rule, known.get(rule.evaluation), baseline)
        if against is None:
            continue
        for model in [rule.model] if rule.model is not None else release:
            flips = isinstance(rule, NoFlipsRule)
            tag = rule.tag if isinstance(rule, NoFlipsRule) else None
            if model != against:
                pairs[RequiredPair(rule.evaluation, against, model, flips, tag)] = None
    return list(pairs)
