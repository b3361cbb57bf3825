"""Inference cost per 1,000 items, and how many items pay for a fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Costs = dict[str, dict[str, dict[str, Any]]]


def request_costs(
    asking: Mapping[str, Mapping[str, float]],
    items: Mapping[str, int],
    trained: Mapping[str, float],
    parents: Mapping[str, str | None],
    *,
    threads: int,
    work: Mapping[tuple[str, str], Mapping[str, float]] | None = None,
) -> Costs:
    """evaluation → model → `seconds_per_1000`, `energy_wh_per_1000` and, for trained models, `break_even`.

    Where the forward passes were counted also `flops_per_1000` and `tokens_per_1000` (tokens that went through
    the model, padding included), and `peak_memory` where it was measured.

    `break_even` is the number of items at which a model and its training have taken as long as asking
    the model that it was trained from (zero-shot, or with the task's own prompt); None when its
    answers are no faster, so that it never pays in time. Times are those of this machine and of whole
    batches; the energy is an estimate from stated assumptions.

    Args:
        asking: evaluation → model → seconds of asking all items.
        items: evaluation → number of items.
        trained: model → seconds of its own training, with all its seeds.
        parents: model → the model that it was trained from.
        threads: CPU threads in use.
        work: (evaluation, model) → `tokens`, `flops`, `peak_memory` of asking all items, each where it is known.
    """
    from harness.pipeline.energy_estimate import estimate

    costs: Costs = {}
    for evaluation, by_model in asking.items():
        n = items.get(evaluation, 0)
        if n < 1:
            continue
        costs[evaluation] = {}
        for model, seconds in by_model.items():
            thousand = 1000 * seconds / n
            energy = estimate(thousand, threads=threads, memory=0.0)
            cost: dict[str, Any] = {
                "seconds_per_1000": round(thousand, 6),
                "energy_wh_per_1000": energy["energy_wh"],
                "energy_assumed": energy["energy_assumed"],
            }
            counted = (work or {}).get((evaluation, model), {})
            for name in ("flops", "tokens"):
                if name in counted:
                    cost[f"{name}_per_1000"] = round(1000 * counted[name] / n)
            if "peak_memory" in counted:
                cost["peak_memory"] = int(counted["peak_memory"])
            parent = parents.get(model)
            if parent is not None and parent in by_model and model in trained:
                cost["against"] = parent
                cost["break_even"] = break_even(trained[model], seconds / n, by_model[parent] / n)
            costs[evaluation][model] = cost
    return costs


def break_even(training: float, own: float, other: float) -> int | None:
    """Items after which `training` seconds are made up for, at `own` seconds an item instead of `other`."""
    return math.ceil(training / (other - own)) if other > own else None
