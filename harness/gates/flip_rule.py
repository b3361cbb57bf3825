"""`no_flips`: items that the baseline got right and the model gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.core.records import Records
from harness.gates.decision import Outcome
from harness.gates.result_lookup import RefusedError
from harness.schema.results.number_format import whole
from harness.schema.suite.gate_rules import NoFlipsRule

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TagFlips:
    """What broke between two models among the items with a tag (None: among all).

    Attributes:
        n: paired items that count.
        broken: ids of items that were right and are wrong.
        reason: why it could not be counted; then n is 0.
    """

    evaluation: str
    baseline: str
    candidate: str
    tag: str | None
    n: int
    broken: tuple[str, ...]
    reason: str | None = None


def tag_flips(
    base: Sequence[Records], candidate: Sequence[Records], tag: str | None, *, baseline: str, candidate_name: str
) -> TagFlips:
    """Counts what broke, from the statistic `correct`.

    An item that the baseline got right and the model did not answer readably counts as broken. Of several training
    seeds, an item counts as broken where all of the baseline's have it right and any of the model's has it wrong.

    Args:
        base, candidate: the records of every training seed; one for a fixed checkpoint.
    """
    by_seed = [
        _flips_of(first_flips, other, tag, baseline, candidate_name) for first_flips in base for other in candidate
    ]
    fault = next((counted for counted in by_seed if counted.reason is not None), None)
    if fault is not None:
        return fault
    broken: dict[str, None] = {}
    for other in range(len(candidate)):
        of_seed = [set(by_seed[first_index * len(candidate) + other].broken) for first_index in range(len(base))]
        always = set.intersection(*of_seed)
        broken |= dict.fromkeys(item for item in by_seed[other].broken if item in always)
    order = {item: row for row, item in enumerate(base[0].item_ids)}
    return replace(by_seed[0], broken=tuple(sorted(broken, key=order.__getitem__)))


def _flips_of(base: Records, candidate: Records, tag: str | None, baseline: str, candidate_name: str) -> TagFlips:
    evaluation = base.head.evaluation

    def answer(n: int, broken: tuple[str, ...], reason: str | None = None) -> TagFlips:
        return TagFlips(evaluation, baseline, candidate_name, tag, n, broken, reason)

    if "correct" not in base.stat_names or "correct" not in candidate.stat_names:
        return answer(0, (), f"{evaluation} has no correct and incorrect answers")
    right = dict(zip(candidate.item_ids, candidate.ok & (candidate.stat("correct") == 1), strict=True))
    chosen = np.array([tag is None or tag in tags for tags in base.texts("tags")], dtype=np.bool_) & base.ok
    wanted = [item for item, used in zip(base.item_ids, chosen, strict=True) if used]
    missing = [item for item in wanted if item not in right]
    if missing:
        return answer(0, (), f"{candidate_name} lacks {len(missing)} of the {len(wanted)} items")
    was_right = dict(zip(base.item_ids, base.stat("correct") == 1, strict=True))
    return answer(len(wanted), tuple(item for item in wanted if was_right[item] and not right[item]))


def judge_flips(
    rule: NoFlipsRule, flips: Sequence[TagFlips], model: str, baseline: str
) -> tuple[Outcome, str, TagFlips]:
    """pass when nothing broke, fail when something did.

    Raises:
        RefusedError: when it was not counted, or no item has the tag.
    """
    items = f"items tagged {rule.tag!r}" if rule.tag else "items"
    wanted = (rule.evaluation, baseline, model, rule.tag)
    counted = next(
        (entry for entry in flips if (entry.evaluation, entry.baseline, entry.candidate, entry.tag) == wanted), None
    )
    if counted is None:
        raise RefusedError(f"what {model} broke against {baseline} among {items} of {rule.evaluation} was not counted")
    if counted.reason is not None:
        raise RefusedError(counted.reason)
    if counted.n <= 0:
        raise RefusedError(f"{rule.evaluation} has no {items}")
    if not counted.broken:
        return "pass", f"{model} breaks none of the {whole(counted.n)} {items} of {rule.evaluation}.", counted
    shown = ", ".join(counted.broken[:_SHOWN]) + (", …" if len(counted.broken) > _SHOWN else "")
    text = f"{model} breaks {whole(len(counted.broken))} of {whole(counted.n)} {items} of {rule.evaluation}: {shown}."
    return "fail", text, counted
