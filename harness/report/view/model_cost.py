"""What a model cost, from its checkpoint's facts and what the run measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.schema.results.inputs import ModelResult


@dataclass(frozen=True, slots=True)
class Cost:
    """Figures that are unknown are None; texts that are unknown are empty.

    Attributes:
        seconds: of all `seeds` that were trained; every other figure is of the first one.
    """

    goal: str
    objective: str
    data: tuple[str, ...]
    items: float | None
    tokens: float | None
    steps: float | None
    flops: float | None
    parameters: float | None
    trainable: float | None
    bytes: float | None
    seed: int | None
    final_loss: float | None
    seconds: float | None
    tokens_per_second: float | None
    peak_memory: float | None
    seeds: int = 1


def cost_of(model: ModelResult, measured: Mapping[str, Any]) -> Cost:
    """Reads `training` as checkpoints write it (costs under `cost`, the spec under `stage`) or flat."""
    page = model.training
    cost, stage, recipe = (_mapping(page.get(key)) for key in ("cost", "stage", "recipe"))
    every = {**page, **cost}
    sizes = _mapping(every.get("parameters"))
    total = sizes.get("total") if sizes else every.get("parameters")
    trainable = sizes.get("trainable") if sizes else every.get("trainable")
    objective = str(page.get("objective") or stage.get("objective") or _method(stage))
    data = page.get("data")
    seed = page.get("seed")
    return Cost(
        goal=str(page.get("goal") or ""),
        objective=objective,
        data=tuple(str(name) for name in data) if isinstance(data, dict | list | tuple) else (),
        items=_number(next((value for key in ("items", "rows") if (value := {**recipe, **every}.get(key))), None)),
        tokens=_number(every.get("tokens")),
        steps=_number(every.get("steps")),
        flops=_number(every.get("flops")),
        parameters=_number(total),
        trainable=_number(trainable),
        bytes=_number(every.get("bytes")),
        seed=seed if isinstance(seed, int) else None,
        final_loss=_number(every.get("final_loss", measured.get("loss"))),
        seconds=_number(measured.get("seconds")),
        tokens_per_second=_number(measured.get("tokens_per_second")),
        peak_memory=_number(measured.get("peak_memory")),
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """What asking 1,000 items of an evaluation cost a model; what was not measured is None.

    Attributes:
        spread: seconds by the slowest and the fastest speed (tokens per second) that the model had in any evaluation
            of the run; None where it was timed in one alone.
        memory: the most that was held while asking, bytes.
        break_even: between how many items its training has taken no longer than asking what it was trained from;
            None where the spreads of both overlap or are unknown: two single timings say nothing.
    """

    evaluation: str
    model: str
    seconds: float | None
    spread: tuple[float, float] | None
    flops: float | None
    tokens: float | None
    memory: float | None
    break_even: tuple[float, float] | None


def asking_costs(
    requests: Mapping[str, Mapping[str, Mapping[str, Any]]], training: Mapping[str, float]
) -> list[Asking]:
    """Rows of run.json's `requests`.

    Args:
        training: model → seconds that its training took.
    """
    speeds: dict[str, list[float]] = {}
    for by_model in requests.values():
        for model, cost in by_model.items():
            seconds, tokens = _number(cost.get("seconds_per_1000")), _number(cost.get("tokens_per_1000"))
            if seconds and tokens:
                speeds.setdefault(model, []).append(tokens / seconds)

    def spread(model: str, cost: Mapping[str, Any]) -> tuple[float, float] | None:
        tokens, known = _number(cost.get("tokens_per_1000")), speeds.get(model, [])
        return (tokens / max(known), tokens / min(known)) if tokens and len(known) > 1 else None

    rows = []
    for evaluation, by_model in requests.items():
        for model, cost in by_model.items():
            parent = cost.get("against")
            theirs = spread(parent, by_model[parent]) if isinstance(parent, str) and parent in by_model else None
            rows.append(
                Asking(
                    evaluation,
                    model,
                    _number(cost.get("seconds_per_1000")),
                    spread(model, cost),
                    _number(cost.get("flops_per_1000")),
                    _number(cost.get("tokens_per_1000")),
                    _number(cost.get("peak_memory")),
                    _break_even(training.get(model), spread(model, cost), theirs),
                )
            )
    return rows


def _break_even(
    training: float | None, own: tuple[float, float] | None, parent: tuple[float, float] | None
) -> tuple[float, float] | None:
    if not training or own is None or parent is None or parent[0] <= own[1]:
        return None
    return 1000 * training / (parent[1] - own[0]), 1000 * training / (parent[0] - own[1])


def _method(stage: Mapping[str, Any]) -> str:
    method = stage.get("method")
    return method if isinstance(method, str) else next(iter(_mapping(method)), "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known and isinstance(value, int | float) else None
