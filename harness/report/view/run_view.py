"""A run directory read once, with the look-ups that every part of the report needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.core.records import Records
from harness.metrics.hf_evaluate import outside_note
from harness.report.view.item_columns import ItemTable
from harness.report.view.model_cost import Cost, cost_of
from harness.schema.results.inputs import EvaluationResult, MetricMeaning, ModelResult
from harness.schema.results.metrics import ComparisonResult, FlipsResult, MetricResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo
from harness.storage.run_dir import RunDir

LANGUAGE_MODELLING = "language_modeling"
COMPLETIONS = "sample_completions"
_UNKNOWN = MetricMeaning(unit="", direction="higher")


@dataclass(frozen=True, slots=True)
class ModelPair:
    """A candidate and what it was compared with; `key` names it in the page.

    The main contest of a candidate (`main`) sets it against the baseline of each evaluation: the
    suite's, or the best way of it for that task. Every other pair is a contest of its own. A release
    model that could not be compared with a baseline (which has no head for the task, say) is told of
    by the first of its other pairs.
    """

    key: str
    baseline: str
    candidate: str
    main: bool
    release: bool
    label: str

    @property
    def address(self) -> str:
        """The pair in a link: `linear/lora`; the baseline at its best is left empty, `/lora`."""
        return f"{'' if self.main else quote(self.baseline, safe='')}/{quote(self.candidate, safe='')}"


def with_note(results: Results) -> Results:
    """The results with a note on the figures that outside code computed, if there are any."""
    note = outside_note(results.evaluations)
    if note is None or note in results.notes:
        return results
    return results.model_copy(update={"notes": [note, *results.notes]})


@dataclass
class RunView:
    """Everything the reports read.

    Attributes:
        run: the directory, for records and items; None when only results are at hand.
        training: model → its logged training steps.
    """

    results: Results
    info: RunInfo | None = None
    run: RunDir | None = None
    training: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _records: dict[tuple[str, str], Records | None] = field(default_factory=dict)
    _items: dict[str, ItemTable | None] = field(default_factory=dict)

    @classmethod
    def open(cls, run: RunDir) -> RunView:
        """Reads results.json, run.json and the training logs.

        Raises:
            DataError: when results.json or run.json is missing or damaged.
        """
        info = run.read_info()
        results = with_note(run.read_results())
        training = {model.name: run.read_training(model.name) for model in results.models if _plain(model.name)}
        return cls(results, info, run, training)

    @cached_property
    def models(self) -> dict[str, ModelResult]:
        return {model.name: model for model in self.results.models}

    @cached_property
    def evaluations(self) -> dict[str, EvaluationResult]:
        return {evaluation.name: evaluation for evaluation in self.results.evaluations}

    def baseline_of(self, evaluation: str) -> str:
        """The model that gains are measured against in an evaluation."""
        known = self.evaluations.get(evaluation)
        return (known.baseline if known is not None else "") or self.results.baseline

    @cached_property
    def contests(self) -> list[ModelPair]:
        """Every comparison that was made: releases first, then candidates in the suite's order, then other pairs."""
        results = self.results
        seen = [(row.evaluation, row.baseline, row.candidate) for row in results.comparisons]
        seen += [(row.evaluation, row.baseline, row.candidate) for row in results.flips]
        pairs = dict.fromkeys(self._pair(*names) for names in seen)
        order = list(dict.fromkeys([*results.release, *results.candidates]))

        leading: dict[str, str | None] = {}
        for base, candidate in sorted(pairs, key=lambda pair: pair[0] is not None):
            leading.setdefault(candidate, base)

        def rank(pair: tuple[str | None, str]) -> tuple[bool, bool, int]:
            released = pair[1] in results.release and leading[pair[1]] == pair[0]
            place = order.index(pair[1]) if pair[1] in order else len(order)
            return pair[0] is not None and not released, not released, place

        return [
            ModelPair(
                f"c{index}",
                base or results.baseline,
                candidate,
                base is None,
                candidate in results.release and leading[candidate] == base,
                candidate if base is None else f"{candidate} against {base}",
            )
            for index, (base, candidate) in enumerate(sorted(pairs, key=rank))
        ]

    def _pair(self, evaluation: str, baseline: str, candidate: str) -> tuple[str | None, str]:
        return (None if baseline == self.baseline_of(evaluation) else baseline), candidate

    def contest_of(self, evaluation: str, baseline: str, candidate: str) -> ModelPair:
        base, name = self._pair(evaluation, baseline, candidate)
        return next(
            pair
            for pair in self.contests
            if pair.candidate == name and (pair.main if base is None else pair.baseline == base)
        )

    def against(self, contest: ModelPair, evaluation: str) -> str:
        """The baseline of a contest in an evaluation."""
        return self.baseline_of(evaluation) if contest.main else contest.baseline

    @cached_property
    def _compared(self) -> dict[tuple[str | None, str], list[ComparisonResult]]:
        index: dict[tuple[str | None, str], list[ComparisonResult]] = {}
        for row in self.results.comparisons:
            index.setdefault(self._pair(row.evaluation, row.baseline, row.candidate), []).append(row)
        return index

    def comparisons(
        self, contest: ModelPair, *, evaluation: str | None = None, slices: bool = False
    ) -> list[ComparisonResult]:
        """The comparisons of a contest: overall ones, or (`slices`) those on slices."""
        return [
            row
            for row in self._compared.get((None if contest.main else contest.baseline, contest.candidate), [])
            if (row.slice is not None) == slices and evaluation in (None, row.evaluation)
        ]

    @cached_property
    def _metrics(self) -> dict[tuple[str, str, str | None], MetricResult]:
        return {(row.id, row.model, row.slice): row for row in self.results.metrics}

    def metric(self, id_: str, model: str, slice_: str | None = None) -> MetricResult | None:
        return self._metrics.get((id_, model, slice_))

    @cached_property
    def overall(self) -> dict[tuple[str, str, str], ComparisonResult]:
        """(metric id, baseline, candidate) → the comparison on all items."""
        rows = (row for row in self.results.comparisons if row.slice is None)
        return {(row.id, row.baseline, row.candidate): row for row in rows}

    @cached_property
    def units(self) -> dict[str, str]:
        """Metric id → unit."""
        rows: list[MetricResult | ComparisonResult] = [*self.results.comparisons, *self.results.metrics]
        return {row.id: row.unit for row in rows}

    def meaning(self, evaluation: str, metric: str) -> MetricMeaning:
        """What a metric is; of results that do not say it, its id has to do."""
        known = self.evaluations.get(evaluation)
        meaning = known.meanings.get(metric) if known is not None else None
        return meaning if meaning is not None else _UNKNOWN

    def label(self, evaluation: str, metric: str) -> str:
        """A metric in a few words; an empty text where nothing says more than its id."""
        return self.meaning(evaluation, metric).label

    def short(self, evaluation: str, metric: str) -> str:
        """A metric's name in running text; its id where it has no other."""
        return self.meaning(evaluation, metric).short or metric

    def named(self, evaluation: str, metric: str) -> str:
        """`flip_rate on names (share of answers that change when groups are swapped)`."""
        words = self.label(evaluation, metric)
        return f"{metric} on {evaluation}" + (f" ({words})" if words else "")

    def harms(self, evaluation: str, metric: str) -> bool:
        """Whether a metric says of a probe whom a model hurts, and not whether the model can do the task at all."""
        return self.group(evaluation, metric) == "bias" and self.meaning(evaluation, metric).role != "companion"

    def flips(self, contest: ModelPair) -> list[FlipsResult]:
        pair = (None if contest.main else contest.baseline, contest.candidate)
        return [row for row in self.results.flips if self._pair(row.evaluation, row.baseline, row.candidate) == pair]

    def group(self, evaluation: str, metric: str) -> str:
        """Which question a metric answers: `gained`, `forgotten`, `bias`, `calibration` or `cost`."""
        known = self.evaluations.get(evaluation)
        if known is not None and known.role == "cost":
            return "cost"
        if known is not None and known.role == "probe":
            return "bias"
        if known is not None and known.kind == LANGUAGE_MODELLING:
            return "forgotten"
        return "calibration" if self.meaning(evaluation, metric).aspect == "calibration" else "gained"

    def headline(self, contest: ModelPair, evaluation: str) -> ComparisonResult | None:
        """The comparison that speaks for an evaluation: its leading metric, else the first one that
        is defined and no calibration figure. None for fixed completions, which are to be read, not judged, and for
        costs, which say nothing of a model's answers."""
        known = self.evaluations.get(evaluation)
        if known is not None and (known.role == "cost" or (known.kind == COMPLETIONS and known.role == "task")):
            return None
        rows = self.comparisons(contest, evaluation=evaluation)
        lead = known.metrics[0] if known is not None and known.metrics else ""
        rows.sort(
            key=lambda row: (
                row.status != "ok",
                self.group(row.evaluation, row.metric) == "calibration",
                row.metric.split("[")[0] != lead.split("[")[0],
                self.meaning(row.evaluation, row.metric).role == "descriptive",
            )
        )
        return rows[0] if rows else None

    def cost(self, model: str) -> Cost:
        measured = self.info.training.get(model, {}) if self.info else {}
        cost = cost_of(self.models[model], measured)
        further = self.info.further_seeds(model) if self.info else []
        if self.info is None or not further:
            return cost
        return replace(cost, seconds=self.info.training_seconds(model), seeds=1 + len(further))

    def gates_of(self, model: str) -> list[GateResult]:
        return [gate for gate in self.results.gates if gate.model in (model, None)]

    def records(self, evaluation: str, model: str) -> Records | None:
        """The records of a model, or None where the run has none."""
        key = (evaluation, model)
        if key not in self._records:
            named = self.run is not None and _plain(evaluation) and _plain(model)
            stored = self.run is not None and named and self.run.records_path(evaluation, model).is_file()
            self._records[key] = self.run.records(evaluation, model) if self.run is not None and stored else None
        return self._records[key]

    def item_table(self, evaluation: str) -> ItemTable | None:
        """The items of an evaluation, or None where the run has none; blocks of timings are none."""
        if evaluation not in self._items:
            known = self.evaluations.get(evaluation)
            timed = known is not None and known.role == "cost"
            named = (
                self.run is not None and not timed and _plain(evaluation) and self.run.items_path(evaluation).is_file()
            )
            table = ItemTable.read(self.run.items_path(evaluation)) if named and self.run is not None else None
            self._items[evaluation] = table
        return self._items[evaluation]

    def pairs(self, evaluation: str) -> list[tuple[str, str]]:
        """(baseline, candidate) that were compared on an evaluation, in the order of the contests."""
        rows: list[ComparisonResult | FlipsResult] = [*self.results.flips, *self.results.comparisons]
        compared = dict.fromkeys((row.baseline, row.candidate) for row in rows if row.evaluation == evaluation)
        place = {contest.key: number for number, contest in enumerate(self.contests)}
        return sorted(compared, key=lambda pair: place[self.contest_of(evaluation, *pair).key])


def _plain(name: str) -> bool:
    """Whether a name from results.json is a file name and cannot lead out of the run directory."""
    return bool(name) and "\0" not in name and Path(name).name == name and name not in (".", "..")
