"""`harness run --until-decided`: asks in batches, and stops when every blocking gate is decided.

Gates with `sequential: true` may be judged at every number of items, so stopping by their verdict costs nothing; those
with `sequential: {looks: 3}` have paid for as many. Items come in the order in which limits keep them (whole clusters
by hash), which knows nothing of answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.errors import SuiteError, Where
from harness.core.reporter import Reporter
from harness.pipeline.prepared_suite import PreparedSuite, bind
from harness.schema.results.number_format import plural, whole
from harness.schema.results.results_file import LooksResult, Results
from harness.schema.results.verdicts import GateResult
from harness.schema.suite.gate_rules import Composition, Leaf, SlicedRule, leaves

if TYPE_CHECKING:
    from harness.suite.suite import Suite

_GROWTH = 1.2
"""Each look sees so many times the items of the one before: items are saved by more looks, time by fewer."""


def batched_evaluations(suite: Suite) -> dict[str, int]:
    """The evaluations that are asked in batches, with the items of the first: those of blocking sequential gates.

    Raises:
        SuiteError: when there is none, or when another gate on one of them may be judged only once.
    """
    batched: dict[str, int] = {}
    for leaf in suite.gates.leaves:
        if isinstance(leaf, SlicedRule) and leaf.sequential and leaf.severity == "error":
            batched[leaf.evaluation] = max(batched.get(leaf.evaluation, 1), leaf.min_n)
    where = Where(suite.path)
    if not batched:
        raise SuiteError(
            "`--until-decided` stops when blocking gates are decided, and none has `sequential`.",
            where=where,
            hint="add `sequential: true` to the gates that may be judged as often as one likes.",
        )
    fixed = [leaf for leaf in suite.gates.leaves if leaf.evaluation in batched and not _may_look(leaf)]
    if fixed:
        names = ", ".join(dict.fromkeys(f"{leaf.id} ({leaf.metric})" for leaf in fixed))
        raise SuiteError(
            f"`--until-decided` judges several times, and {plural(len(fixed), 'gate')} on the same items may be judged "
            f"only once: {names}.",
            where=suite.gates.places.get(fixed[0].id, where),
            hint="add `sequential: true` to them, or give them an evaluation of their own.",
        )
    return batched


def _may_look(leaf: Leaf) -> bool:
    return isinstance(leaf, SlicedRule) and bool(leaf.sequential)


def _growth(suite: Suite, first: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, float]:
    """Evaluation → how many times the items of a look the next one sees; the last look of few sees all items."""
    few = [leaf.looks for leaf in suite.gates.leaves if isinstance(leaf, SlicedRule) and leaf.evaluation in first]
    looks = min((times for times in few if times > 1), default=None)
    if looks is None:
        return dict.fromkeys(first, _GROWTH)
    return {name: max(_GROWTH, (sizes[name] / least) ** (1 / (looks - 1))) for name, least in first.items()}


def look_until_decided(
    prepared: PreparedSuite, sizes: Mapping[str, int], look: Callable[[PreparedSuite], Results], reporter: Reporter
) -> Results:
    """Looks at more and more items until every blocking gate is decided or no item is left.

    Args:
        sizes: evaluation → all of its items.
        look: asks the items of a suite that are not answered yet, and judges.
    """
    suite = prepared.suite
    first = {name: least for name, least in batched_evaluations(suite).items() if name in sizes}
    growth = _growth(suite, first, sizes)
    limits = {name: min(sizes[name], least) for name, least in first.items()}
    looks = 0
    while True:
        part = replace(prepared, evaluations=bind(suite, prepared.datasets, limits=limits))
        results = look(part)
        looks += 1
        undecided = sorted(_undecided(suite, results) & limits.keys())
        growing = [name for name in undecided if limits[name] < sizes[name]]
        shown = ", ".join(f"{name} {whole(limits[name])} of {whole(sizes[name])}" for name in limits)
        reporter.info(
            f"look {looks} ({shown} items): {f'undecided: {chr(44).join(undecided)}' if undecided else 'decided'}"
        )
        if not growing:
            return _with_looks(results, looks, sizes, undecided)
        limits |= {name: min(sizes[name], math.ceil(limits[name] * growth[name])) for name in growing}


def _undecided(suite: Suite, results: Results) -> set[str]:
    """Evaluations that a blocking gate without a verdict reads."""
    names = {result.id for result in results.gates if _open(result)}
    rules = [rule for rule in suite.gates.rules if rule.id in names]
    of_rules = [leaf for rule in rules for leaf in (leaves(rule) if isinstance(rule, Composition) else [rule])]
    return {leaf.evaluation for leaf in of_rules}


def _open(result: GateResult) -> bool:
    return result.verdict == "inconclusive" and result.severity == "error" and not result.waiver_holds


def _with_looks(results: Results, looks: int, sizes: Mapping[str, int], undecided: list[str]) -> Results:
    evaluations = {evaluation.name: evaluation for evaluation in results.evaluations}
    batched = [name for name in sizes if name in evaluations and evaluations[name].n <= sizes[name]]
    asked = {name: evaluations[name].n for name in batched}
    saved = sum((sizes[name] - asked[name]) * len(evaluations[name].protocols) for name in batched)
    every = sum(sizes[name] * len(evaluations[name].protocols) for name in batched)
    share = f" ({saved / every:.0%} of {whole(every)})" if saved else ""
    sentence = f"Judged {plural(looks, 'time')}, by bounds that allow for it; "
    sentence += f"{whole(saved)} answers{share} were not needed."
    if undecided:
        sentence += f" All items are asked, and gates on {', '.join(undecided)} are not decided."
    told = LooksResult(
        looks=looks, asked=asked, available={name: sizes[name] for name in batched}, saved=saved, undecided=undecided,
        sentence=sentence,
    )  # fmt: skip
    return results.model_copy(update={"looks": told, "notes": [sentence, *results.notes]})
