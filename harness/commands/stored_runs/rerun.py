"""Runs the suite of a stored run again and holds every figure of the new run to the stored one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.calibration.load_calibration import CalibrationSuite
from harness.commands.stored_runs.stored_suite import own_suite
from harness.core.errors import DataError, SuiteError, Where
from harness.core.metric_structure import SCORING_ABSOLUTE
from harness.core.reporter import Reporter
from harness.pipeline.run_context import CarryOut
from harness.pipeline.run_suite import Settings, run_suite
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.suite.suite import Suite

TOLERANCE = SCORING_ABSOLUTE
"""How far a figure may be from the stored one, for figures over 1 as a share of it: what likelihoods may differ by."""

_ENDS = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class ChangedFigure:
    """A figure that is not the stored one to the last digit.

    Attributes:
        name: whose it is, such as `reviews.accuracy of finetuned, low`.
        before, after: None where a run has no such figure.
    """

    name: str
    before: float | None
    after: float | None

    @property
    def within(self) -> bool:
        """Whether it is within the tolerance."""
        if self.before is None or self.after is None:
            return False
        return abs(self.before - self.after) <= TOLERANCE * max(1.0, abs(self.before))

    @property
    def sentence(self) -> str:
        """The figure, both values, and whether they agree well enough."""
        values = f"{_shown(self.before)} → {_shown(self.after)}"
        return f"{self.name}: {values} ({'within' if self.within else 'beyond'} the tolerance)"


@dataclass(frozen=True)
class Reproduction:
    """What running again gave.

    Attributes:
        inputs: what the run was made from that is another now (data, models, versions, machine), in sentences.
        figures: how many figures either run has.
        changed: those that differ.
        verdicts: gates with another verdict, in sentences.
        timings: figures that depend on the machine, and on the minute; they are measured anew, and held to nothing.
    """

    run: RunDir
    inputs: list[str]
    figures: int
    changed: list[ChangedFigure]
    verdicts: list[str]
    timings: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether every figure is within the tolerance and every verdict the same."""
        return not self.verdicts and all(figure.within for figure in self.changed)

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        if not self.timings:
            return self._of_figures
        names = ", ".join(self.timings)
        return f"{self._of_figures} Timings are not expected to be equal, and are not compared: {names}."

    @property
    def _of_figures(self) -> str:
        beyond = [figure for figure in self.changed if not figure.within]
        if beyond or self.verdicts:
            gates = f", and {len(self.verdicts)} gates have another verdict" if self.verdicts else ""
            return f"not reproduced: {len(beyond)} of {self.figures} figures differ beyond the tolerance{gates}."
        if self.changed:
            return f"reproduced: {len(self.changed)} of {self.figures} figures differ, all within the tolerance."
        return f"reproduced: all {self.figures} figures and all verdicts are the same."


def rerun(run: RunDir, store: Store, reporter: Reporter, settings: Settings) -> Reproduction:
    """Carries the run's own suite out again: the same data, seeds, overrides and limit, as far as they are at hand.

    Args:
        settings: how; the limit and the overrides become those of the stored run.

    Raises:
        DataError: for a run that no suite made, or that was changed.
        SuiteError: for a run of programs that models wrote, where they may not run now.
    """
    results, info = run.read_results(), run.read_info()
    _require_own(run, info)
    suite = own_suite(run)
    again = replace(
        settings,
        limit=results.limit,
        overrides=info.overrides,
        until_decided=results.looks is not None,
        generated_code=_runs_programs(info, settings),
    )
    finished = run_suite(suite, store, reporter, again, _steps(suite))
    before, after = _figures(results), _figures(finished.results)
    names = [*before, *(name for name in after if name not in before)]
    changed = [
        ChangedFigure(name, before.get(name), after.get(name))
        for name in names
        if name not in before or name not in after or before[name] != after[name]
    ]
    return Reproduction(
        finished.run,
        [*_inputs(results, finished.results), *_surroundings(info, finished.info)],
        len(names),
        changed,
        list(_verdicts(results, finished.results)),
        tuple(sorted(_timed(results) | _timed(finished.results))),
    )


def _steps(suite: Suite) -> CarryOut:
    """How its suite is carried out: once, or in all of its planted worlds."""
    if isinstance(suite, CalibrationSuite):
        from harness.calibration.driver import over_worlds

        return over_worlds
    from harness.pipeline.carry_out import carry_out

    return carry_out


def _runs_programs(info: RunInfo, settings: Settings) -> bool:
    """Whether the stored run ran programs that models wrote; only the user allows it, never the run."""
    ran = bool(info.overrides.get("generated_code"))
    if ran and not settings.generated_code:
        raise SuiteError(
            "the run ran programs that models wrote, and that is not allowed now; nothing ran.",
            hint="rerun with --allow-generated-code, which runs them in locked-down processes.",
        )
    return ran


def _require_own(run: RunDir, info: RunInfo) -> None:
    if info.relabeled is not None:
        raise DataError(
            "this run was made by `harness relabel`, from records and not from a suite.",
            where=Where(run.path),
            hint=f"rerun the run that it was made from: {info.relabeled.run}.",
        )
    if info.command[1:2] == ["import"]:
        raise DataError(
            "this run was imported from logs of another tool, so there is nothing to run again.",
            where=Where(run.path),
            hint="rerun that tool, and import its logs.",
        )


def _figures(results: Results) -> dict[str, float | None]:
    """Every value and every end of an interval, by a name that says whose it is."""
    figures: dict[str, float | None] = {}
    timed = _timed(results)
    for row in results.metrics:
        if row.id in timed:
            continue
        figures |= _of_interval(f"{row.id} of {row.model}{_place(row.slice)}", row.interval)
    for pair in results.comparisons:
        if pair.id in timed:
            continue
        whose = f"{pair.id} of {pair.candidate} against {pair.baseline}{_place(pair.slice)}"
        figures |= _of_interval(whose, pair.delta)
    for flips in results.flips:
        whose = f"{flips.evaluation} of {flips.candidate} against {flips.baseline}"
        figures |= {f"{whose}, {name}": float(getattr(flips, name)) for name in ("fixed", "broken")}
    return figures


def _timed(results: Results) -> set[str]:
    """The figures that depend on the machine, `evaluation.metric`."""
    return {
        f"{evaluation.name}.{name}"
        for evaluation in results.evaluations
        for name, meaning in evaluation.meanings.items()
        if meaning.timed
    }


def _of_interval(whose: str, interval: Any) -> dict[str, float | None]:
    return {f"{whose}, {end}": value for end in _ENDS if (value := getattr(interval, end)) is not None}


def _place(slice_: str | None) -> str:
    return "" if slice_ is None else f" on {slice_}"


def _verdicts(before: Results, after: Results) -> Iterator[str]:
    timed = _timed(before) | _timed(after)
    judged = [[gate for gate in results.gates if not timed & set(gate.metrics)] for results in (before, after)]
    now = {(gate.id, gate.model, gate.slice): gate.verdict for gate in judged[1]}
    for gate in judged[0]:
        verdict = now.pop((gate.id, gate.model, gate.slice), None)
        if verdict != gate.verdict:
            yield f"gate {gate.id}{_place(gate.slice)}: {gate.verdict} → {verdict or 'none'}."
    for name, _, slice_ in now:
        yield f"gate {name}{_place(slice_)}: new."


def _inputs(before: Results, after: Results) -> Iterator[str]:
    if before.suite_digest != after.suite_digest:
        yield "the suite reads differently now (a file that it names, or this version's reading of it)."
    parts = (
        ("data", {data.name: data.fingerprint for data in before.data}, {d.name: d.fingerprint for d in after.data}),
        ("model", {model.name: model.digest for model in before.models}, {m.name: m.digest for m in after.models}),
    )
    for what, ours, theirs in parts:
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            if ours.get(name) != theirs.get(name):
                yield f"{what} {name} has changed: its digest differs."


def _surroundings(before: RunInfo, after: RunInfo) -> Iterator[str]:
    pairs: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...] = (
        (before.versions, after.versions),
        (before.hardware, after.hardware),
    )
    for ours, theirs in pairs:
        for name in ours:
            if ours[name] != theirs.get(name):
                yield f"{name}: {ours[name]} → {theirs.get(name, 'missing')}."


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
