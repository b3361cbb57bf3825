"""What is known already while a run goes on: a row per model as soon as it is trained, values alone."""

from __future__ import annotations

from dataclasses import replace

from harness.core.records import Records
from harness.core.reporter import Reporter
from harness.pipeline.answered_evaluation import AnsweredEvaluation
from harness.pipeline.checkpoints.checkpoint import Checkpoint
from harness.pipeline.prepared_suite import BoundEvaluation
from harness.pipeline.records.grading import readings_of
from harness.pipeline.records.record_cache import RecordCache
from harness.schema.results.number_format import level

_MOST = 6
"""Columns of the table; the report has them all."""


class FirstFigures:
    """Asks models early and shows the first metric of each evaluation, in the order of the suite."""

    def __init__(self, cache: RecordCache, reporter: Reporter) -> None:
        self._cache = cache
        self._reporter = reporter
        # What other models grade waits for those.
        self._early = [bound for bound in cache.prepared.asked.values() if not readings_of(bound.evaluation)]
        self._columns = [bound.name for bound in self._early[:_MOST]]
        self._cells: dict[str, dict[str, str]] = {}
        self._new: set[str] = set()
        self._shown: set[str] = set()

    def ask(self, checkpoint: Checkpoint) -> bool:
        """Asks a model that was just trained everything that it alone answers, and shows its row.

        Returns:
            whether all answers were there already.
        """
        cached = True
        for bound in self._early:
            if self._cache.prepared.suite.asks(checkpoint.model, bound.name):
                answered = self._cache.answer(bound, checkpoint)
                self.add(answered)
                cached &= answered.cached
        self._cache.close()
        self.show(checkpoint.model)
        return cached

    def add(self, answered: AnsweredEvaluation) -> None:
        """Keeps the figure of one evaluation for the model's row."""
        model, name = answered.model, answered.spec.name
        if model in self._shown or name not in self._columns or answered.records is None:
            return
        if not answered.cached:
            self._new.add(model)
        self._cells.setdefault(model, {})[name] = self._figure(answered.spec, answered.records)

    def show(self, model: str) -> None:
        """Shows a model's row, once; nothing where all of it was known before the run."""
        cells = self._cells.pop(model, {})
        values = [cells[name] for name in self._columns if cells.get(name)]
        if model in self._shown or model not in self._new or not values:
            return
        if not self._shown:
            self._reporter.info("first figures, without intervals and verdicts:")
        self._shown.add(model)
        self._reporter.info(f"  {model}: " + " · ".join(values))

    def _figure(self, bound: BoundEvaluation, records: Records) -> str:
        """`reviews accuracy 74.5%`; nothing where the model has no value."""
        from harness.comparisons.recomputed import value_of
        from harness.metrics.build_metrics import applies, build_metrics

        context = replace(bound.evaluation.metric_context(), code=self._cache.prepared.code)
        known = (
            metric for metric in build_metrics(list(bound.metrics), context) if applies(metric, records.head.protocol)
        )
        first = next(known, None)
        if first is None:
            return ""
        value = value_of(first, records.take(records.ok))
        return f"{bound.name} {first.short or first.id} {level(value, first.unit)}"
