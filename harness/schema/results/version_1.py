"""Results of harness 0.1.0 (schema version 1) as today's: the one place that knows the old fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

VERSION_1 = 1

Translation = Callable[[dict[str, Any]], dict[str, Any]]
"""The raw JSON of version 1 → the same with other names in it; its shape stays."""

_CONFIDENCE = 0.95
_SEEDS = {"reads": "level_of_inference", "freedom": "df", "alike": "seeds_identical"}


def from_version_1(raw: Mapping[str, Any], translate: Translation = dict) -> dict[str, Any]:
    """The raw JSON of a results.json of version 1 in today's shape; what it does not know stays as it is.

    Args:
        translate: replaces names (of tasks, metrics, models' kinds) before the shape changes.
    """
    value = translate(dict(raw))
    changes: dict[str, Any] = {"metrics": [_metric(row) for row in value.get("metrics", [])]}
    comparisons = value.get("comparisons", [])
    sizes = Counter(_family(row) for row in comparisons if row.get("slice") is not None)
    changes["comparisons"] = [_comparison(row, sizes[_family(row)]) for row in comparisons]
    changes["gates"] = [_gate(row) for row in value.get("gates", [])]
    changes["data"] = [_renamed(row, {"licence": "license"}) for row in value.get("data", [])]
    if not changes["gates"] and isinstance(value.get("verdict"), dict):
        # 0.1.0 called a run in which nothing was judged a pass.
        changes["verdict"] = {**value["verdict"], "overall": "none", "sentence": "no gates: nothing was judged."}
    return {**value, **changes}


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in row.items()}


def _family(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row.get("id"), row.get("baseline"), row.get("candidate")


def _metric(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(row)
    confidence = rest.pop("confidence", _CONFIDENCE)
    interval = _interval(rest, "value", "low", "high", "bounds", confidence)
    return {**rest, "interval": interval, "seeds": _seeds(rest.get("seeds"), confidence)}


def _comparison(row: Mapping[str, Any], slices: int) -> dict[str, Any]:
    """A comparison, on a slice one of `slices`."""
    rest = dict(row)
    confidence = rest.pop("confidence", _CONFIDENCE)
    delta = _interval(rest, "delta", "low", "high", "bounds", confidence, rest.pop("standard_error", None))
    low, high = rest.pop("adjusted_low", None), rest.pop("adjusted_high", None)
    simultaneous = None
    if rest.get("slice") is not None:
        together = 1 - (1 - confidence) / max(1, slices)
        simultaneous = {**delta, "low": low, "high": high, "confidence": together, "bounds": []}
    ratio, required_n = _ratio(rest, confidence), rest.pop("needed", None)
    return {
        **rest,
        "delta": delta,
        "ratio": ratio,
        "simultaneous": simultaneous,
        "required_n": required_n,
        "seeds": _seeds(rest.get("seeds"), confidence),
    }


def _seeds(row: Mapping[str, Any] | None, confidence: float) -> dict[str, Any] | None:
    if row is None:
        return None
    rest = _renamed(row, _SEEDS)
    interval = _interval(rest, "delta", "low", "high", "bounds", confidence, rest.pop("standard_error", None))
    ratio = _ratio(rest, confidence)
    return {**rest, "interval": interval, "ratio": ratio}


def _ratio(rest: dict[str, Any], confidence: float) -> dict[str, Any] | None:
    ratio = _interval(rest, "ratio", "ratio_low", "ratio_high", "ratio_bounds", confidence)
    return None if ratio["value"] is None else ratio


def _interval(
    rest: dict[str, Any], value: str, low: str, high: str, bounds: str, confidence: float, error: float | None = None
) -> dict[str, Any]:
    """Takes an interval's fields out of a row."""
    return {
        "value": rest.pop(value, None),
        "low": rest.pop(low, None),
        "high": rest.pop(high, None),
        "confidence": confidence,
        "standard_error": error,
        "bounds": [
            {"alpha": float(alpha), "low": ends[0], "high": ends[1]}
            for alpha, ends in sorted(rest.pop(bounds, {}).items(), key=lambda entry: float(entry[0]))
        ],
    }


def _gate(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = _renamed(row, {"needs": "required_n"})
    return {**rest, "members": [_gate(member) for member in rest.get("members", [])]}
