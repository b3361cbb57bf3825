"""The figures of two runs side by side, modulo renames; 0.1.0 may have made either.

    PYTHONPATH=tests/support python -m harness_support.compare_results OLD_RUN NEW_RUN

Rows (metrics, comparisons, flips, tables, gates, evaluations) are matched by what they are about, after the project's
own reader has put 0.1.0's names and shape into today's. Every differing value is counted under the reason that
`intended_differences` gives for it; values without a reason are printed, and the exit code is then 1.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core.interval import Interval
from harness.schema.results.metrics import ComparisonResult, MetricResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.storage.run_dir import RunDir
from harness_support.intended_differences import Difference, Value, reason_of

Row = dict[str, Value]
"""Field → value, of one row."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of all values.

    Attributes:
        values: how many values stand in both runs or in one of them.
        equal: how many are equal to the last bit.
        by_reason: reason → how many differing values it explains.
        unexplained: the other ones.
    """

    values: int
    equal: int
    by_reason: Mapping[str, int]
    unexplained: tuple[Difference, ...]


def compare(old: Path, new: Path) -> Comparison:
    """Compares the results of two run directories.

    Raises:
        DataError: when one holds no readable run.
    """
    before, after = RunDir(old).read_results(), RunDir(new).read_results()
    kinds = {evaluation.name: evaluation.kind for evaluation in after.evaluations}
    trained = {model.name for model in after.models if model.made_by not in ("load", "heuristic")}
    first, second = dict(_rows(before)), dict(_rows(after))
    values = equal = 0
    reasons: Counter[str] = Counter()
    unexplained: list[Difference] = []
    for place in sorted(first.keys() | second.keys(), key=str):
        x, y = first.get(place), second.get(place)
        methods = (str((x or {}).get("method", "")), str((y or {}).get("method", "")))
        for field in sorted((x or {}).keys() | (y or {}).keys()):
            values += 1
            a, b = (x or {}).get(field), (y or {}).get(field)
            if x is not None and y is not None and (a == b or _both_nan(a, b)):
                equal += 1
                continue
            section, evaluation, metric, models, slice_ = place
            difference = Difference(
                section, evaluation, kinds.get(evaluation, ""), metric, models, slice_, field, a, b, methods,
                frozenset(trained), x is None, y is None, (x or {}).get("value"), (y or {}).get("value"),
            )  # fmt: skip
            reason = reason_of(difference)
            if reason is None:
                unexplained.append(difference)
            else:
                reasons[reason] += 1
    return Comparison(values, equal, dict(reasons), tuple(unexplained))


def _both_nan(a: Value, b: Value) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)


Place = tuple[str, str, str, tuple[str, ...], str]
"""Section, evaluation, metric (or gate, or kind of table), models, slice."""


def _rows(results: Results) -> Iterator[tuple[Place, Row]]:
    for row in results.metrics:
        yield ("metrics", row.evaluation, row.metric, (row.model,), row.slice or ""), _metric(row)
    for pair in results.comparisons:
        models = (pair.baseline, pair.candidate)
        yield ("comparisons", pair.evaluation, pair.metric, models, pair.slice or ""), _comparison(pair)
    for flips in results.flips:
        counts: Row = {name: value for name, value in flips.model_dump(mode="json").items() if isinstance(value, int)}
        yield ("flips", flips.evaluation, "", (flips.baseline, flips.candidate), ""), counts
    for table in results.tables:
        cells: Row = {
            f"{name} × {column}": value
            for name, line in zip(table.rows, table.values, strict=True)
            for column, value in zip(table.columns, line, strict=True)
        }
        yield ("tables", table.evaluation, table.kind, (table.model,), ""), cells
    for gate in results.gates:
        evaluation, _, metric = gate.metric.partition(".")
        place = f"{gate.id} ({metric})"
        yield ("gates", evaluation, place, (gate.baseline or "", gate.model or ""), gate.slice or ""), _gate(gate)
    for evaluation in results.evaluations:
        asked: Row = {"n": evaluation.n}
        yield ("evaluations", evaluation.name, "", (), ""), asked
        for model, share in evaluation.coverage.items():
            protocol = evaluation.protocols.get(model, "")
            yield ("evaluations", evaluation.name, "", (model,), ""), {"coverage": share, "protocol": protocol}
    yield ("verdict", "", "", (), ""), {"overall": results.verdict.overall}


def _interval(prefix: str, interval: Interval | None) -> Row:
    if interval is None:
        return {f"{prefix}low": None, f"{prefix}high": None}
    bounds = {
        f"{prefix}bound {bound.alpha:g} {side}": value
        for bound in interval.bounds
        for side, value in (("low", bound.low), ("high", bound.high))
    }
    return {f"{prefix}low": interval.low, f"{prefix}high": interval.high, **bounds}


def _metric(row: MetricResult) -> Row:
    return {
        "value": row.interval.value,
        "n": row.n,
        "clusters": row.clusters,
        "status": row.status,
        "method": row.method,
        **_interval("", row.interval),
    }


def _comparison(row: ComparisonResult) -> Row:
    return {
        "value": row.delta.value,
        "baseline_value": row.baseline_value,
        "candidate_value": row.candidate_value,
        "improvement": row.improvement,
        "distance_change": row.distance_change,
        "ratio": None if row.ratio is None else row.ratio.value,
        "discordant": row.discordant,
        "n": row.n,
        "clusters": row.clusters,
        "status": row.status,
        "method": row.method,
        "p": row.p,
        "p_adjusted": row.p_adjusted,
        "mde": row.mde,
        "required_n": row.required_n,
        **_interval("", row.delta),
        **_interval("ratio ", row.ratio),
        **_interval("simultaneous ", row.simultaneous),
    }


def _gate(gate: GateResult) -> Row:
    return {
        "verdict": gate.verdict,
        "value": gate.observed,
        "bound": gate.bound,
        "low": gate.low,
        "high": gate.high,
        "n": gate.n,
        "clusters": gate.clusters,
    }


def main(arguments: list[str]) -> int:
    """Prints how many values agree, how many differ for which reason, and every one without a reason.

    Returns:
        0 when every difference has a reason, else 1; 2 for wrong arguments.
    """
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    made = compare(Path(arguments[0]), Path(arguments[1]))
    out = sys.stdout.write
    out(f"{made.values:,} values: {made.equal:,} equal\n")
    for reason, count in sorted(made.by_reason.items(), key=lambda entry: -entry[1]):
        out(f"{count:>7,}  {reason}\n")
    for difference in made.unexplained:
        out(f"without a reason: {difference}\n")
    out(f"{len(made.unexplained):,} without a reason\n")
    return 1 if made.unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
