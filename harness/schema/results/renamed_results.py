"""results.json of version 0.1.0 under the names of today."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.schema.renames import (
    DATA_KEYS,
    METRICS,
    MODEL_KINDS,
    MODEL_OPTIONS,
    PROBES,
    TASKS,
    Names,
    rename_figure,
    rename_metric,
)

_PROSE = re.compile(
    r"(?<![\w-])(" + "|".join(sorted((name for name in METRICS if "_" in name), key=len, reverse=True)) + r")(?![\w-])"
)
_STAGE: Names = {old: new for kind, names in MODEL_OPTIONS.items() if kind != "server" for old, new in names.items()}
_RECIPE: Names = {old: new for old, new in _STAGE.items() if old != "labels"}
"""`labels` of a recipe is no option of 0.1.0."""


def rename_results(raw: Mapping[str, Any]) -> dict[str, Any]:
    """results.json of 0.1.0 (schema version 1) under the new names; what has them already stays as it is."""
    results = {**raw}
    for section, rename in _SECTIONS.items():
        if section in results:
            results[section] = _each(rename, results[section])
    if isinstance(results.get("verdict"), dict):
        results["verdict"] = _with_prose(results["verdict"])
    if isinstance(results.get("selftest"), dict):
        selftest = _with_prose(results["selftest"])
        parts = {part: _each(_renamed_figure, selftest[part]) for part in ("false_alarms", "noise") if part in selftest}
        results["selftest"] = {**selftest, **parts}
    return results


def _each(rename: Callable[[dict[str, Any]], dict[str, Any]], entries: Any) -> Any:
    """A section's entries, renamed. What is damaged stays, so that reading the file says so."""
    if not isinstance(entries, list):
        return entries
    return [rename(entry) if isinstance(entry, dict) else entry for entry in entries]


def _with_keys(entry: dict[str, Any], names: Names) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in entry.items()}


def _below(entry: dict[str, Any], key: str, rename: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The entry with the mapping at `key` renamed, where there is one."""
    part = entry.get(key)
    return {**entry, key: rename(part)} if isinstance(part, dict) else entry


def _with_prose(entry: dict[str, Any]) -> dict[str, Any]:
    sentence = entry.get("sentence")
    if isinstance(sentence, str):
        return {**entry, "sentence": _PROSE.sub(lambda match: METRICS[match[1]], sentence)}
    return entry


def _renamed_model(model: dict[str, Any]) -> dict[str, Any]:
    made_by = model.get("made_by")
    if isinstance(made_by, str):
        model = {**model, "made_by": MODEL_KINDS.get(made_by, made_by)}
    return _below(model, "training", _renamed_training)


def _renamed_training(training: dict[str, Any]) -> dict[str, Any]:
    training = _below(training, "stage", lambda stage: _with_keys(stage, _STAGE))
    return _below(training, "recipe", lambda recipe: _below(_with_keys(recipe, _RECIPE), "mitigation", _renamed_cells))


def _renamed_cells(mitigation: dict[str, Any]) -> dict[str, Any]:
    return _below(mitigation, "reweigh", lambda part: _with_keys(part, {"empty_cells": METRICS["empty_cells"]}))


def _renamed_evaluation(evaluation: dict[str, Any]) -> dict[str, Any]:
    kinds = PROBES if evaluation.get("role") == "probe" else TASKS
    kind, metrics = evaluation.get("kind"), evaluation.get("metrics")
    if isinstance(kind, str):
        evaluation = {**evaluation, "kind": kinds.get(kind, kind)}
    if isinstance(metrics, list):
        names = [rename_metric(name) if isinstance(name, str) else name for name in metrics]
        evaluation = {**evaluation, "metrics": names}
    return evaluation


def _renamed_figure(entry: dict[str, Any]) -> dict[str, Any]:
    identifier, metric = entry.get("id"), entry.get("metric")
    if isinstance(identifier, str):
        entry = {**entry, "id": rename_figure(identifier)}
    return {**entry, "metric": rename_metric(metric)} if isinstance(metric, str) else entry


def _renamed_gate(gate: dict[str, Any]) -> dict[str, Any]:
    metric = gate.get("metric")
    if isinstance(metric, str):
        gate = {**gate, "metric": rename_figure(metric)}
    if "members" in gate:
        gate = {**gate, "members": _each(_renamed_gate, gate["members"])}
    return _with_prose(gate)


_SECTIONS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "models": _renamed_model,
    "data": lambda entry: _with_keys(entry, DATA_KEYS),
    "evaluations": _renamed_evaluation,
    "metrics": _renamed_figure,
    "comparisons": _renamed_figure,
    "gates": _renamed_gate,
}
