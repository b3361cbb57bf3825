"""`harness.judge`: gates over comparisons made from Python."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from harness.api.comparisons import Comparisons
from harness.core.distribution import explained
from harness.core.errors import EXIT_USAGE, DataError, Where
from harness.gates.alpha_levels import alpha_levels
from harness.gates.explanation import explain
from harness.gates.flip_rule import tag_flips
from harness.gates.judging import gate_traces
from harness.gates.overall_verdict import overall
from harness.gates.parse_rules import parse_gates
from harness.gates.result_lookup import ResultLookup
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.base import finite
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.schema.suite.gate_rules import SlicedRule

if TYPE_CHECKING:
    import pandas as pd

_COMPOSED = ("all_of", "any_of")


class GateFailedError(AssertionError):
    """A gate that blocks did not pass; the text has every such verdict with its numbers."""


class Gate:
    """A rule, with the keys of a suite's gates: `Gate("better", metric="accuracy", kind="superiority")`.

    `any_of=[…]` and `all_of=[…]` take gates or mappings. A metric may be named without the table's name.
    Keys are checked when the gate is judged.
    """

    def __init__(self, id: str, **keys: Any) -> None:
        self.id = id
        self.keys = keys

    def __repr__(self) -> str:
        return f"Gate({self.id!r}, {', '.join(f'{key}={value!r}' for key, value in self.keys.items())})"

    def to_dict(self) -> dict[str, Any]:
        """The rule as a suite would write it."""
        return {"id": self.id, **{key: _plain(value) for key, value in self.keys.items()}}


@dataclass(frozen=True, repr=False)
class Verdicts:
    """The verdicts of gates, a sequence of `GateResult`.

    Attributes:
        overall: one verdict for all, with exit code and sentence.
    """

    results: tuple[GateResult, ...]
    overall: VerdictResult
    traces: tuple[GateTrace, ...]

    @property
    def passed(self) -> bool:
        """Whether gates were judged and nothing blocks (exit code 0); warnings show in `overall` and in the text."""
        return self.overall.exit_code == 0

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[GateResult]:
        return iter(self.results)

    def __repr__(self) -> str:
        lines = [f"{self.overall.overall}: {self.overall.sentence}"]
        for gate in self.results:
            place = f" on {gate.slice}" if gate.slice else ""
            quiet = "" if gate.blocking or gate.verdict == "pass" else ", non-blocking"
            waiver = f" [{gate.waiver}]" if gate.waiver else ""
            lines.append(f"  {gate.verdict:<12} {gate.id}{place}{quiet}: {gate.sentence}{waiver}")
        return "\n".join(lines)

    def explain(self, gate: str | None = None) -> str:
        """Why, and what would change it: of one gate, or of all that did not pass."""
        texts = []
        for trace in self.traces:
            if trace.result.id == gate or (gate is None and trace.outcome != "pass"):
                texts += _explained(explain(trace), "")
        return "\n".join(texts)

    def check(self) -> Verdicts:
        """Itself when gates were judged and nothing blocks.

        Raises:
            GateFailedError: else, with every verdict that blocks, or that nothing was judged.
        """
        if self.passed:
            return self
        blocking = [gate for gate in self.results if gate.blocking and gate.verdict != "pass"]
        lines = [f"gate {gate.id}: {gate.verdict}: {gate.sentence}" for gate in blocking]
        raise GateFailedError("\n".join(lines or [self.overall.sentence]))

    def to_frame(self) -> pd.DataFrame:
        """One row for each verdict, as a pandas frame."""
        with explained("to_frame()"):
            import pandas as pd

        rows = [gate.model_dump(mode="json", exclude={"members", "where"}) for gate in self.results]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: `gates` and `verdict` as in results.json."""
        return {
            "gates": [finite(gate.model_dump(mode="json")) for gate in self.results],
            "verdict": self.overall.model_dump(mode="json"),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)


def judge(
    comparisons: Comparisons | Sequence[Comparisons],
    gates: Sequence[Gate | Mapping[str, Any]] | Gate | Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    waivers: Sequence[Mapping[str, Any]] = (),
    today: date | None = None,
) -> Verdicts:
    """Judges comparisons by gates, exactly as a suite's gates judge a run.

    Args:
        comparisons: what `compare` gave; several (other tables, other candidates) are judged together, and
            metrics are then named `table.metric`.
        gates: rules with the keys of docs/gates.md. `min_n` is 100 unless a rule or `defaults` says otherwise.
        today: the day that waivers are held against; today in UTC when left out.

    Returns:
        The verdicts. Without a gate nothing is judged: the verdict is `none`, and has not passed.

    Raises:
        SuiteError: for keys or values that no gate takes.
        DataError: for comparisons of one candidate on one table, which no gate could tell apart.
    """
    several = [comparisons] if isinstance(comparisons, Comparisons) else list(comparisons)
    rules = [gates] if isinstance(gates, Gate | Mapping) else list(gates)
    tables = list(dict.fromkeys(pair.name for pair in several))
    _told_apart(several)
    raw = {
        "defaults": dict(defaults or {}),
        "rules": [_named(_plain(rule), tables) for rule in rules],
        "waivers": [_plain(waiver) for waiver in waivers],
    }
    parsed = parse_gates(raw, _place)
    needed = alpha_levels(parsed)
    anytime = any(isinstance(leaf, SlicedRule) and leaf.anytime for leaf in parsed.leaves)
    sharp = [pair.with_alphas(needed, anytime=anytime) for pair in several]
    flips = [
        tag_flips(
            [pair.base_records], [pair.candidate_records], None, baseline=pair.baseline, candidate_name=pair.candidate
        )
        for pair in sharp
    ]
    evaluations: dict[str, EvaluationResult] = {}
    for pair in sharp:
        given = pair.evaluation
        shown = evaluations.setdefault(pair.name, given)
        for model, share in given.coverage.items():
            shown.coverage[model] = min(share, shown.coverage.get(model, share))
    lookup = ResultLookup(
        [row for pair in sharp for row in pair.levels],
        [row for pair in sharp for row in pair.results],
        list(evaluations.values()),
    )
    baseline, today = sharp[0].baseline if sharp else "", today or datetime.now(UTC).date()
    context = JudgmentContext(parsed, lookup, baseline, today, flips)
    made = gate_traces(context, list(dict.fromkeys(pair.candidate for pair in sharp)))
    results = tuple(trace.result.model_copy(update={"where": None}) for trace in made)
    verdict = overall(results)
    if not results:
        # As for `harness gate`: asking for a verdict without a gate is a mistake.
        verdict = verdict.model_copy(update={"exit_code": EXIT_USAGE})
    return Verdicts(results, verdict, tuple(made))


def _told_apart(several: Sequence[Comparisons]) -> None:
    if not several:
        raise DataError("no comparison to judge.")
    for (table, candidate), count in Counter((pair.name, pair.candidate) for pair in several).items():
        if count > 1:
            raise DataError(
                f"{count} comparisons have the candidate {candidate!r} on the table {table!r}, but a gate judges only "
                f"one.",
                hint="pass a distinct candidate=… or name=… to each `harness.compare`.",
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Gate):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return value.item()  # a number of numpy
    return value.isoformat() if isinstance(value, date) else value


def _named(rule: dict[str, Any], tables: Sequence[str]) -> dict[str, Any]:
    """The rule with the table's name before bare metrics, where there is one table."""
    named = dict(rule)
    metric = named.get("metric")
    if isinstance(metric, str) and len(tables) == 1 and not metric.startswith(f"{tables[0]}."):
        named["metric"] = f"{tables[0]}.{metric}"
    for key in _COMPOSED:
        if isinstance(named.get(key), list):
            named[key] = [_named(member, tables) if isinstance(member, dict) else member for member in named[key]]
    return named


def _place(*keys: str | int, key: bool = False) -> Where:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in keys)
    return Where(f"gates{path.removeprefix('.rules')}")


def _explained(trace: Any, indent: str) -> list[str]:
    lines = [f"{indent}{trace.title}: {trace.verdict}"]
    lines += [f"{indent}  {label}: {text}" for label, text in trace.lines if label != "verdict"]
    for member in trace.members:
        lines += _explained(member, indent + "    ")
    return lines
