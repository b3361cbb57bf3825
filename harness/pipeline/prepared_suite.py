"""Opens a suite's data and binds its tasks and probes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.core import registry
from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.errors import HarnessError, SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext
from harness.core.reporter import Reporter
from harness.pipeline.trained_rows import without_trained_rows
from harness.schema.suite.data_refs import CatalogRef, DataRef, ref_name
from harness.storage import memory_room
from harness.storage.store import Store
from harness.suite.checks.policy_checks import check_fingerprints

if TYPE_CHECKING:
    from harness.suite.suite import EvaluationSpec, Suite

EVALUATION_FORMAT = 1
_LISTS = ("words", "shares")
"""Options that name lists as data; the other data hold rows."""


@dataclass(frozen=True)
class BoundEvaluation:
    """An evaluation with its open data."""

    name: str
    evaluation: Evaluation
    data: tuple[Dataset, ...]
    split: str
    metrics: tuple[str, ...]
    on: str | None

    def identity(self, split: str) -> dict[str, Any]:
        """What decides the items and requests: part of the keys of items and records."""
        return {
            "format": EVALUATION_FORMAT,
            "kind": self.evaluation.kind,
            "spec": dict(self.evaluation.spec()),
            "split": split,
            "data": [dataset.fingerprint for dataset in self.data],
        }

    @property
    def lists(self) -> dict[str, str]:
        """The word lists and tables that its options name as data, by content: they decide what is asked and read."""
        fingerprints = {dataset.name: dataset.fingerprint for dataset in self.data}
        options = dict(self.evaluation.options)
        return {
            name: fingerprints[ref_name(options[name])]
            for name in _LISTS
            if options.get(name) is not None
            and options[name] != options.get("data")
            and options[name] in self.evaluation.data_refs
        }

    def items_key(self, split: str) -> str:
        return digest(self.identity(split))


@dataclass(frozen=True)
class PreparedSuite:
    """A suite with open data and bound evaluations, tasks before probes.

    `code` holds the loaded modules of metrics that are code of a file; only a run that the user allowed has any.
    `elsewhere` are the evaluations that `--only` left out, where a model is trained: their rows are held out too.
    """

    suite: Suite
    datasets: Mapping[str, Dataset]
    evaluations: Mapping[str, BoundEvaluation]
    code: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Sequence[BoundEvaluation] = ()

    @property
    def held_out(self) -> list[tuple[Dataset, str]]:
        """The (data set, split) pairs that some evaluation of the whole suite asks about."""
        return [(data, bound.split) for bound in (*self.evaluations.values(), *self.elsewhere) for data in bound.data]

    @property
    def reported(self) -> dict[str, BoundEvaluation]:
        """The evaluations that have figures; others only serve training or a probe."""
        return {name: bound for name, bound in self.evaluations.items() if name in self.suite.evaluated}

    @property
    def asked(self) -> dict[str, BoundEvaluation]:
        """Those of them that each model answers on its own, whenever it is."""
        return {name: bound for name, bound in self.reported.items() if bound.evaluation.role != "cost"}

    @property
    def timed(self) -> dict[str, BoundEvaluation]:
        """Those for which all models take turns, and are timed."""
        return {name: bound for name, bound in self.reported.items() if bound.evaluation.role == "cost"}


def prepare(
    suite: Suite,
    store: Store,
    reporter: Reporter,
    *,
    limit: int | None = None,
    code: Mapping[str, Any] | None = None,
) -> PreparedSuite:
    """Opens all data that the suite's models, tasks and probes name, without rows that models learned from elsewhere.

    Args:
        limit: at most this many items an evaluation (`--limit`); training is not touched.
        code: loaded modules of metrics, by name.

    Raises:
        HarnessError: where data is missing or wrong, at the suite's line.
    """
    datasets = without_trained_rows(suite, open_data(references(suite), suite, store, reporter), store, reporter)
    fingerprints = {name: dataset.fingerprint for name, dataset in datasets.items()}
    check_fingerprints(suite.policies, fingerprints, partial=suite.whole is not None)
    elsewhere: Sequence[BoundEvaluation] = ()
    if suite.whole is not None and (asked := held_out_references(suite)):
        new = {name: ref for name, ref in asked.items() if name not in datasets}
        elsewhere = list(bind(suite.whole, {**datasets, **open_data(new, suite, store, reporter)}).values())
    return PreparedSuite(suite, datasets, bind(suite, datasets, limit), code or {}, elsewhere)


def open_data(wanted: Mapping[str, DataRef], suite: Suite, store: Store, reporter: Reporter) -> dict[str, Dataset]:
    """Opens data of a suite, by name."""
    from harness.data.open_dataset import open_dataset

    opened: dict[str, Dataset] = {}
    for name, ref in wanted.items():
        opened[name] = open_dataset(ref, name=name, base=suite.folder, store=store, reporter=reporter)
    memory_room.give_back()
    return opened


def references(suite: Suite) -> dict[str, DataRef]:
    """Every data reference that something in the suite uses, also inside evaluations: name → reference."""
    used = {name: suite.data[name] for model in suite.models.values() for name in model.data}
    return {**used, **asked_references(suite)}


def held_out_references(suite: Suite) -> dict[str, DataRef]:
    """The data that the evaluations of the whole suite ask about, where a part of it trains a model."""
    trains = suite.whole is not None and any(
        spec.trained and name not in suite.implied for name, spec in suite.models.items()
    )
    return asked_references(suite.whole) if suite.whole is not None and trains else {}


def asked_references(suite: Suite) -> dict[str, DataRef]:
    """The data references of the suite's evaluations."""
    used: dict[str, DataRef] = {}
    for spec in [*suite.tasks.values(), *suite.probes.values()]:
        for ref in _names(spec):
            key = ref_name(ref)
            used[key] = suite.data[key] if isinstance(ref, str) else ref
    return used


def _names(spec: EvaluationSpec) -> tuple[Any, ...]:
    cls = registry.load("tasks" if spec.role == "task" else "probes", spec.kind)
    names: tuple[Any, ...] = cls.data_names(spec.options)
    return names


def bind(
    suite: Suite,
    datasets: Mapping[str, Dataset],
    limit: int | None = None,
    limits: Mapping[str, int] | None = None,
) -> dict[str, BoundEvaluation]:
    """Makes every task and probe of the suite, with its data.

    Args:
        limit: at most this many items of each evaluation.
        limits: the same for single evaluations, by name.
    """
    tasks: dict[str, Evaluation] = {}
    context = _context(suite, datasets, tasks)
    bound: dict[str, BoundEvaluation] = {}
    for spec in [*suite.tasks.values(), *suite.probes.values()]:
        most = [number for number in (limit, (limits or {}).get(spec.name), spec.options.limit) if number is not None]
        bound[spec.name] = _bound(suite, spec, datasets, context, min(most) if most else None)
        if spec.role == "task":
            tasks[spec.name] = bound[spec.name].evaluation
    return bound


def bind_each(
    suite: Suite, datasets: Mapping[str, Dataset]
) -> Iterator[tuple[EvaluationSpec, BoundEvaluation | HarnessError]]:
    """Every task and probe of the suite whose data are open, or why it cannot be made; one fault hides no other."""
    tasks: dict[str, Evaluation] = {}
    context = _context(suite, datasets, tasks)
    for spec in [*suite.tasks.values(), *suite.probes.values()]:
        if any(ref_name(ref) not in datasets for ref in _names(spec)):
            continue
        if spec.options.task_name is not None and spec.options.task_name not in tasks:
            continue
        try:
            made = _bound(suite, spec, datasets, context, spec.options.limit)
        except HarnessError as error:
            yield spec, error
            continue
        if spec.role == "task":
            tasks[spec.name] = made.evaluation
        yield spec, made


def _context(suite: Suite, datasets: Mapping[str, Dataset], tasks: Mapping[str, Evaluation]) -> EvaluationContext:
    labels = {name: dataset.labels for name, dataset in datasets.items()}
    declared = ((name, ref.language) for name, ref in references(suite).items() if not isinstance(ref, CatalogRef))
    languages = {name: language for name, language in declared if language is not None}
    return EvaluationContext(tasks, labels, suite.seed, languages, suite.generated_code)


def _bound(
    suite: Suite,
    spec: EvaluationSpec,
    datasets: Mapping[str, Dataset],
    context: EvaluationContext,
    limit: int | None,
) -> BoundEvaluation:
    group = "tasks" if spec.role == "task" else "probes"
    options = spec.options if limit is None else spec.options.model_copy(update={"limit": limit})
    evaluation: Evaluation = registry.load(group, spec.kind)(spec.name, options, context)
    data = tuple(datasets[ref_name(ref)] for ref in evaluation.data_refs)
    evaluation.check_data(data)
    metrics = tuple(options.metrics or evaluation.default_metrics)
    if not metrics:
        raise SuiteError(f"{group[:-1]} {spec.name!r} has no metric.", where=suite.where(group, spec.name))
    return BoundEvaluation(spec.name, evaluation, data, options.split, metrics, options.task_name)
