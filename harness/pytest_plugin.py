"""A pytest plugin: a gate as an ordinary test, over a stored run or over tables of results.

Loaded by every pytest run of an environment that has harness; so it imports nothing until it is used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.api.comparisons import Comparisons
    from harness.schema.results.results_file import Results
    from harness.schema.results.verdicts import GateResult

MARKER = "harness_gate"


class HarnessGateWarning(UserWarning):
    """A gate that does not block did not pass, or its waiver has expired."""


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(run, gate=None, suite=None): judges a stored harness run before the test, one test per gate; "
        "with base, candidate, metric, and kind, it judges two tables; allow_unsealed=True judges a run of 0.1.0.",
    )


@pytest.fixture
def harness_gate() -> Callable[..., list[GateResult]]:
    """Judges a gate and fails the test when it blocks; returns the verdicts.

    `harness_gate(run="reports/sentiment", gate="better")`, or two tables with the keys of a rule:
    `harness_gate(base, candidate, metric="accuracy", kind="superiority")`; `compare={…}` goes to
    `harness.compare`.
    """
    return check


@pytest.fixture
def harness_compare() -> Callable[..., Comparisons]:
    """`harness.compare`: two tables of results, item by item."""
    from harness.api.compare import compare

    return compare


@pytest.fixture
def harness_run() -> Callable[[str | Path], Results]:
    """The results of a stored run (docs/results.md), given by its folder, its suite's folder of runs, or its URL."""
    return _read


@pytest.fixture
def _harness_gate_id(request: pytest.FixtureRequest) -> str:
    gate: str = request.param
    return gate


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes one test per gate of what the marker names, with the gate's id in the test's name."""
    marks = list(metafunc.definition.iter_markers(MARKER))
    if len(marks) != 1 or (names := _gate_names(marks[0])) is None:
        return
    metafunc.fixturenames.append(_harness_gate_id.__name__)
    metafunc.parametrize(_harness_gate_id.__name__, names, ids=names, indirect=True)


def _gate_names(mark: pytest.Mark) -> list[str] | None:
    """The ids of a mark's gates; None where they cannot be known, which the test itself then says."""
    gate, run = mark.kwargs.get("gate"), mark.kwargs.get("run")
    if gate is not None:
        return [str(gate)]
    if run is None:
        return None
    from harness.core.errors import HarnessError

    try:
        gates = _judged(run, mark.kwargs.get("suite"), bool(mark.kwargs.get("allow_unsealed"))).gates
    except HarnessError:
        return None
    return list(dict.fromkeys(gate.id for gate in gates)) or None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Judges what the marker names, before the body of the test."""
    spec = getattr(item, "callspec", None)
    gate = spec.params.get(_harness_gate_id.__name__) if spec is not None else None
    for mark in item.iter_markers(MARKER):
        check(*mark.args, **{**mark.kwargs, **({} if gate is None else {"gate": gate})})


def check(
    base: Any = None,
    candidate: Any = None,
    *,
    run: str | Path | None = None,
    gate: str | None = None,
    suite: str | Path | None = None,
    compare: dict[str, Any] | None = None,
    allow_unsealed: bool = False,
    **rule: Any,
) -> list[GateResult]:
    """See `harness_gate`.

    Raises:
        pytest.fail.Exception: when a verdict blocks.
        HarnessError: when the run, the suite or the tables cannot be used.
    """
    __tracebackhide__ = True
    if (run is None) == (base is None or candidate is None):
        raise TypeError("harness_gate takes run=…, or the two tables base and candidate.")
    if run is None:
        judged = _tables(base, candidate, gate, compare or {}, rule)
    elif rule or compare or base is not None or candidate is not None:
        raise TypeError(f"harness_gate: with run=…, the suite defines the rules; found {sorted(rule) or 'tables'} too.")
    else:
        judged = _stored(run, gate, suite, allow_unsealed)
    blocking = [result for result in judged if result.blocking and result.verdict != "pass"]
    for result in judged:
        if result not in blocking and (result.verdict != "pass" or result.waiver_holds is False):
            warnings.warn(_said(result), HarnessGateWarning, stacklevel=2)
    if blocking:
        pytest.fail("\n".join(_said(result) for result in blocking), pytrace=False)
    return judged


def _tables(
    base: Any, candidate: Any, gate: str | None, options: dict[str, Any], rule: dict[str, Any]
) -> list[GateResult]:
    from harness.api.compare import compare
    from harness.api.judge import Gate, judge

    if "metrics" not in options and "." not in str(rule.get("metric", ".")):
        options = {**options, "metrics": [str(rule["metric"]).partition("[")[0]]}
    return list(judge(compare(base, candidate, **options), Gate(gate or "gate", **rule)))


def _read(run: str | Path) -> Results:
    from harness.storage.remote_run import folder_of
    from harness.storage.run_folders import find

    return find(folder_of(run)).read_results()


def _judged(run: str | Path, suite: str | Path | None, allow_unsealed: bool) -> Results:
    from harness.commands.stored_runs.rejudge import Trust, judge_again
    from harness.core.reporter import Silent
    from harness.storage.remote_run import folder_of
    from harness.storage.run_folders import find

    name = None if suite is None else str(suite)
    return judge_again(find(folder_of(run)), name, Silent(), Trust(unsealed=allow_unsealed))


def _stored(run: str | Path, gate: str | None, suite: str | Path | None, allow_unsealed: bool) -> list[GateResult]:
    from harness.core.errors import SuiteError, Where, unknown

    results = _judged(run, suite, allow_unsealed)
    if gate is None:
        chosen = results.gates
    else:
        chosen = [result for result in results.gates if result.id == gate]
    if not chosen:
        known = {result.id for result in results.gates}
        raise SuiteError(
            unknown("gate", gate, known) if gate else "no gates: nothing was judged.",
            where=Where(run),
        )
    return chosen


def _said(result: GateResult) -> str:
    place = f" on {result.slice}" if result.slice else ""
    waiver = f" [{result.waiver}]" if result.waiver else ""
    return f"gate {result.id}{place}: {result.verdict}: {result.sentence}{waiver}"
