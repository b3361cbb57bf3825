"""Checks that names used in a suite are defined in it, and that nothing depends on itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.digests import digest
from harness.core.errors import Key, Problems, unknown
from harness.core.evaluation import Evaluation
from harness.core.model_kind import ModelSpec
from harness.data.catalog import catalog_index
from harness.schema.suite.compare_section import CompareSpec
from harness.schema.suite.data_refs import CatalogRef
from harness.suite.sections import Sections, named
from harness.suite.suite import EvaluationSpec, without_judges


def check_references(sections: Sections, value: Mapping[str, Any], problems: Problems) -> None:
    """Notes every name that nothing defines, with the nearest one that is."""
    data, models, tasks = named(value, "data"), named(value, "models"), named(value, "tasks")
    for name, ref in sections.data.items():
        if isinstance(ref, CatalogRef):
            _check_catalog(ref.catalog, problems, "data", name, "catalog")
    for name, spec in sections.models.items():
        _check_model(name, spec, data, models, tasks, sections, problems)
    _check_cycles(sections.models, problems)
    _check_identities(sections.models, problems)
    for evaluation in sections.evaluations.values():
        below = problems.below(f"{evaluation.role}s", evaluation.name)
        _check_evaluation(evaluation, data, tasks, below)
        for keys, model in evaluation.options.readers:
            _known("model", model, models, below, evaluation.kind, *keys)
        _check_decoding(evaluation, sections, below)
    for name in named(value, "probes"):
        if name in tasks:
            problems.add(
                f"a task and a probe share the name {name!r}; evaluation names must be unique.",
                "probes",
                name,
                key=True,
            )
    if not tasks and not named(value, "probes"):
        problems.add("expected at least one task or probe, found none.")
    if sections.compare is not None:
        _check_compare(sections.compare, models, problems.below("compare"))


def _known(what: str, name: str, known: Sequence[str], problems: Problems, *keys: Key) -> bool:
    if name in known:
        return True
    problems.add(unknown(what, name, known), *keys)
    return False


def _check_catalog(name: str, problems: Problems, *keys: Key) -> None:
    _known("catalog entry", name, catalog_index.names(), problems, *keys)


def _check_model(
    name: str,
    spec: ModelSpec,
    data: Sequence[str],
    models: Sequence[str],
    tasks: Sequence[str],
    sections: Sections,
    problems: Problems,
) -> None:
    here = problems.below("models", name, *(() if spec.kind.flat else (spec.kind.name,)))
    if spec.parent is not None:
        _known("model", spec.parent, models, here, "from")
        _check_start(spec, sections.models.get(spec.parent), here)
    for index, used in enumerate(spec.data):
        _known("data", used, data, here, "data", index)
    if spec.task is not None:
        _check_learned(spec.task, tasks, sections, here)
    spec.kind.check(spec.options, here)


def _check_start(spec: ModelSpec, parent: ModelSpec | None, problems: Problems) -> None:
    """Refuses what has no weights of its own that a stage could go on from."""
    reason = None if parent is None else parent.kind.refuses_child(parent.options, spec.kind)
    if reason is not None:
        problems.add(f"{reason} cannot be trained further.", "from", hint="use its parent model instead.")


def _check_learned(task: str, tasks: Sequence[str], sections: Sections, problems: Problems) -> None:
    if not _known("task", task, tasks, problems, "task"):
        return
    spec = sections.tasks.get(task)
    if spec is not None and spec.cls.examples is Evaluation.examples:
        problems.add(f"the task {task!r} ({spec.kind}) has no training examples.", "task")


def _check_identities(models: Mapping[str, ModelSpec], problems: Problems) -> None:
    """Refuses one model under two names where nothing but the suite tells models apart: a comparison with itself."""
    known: dict[str, str] = {}
    for name, spec in models.items():
        identity = spec.kind.identity(spec.options)
        if identity is None:
            continue
        first = known.setdefault(digest({"kind": spec.kind.name, **identity}), name)
        if first != name:
            problems.add(
                f"the models {first!r} and {name!r} are one and the same {spec.kind.name} model: same address (or "
                f"`identity`), model name and request options.",
                "models",
                name,
                spec.kind.name,
                hint="remove one of them, or correct its `url` or `model`.",
            )


def _check_cycles(models: Mapping[str, ModelSpec], problems: Problems) -> None:
    parents = {name: spec.parent for name, spec in models.items() if spec.parent is not None}
    seen: set[str] = set()
    for start in parents:
        path: list[str] = []
        name: str | None = start
        while name is not None and name not in seen and name not in path:
            path.append(name)
            name = parents.get(name)
        if name is not None and name in path:
            circle = [*path[path.index(name) :], name]
            problems.add(
                f"circular model dependency: {' → '.join(circle)}.",
                "models",
                name,
                models[name].kind.name,
                "from",
                hint="start one of them from a pretrained or loaded model.",
            )
        seen.update(path)


def _check_evaluation(spec: EvaluationSpec, data: Sequence[str], tasks: Sequence[str], problems: Problems) -> None:
    stands_on = spec.options.task_name
    if stands_on is not None:
        _known("task", stands_on, tasks, problems, spec.kind, "on")
    written = spec.raw.get("data")
    for ref in spec.cls.data_names(spec.options):
        keys: tuple[Key, ...] = (spec.kind, "data")
        if isinstance(ref, str):
            if isinstance(written, list) and ref in written:
                keys = (*keys, written.index(ref))
            _known("data", ref, data, problems, *keys)
        elif isinstance(ref, CatalogRef):
            if isinstance(written, list):
                keys = (*keys, next(i for i, entry in enumerate(written) if _is_entry(entry, ref.catalog)))
            _check_catalog(ref.catalog, problems, *keys, "catalog")


def _check_decoding(spec: EvaluationSpec, sections: Sections, problems: Problems) -> None:
    """Refuses what is said of decoding where one of the models that are asked would drop it."""
    asked = without_judges(sections.compare, tuple(sections.models), sections.evaluations.values())
    for name in asked:
        kind = sections.models[name].kind if name in sections.models else None
        for option in spec.options.decoding:
            if kind is not None and option not in kind.decoding:
                problems.add(
                    f"the model {name!r} (`{kind.name}`) does not carry out `{option}`.",
                    spec.kind,
                    hint=f"remove it; this kind of model takes {', '.join(sorted(kind.decoding))}.",
                )


def _is_entry(written: Any, name: str) -> bool:
    return isinstance(written, dict) and written.get("catalog") == name


def _check_compare(compare: CompareSpec, models: Sequence[str], problems: Problems) -> None:
    _known("model", compare.baseline, models, problems, "baseline")
    lists = (
        ("base_variants", compare.base_variants),
        ("candidates", compare.candidates or ()),
        ("release", compare.release or ()),
    )
    for key, names in lists:
        for index, name in enumerate(names):
            _known("model", name, models, problems, key, index)
            if name == compare.baseline:
                problems.add(f"{name!r} is the baseline, so it cannot be listed here.", key, index)
            if name in names[:index]:
                problems.add(f"{name!r} is listed twice.", key, index)
    if compare.candidates is not None:
        for index, name in enumerate(compare.release or ()):
            if name in models and name not in compare.candidates and name != compare.baseline:
                problems.add(
                    f"{name!r} is not a candidate, so it cannot be listed under `release`.",
                    "release",
                    index,
                    hint="add it to `candidates`.",
                )
    for index, pair in enumerate(compare.pairs):
        for side, name in enumerate(pair):
            _known("model", name, models, problems, "pairs", index, side)
        if pair[0] == pair[1]:
            problems.add(f"{pair[0]!r} is paired with itself.", "pairs", index)
