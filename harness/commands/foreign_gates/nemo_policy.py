"""The gate policy of NeMo Evaluator (`nel gate --policy`): thresholds on benchmarks in tiers.

`nel gate` holds the 95% interval of the paired difference against `max_drop`, as `non_inferiority` holds its bounds
against `margin`: each end of a two-sided 95% interval is a one-sided bound at 97.5%.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.commands.foreign_gates.migrated_gates import CarriedGate, LeftGate, MigratedGates, gate_id
from harness.core.errors import Problems
from harness.metrics.logged_figure import logged_metric
from harness.schema.suite.types import Strict
from harness.schema.validation import validate
from harness.suite.yaml.located_document import Document

TOOL = "NeMo Evaluator"
_LEAST, _ALPHA = 10, 0.025
_FIGURES = {"mean_reward": "reward", "pass@1": "reward"}
"""Its metric → the column of results.jsonl that it is the mean of."""


class BenchmarkGate(Strict):
    """What the policy may say of a benchmark, and as a default."""

    tier: Literal["critical", "supporting", "advisory"] | None = None
    max_drop: float | None = Field(None, ge=0)
    max_relative_drop: float | None = Field(None, ge=0)
    relative_guard_below: float | None = Field(None, ge=0, le=1)
    metric: str | None = None
    direction: Literal["higher_is_better", "lower_is_better"] | None = None


class NemoPolicy(Strict):
    """The whole policy file, version 1."""

    version: Literal[1] = 1
    defaults: BenchmarkGate = Field(default_factory=BenchmarkGate)
    benchmarks: dict[str, BenchmarkGate] = Field(default_factory=dict)


_DEFAULTS = BenchmarkGate(tier="supporting", max_drop=0.015, direction="higher_is_better")


def is_nemo_policy(value: Any) -> bool:
    """Whether the content of a YAML file is such a policy."""
    return isinstance(value, dict) and "benchmarks" in value and not set(value) - set(NemoPolicy.model_fields)


def read_nemo_policy(document: Document, metrics: Mapping[str, str]) -> MigratedGates:
    """Its benchmarks as gates.

    Args:
        metrics: its metric → the metric of ours that it stands for.

    Raises:
        SuiteError: with every fault of the file.
    """
    problems = Problems(document.where)
    policy: NemoPolicy | None = validate(NemoPolicy, document.value, problems)
    problems.raise_any()
    assert policy is not None
    defaults = _merged(_DEFAULTS, policy.defaults)
    carried: list[CarriedGate] = []
    left: list[LeftGate] = []
    notes: dict[str, None] = {}
    required = []
    for name, entry in policy.benchmarks.items():
        asked = _merged(defaults, entry)
        was = f"{name} ({document.where('benchmarks', name, key=True)})"
        if asked.metric is None:
            left.append(LeftGate(was, "it names no metric; `nel gate` refuses that for a required benchmark."))
            continue
        if asked.metric not in metrics and asked.metric not in _FIGURES:
            why = f"`nel gate` gates {' and '.join(_FIGURES)} alone; name ours with --metric {asked.metric}=METRIC."
            left.append(LeftGate(f"{was}, metric {asked.metric}", why))
            continue
        carried.append(CarriedGate(_rule(name, asked, metrics), f"{was}: {_told(asked)}"))
        left += _guards(was, asked)
        notes |= dict.fromkeys(_notes(asked, metrics))
        if asked.tier != "advisory":
            required.append(gate_id(name))
    notes["benchmarks that the policy does not list are gated by nel with the defaults; here they have no gate."] = None
    notes["intervals are computed by harness's own methods (docs/statistics.md), at the same level."] = None
    return MigratedGates(TOOL, Path(document.file), carried, left, list(notes), required)


def _merged(below: BenchmarkGate, above: BenchmarkGate) -> BenchmarkGate:
    return below.model_copy(update={key: value for key, value in above if value is not None})


def _rule(name: str, asked: BenchmarkGate, metrics: Mapping[str, str]) -> dict[str, Any]:
    direction = "lower" if asked.direction == "lower_is_better" else "higher"
    own = metrics.get(str(asked.metric)) or logged_metric(_FIGURES[str(asked.metric)], direction)
    advisory = {"severity": "warn"} if asked.tier == "advisory" else {}
    return {
        "id": gate_id(name),
        "metric": f"{gate_id(name)}.{own}",
        "kind": "non_inferiority",
        "margin": asked.max_drop,
        "alpha": _ALPHA,
        "min_n": _LEAST,
        **advisory,
    }


def _told(asked: BenchmarkGate) -> str:
    return f"tier {asked.tier}, metric {asked.metric}, max_drop {asked.max_drop:g}"


def _guards(was: str, asked: BenchmarkGate) -> Iterator[LeftGate]:
    if asked.max_relative_drop is None:
        return
    below = "" if asked.relative_guard_below is None else f" below a baseline of {asked.relative_guard_below:g}"
    yield LeftGate(
        f"{was}, max_relative_drop {asked.max_relative_drop:g}{below}",
        "nel holds the value that was seen against it, without an interval, and only below a level of the baseline; "
        "here a margin relative to the baseline is for ratios of sums (bits per byte), and always applies.",
    )


def _notes(asked: BenchmarkGate, metrics: Mapping[str, str]) -> Iterator[str]:
    if asked.metric == "pass@1" and "pass@1" not in metrics:
        yield "pass@1 counts rewards above 0; the mean of `reward` is the same where rewards are 0 or 1."
    if asked.direction == "lower_is_better":
        yield "where less is better, import the figure with `--option lower=reward`."
    if asked.tier == "advisory":
        yield "an advisory benchmark that is missing is passed over by nel; here a suite without it is refused."
