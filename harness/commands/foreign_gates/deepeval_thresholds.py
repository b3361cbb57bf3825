"""DeepEval's thresholds: of a test run's JSON, or of test files, which are read and never run.

A test case passes when every metric reaches its `threshold`, and `deepeval test run` fails when a case fails. `harness
import deepeval` brings along which cases passed, and which of their metrics.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.foreign_gates.migrated_gates import POINT, CarriedGate, LeftGate, MigratedGates, gate_id
from harness.core.errors import SuiteError, Where
from harness.importers.imported_log import PASSED, verdict_figure
from harness.importers.log_values import json_file, mapping
from harness.metrics.logged_figure import figure_name, logged_metric

TOOL = "DeepEval"
_TASK = "cases"
_SUFFIXES = {"GEval": " [GEval]", "ConversationalGEval": " [Conversational GEval]", "DAGMetric": " [DAG]"}
"""What DeepEval appends to the name that the user gives a metric."""
_WORDS = {
    "PIILeakage": "PII Leakage",
    "NonAdvice": "Non-Advice",
    "MCPUse": "MCP Use",
    "MCPTaskCompletion": "MCP Task Completion",
    "MultiTurnMCPUse": "Multi-Turn MCP Use",
}
"""Metrics whose name is not their class's in words."""
_ASKING = frozenset({"assert_test", "evaluate"})
_APPLIED = (
    "each threshold was applied to each answer, in the log's verdicts: a gate on the mean of a score is another claim."
)
_SOME = "it is asked of some test cases only; which of them passed is part of the gate on all cases."


@dataclass(frozen=True, slots=True)
class Threshold:
    """A metric with its threshold.

    Attributes:
        threshold: as written; None where the metric has none, and decides nothing.
        place: where it stands.
        flaky: DeepEval shows it, and fails no case by it.
        everywhere: every test case has it.
    """

    name: str
    threshold: str | None
    place: str
    flaky: bool
    everywhere: bool


def read_deepeval_run(path: Path) -> MigratedGates:
    """The thresholds of a test run's JSON.

    Raises:
        DataError: when it is no JSON.
    """
    cases = [mapping(case) for case in mapping(json_file(path, TOOL)).get("testCases") or ()]
    seen: dict[str, list[Mapping[str, Any]]] = {}
    for case in cases:
        for entry in map(mapping, case.get("metricsData") or ()):
            seen.setdefault(str(entry.get("name")), []).append(entry)
    thresholds = [
        Threshold(
            name,
            _shown({str(entry.get("threshold")) for entry in entries if entry.get("threshold") is not None}),
            path.name,
            any(bool(entry.get("flaky")) for entry in entries),
            len(entries) == len(cases),
        )
        for name, entries in seen.items()
    ]
    return _migrated(path, thresholds, [])


def _shown(values: set[str]) -> str | None:
    return " or ".join(sorted(values)) if values else None


def read_deepeval_tests(path: Path) -> MigratedGates:
    """The thresholds in a Python file; the file is parsed, and nothing of it runs.

    Raises:
        SuiteError: when it is no Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise SuiteError(f"expected Python: {error.msg}.", where=Where(path, error.lineno)) from error
    except ValueError as error:
        raise SuiteError(f"expected Python: {error}.", where=Where(path)) from error
    names = _own_names(tree)
    values = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    made = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and _metric_class(call, names) is not None]
    sites = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and _called(call) in _ASKING]
    asked = [_metrics(call, values) for call in sites]
    thresholds: dict[str, Threshold] = {}
    left = []
    for call in made:
        name = _metric_name(call, names, values)
        place = f"{path.name}:{call.lineno}"
        if name is None:
            left.append(
                LeftGate(f"{_called(call)} ({place})", "its name is computed, and known only when the file runs.")
            )
            continue
        everywhere = all(call in metrics for metrics in asked)
        before = thresholds.get(name)
        thresholds[name] = Threshold(
            name,
            _threshold(call, values),
            place if before is None else f"{before.place}, {call.lineno}",
            _is_true(_argument(call, "flaky")),
            everywhere if before is None else False,
        )
    return _migrated(path, list(thresholds.values()), left)


def _migrated(path: Path, thresholds: Sequence[Threshold], left: list[LeftGate]) -> MigratedGates:
    carried: list[CarriedGate] = []
    deciding = [entry for entry in thresholds if entry.threshold is not None and not entry.flaky]
    if deciding:
        rule = {**POINT, "id": gate_id(_TASK, PASSED), "metric": f"{_TASK}.{logged_metric(PASSED, 'higher')}"}
        carried.append(CarriedGate(rule, "every test case must pass"))
    for entry in thresholds:
        was = f"{entry.name}, threshold {entry.threshold} ({entry.place})"
        why = (
            "it has no threshold, and decides nothing."
            if entry.threshold is None
            else "it is flaky: DeepEval shows it, and fails no case by it."
            if entry.flaky
            else _SOME
            if not entry.everywhere
            else "it is all that the cases ask: the gate on all cases is the same."
            if len(deciding) == 1
            else ""
        )
        if why:
            left.append(LeftGate(was, why))
            continue
        metric = logged_metric(figure_name(verdict_figure(entry.name)), "higher")
        carried.append(CarriedGate({**POINT, "id": gate_id(_TASK, entry.name), "metric": f"{_TASK}.{metric}"}, was))
    return MigratedGates(TOOL, path, carried, left, [_APPLIED], [_TASK] if carried else [])


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _own_names(tree: ast.Module) -> dict[str, str | None]:
    """Classes of the file that are metrics → the name that they return; None where it is computed."""
    names: dict[str, str | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Metric") for base in node.bases):
            returned = [
                statement.value.value
                for method in node.body
                if isinstance(method, ast.FunctionDef) and method.name == "__name__"
                for statement in ast.walk(method)
                if isinstance(statement, ast.Return)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ]
            names[node.name] = returned[0] if len(returned) == 1 else None
    return names


def _metric_class(call: ast.Call, own: Mapping[str, str | None]) -> str | None:
    name = _called(call)
    return (
        name if name in own or name in _SUFFIXES or (name.endswith("Metric") and not name.startswith("Base")) else None
    )


def _metric_name(call: ast.Call, own: Mapping[str, str | None], values: Mapping[str, ast.expr]) -> str | None:
    """What DeepEval calls the metric in its results."""
    kind = _called(call)
    if kind in own:
        return own[kind]
    if kind in _SUFFIXES:
        given = _resolved(_argument(call, "name"), values)
        text = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
        return None if text is None else f"{text}{_SUFFIXES[kind]}"
    plain = kind.removesuffix("Metric")
    return _WORDS.get(plain) or "".join(f" {letter}" if letter.isupper() else letter for letter in plain).strip()


def _threshold(call: ast.Call, values: Mapping[str, ast.expr]) -> str | None:
    """The threshold as written; DeepEval's own where the call gives none."""
    given = _argument(call, "threshold")
    if given is None:
        return "of DeepEval's default"
    resolved = _resolved(given, values)
    if isinstance(resolved, ast.Constant) and resolved.value is None:
        return None
    return ast.unparse(resolved if isinstance(resolved, ast.Constant) else given)


def _resolved(node: ast.expr | None, values: Mapping[str, ast.expr]) -> ast.expr | None:
    return values.get(node.id, node) if isinstance(node, ast.Name) else node


def _argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _metrics(call: ast.Call, values: Mapping[str, ast.expr]) -> list[ast.expr]:
    """The metrics that a call of `assert_test` or `evaluate` is given."""
    given = _argument(call, "metrics") or (call.args[1] if len(call.args) > 1 else None)
    listed = _resolved(given, values)
    return list(_entries(listed, values)) if isinstance(listed, ast.List | ast.Tuple) else []


def _entries(listed: ast.List | ast.Tuple, values: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    for entry in listed.elts:
        resolved = _resolved(entry, values)
        if resolved is not None:
            yield resolved
