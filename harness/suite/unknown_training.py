"""Which evaluations ask models about rows that they may have been trained on, as far as the suite says.

A model that is trained here learns from no row that is asked about. Of a loaded or served model nobody knows it, unless
the suite says what it learned from (`trained_on`), or that nobody learned from the rows (`held_out`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.core.model_kind import ModelSpec
from harness.schema.results.inputs import UnknownTraining
from harness.schema.suite.data_refs import DataName, DataRef, FileRef, HubRef, ref_name
from harness.suite.suite import EvaluationSpec, Suite


def unknown_training(suite: Suite) -> dict[str, UnknownTraining]:
    """Evaluation → the models that may have been trained on its rows; evaluations without such models are left out."""
    silent = {model: sources for model in suite.contenders if (sources := _silent(suite.models, model))}
    unknown: dict[str, UnknownTraining] = {}
    for name in suite.evaluated:
        data = list(_unsaid(suite, suite.evaluations[name]))
        if data and silent:
            sources = list(dict.fromkeys(source for named in silent.values() for source in named))
            unknown[name] = UnknownTraining(
                models=list(silent),
                sentence=f"rows may have been trained on: nothing says what {_listed(sources)} learned from.",
                advice=_advice(data, sources),
            )
    return unknown


def warnings_of(suite: Suite) -> list[str]:
    """One sentence for every different advice, with the evaluations that it is about and the lines to add."""
    by_text: dict[tuple[str, str], list[str]] = {}
    for name, unknown in unknown_training(suite).items():
        by_text.setdefault((unknown.sentence, unknown.advice), []).append(name)
    return [f"{_listed(names)}: {sentence} {advice}" for (sentence, advice), names in by_text.items()]


def lineage(models: Mapping[str, ModelSpec], name: str) -> Iterator[str]:
    """A model and all that it starts from, nearest first."""
    seen: set[str] = set()
    current: str | None = name
    while current is not None and current in models and current not in seen:
        seen.add(current)
        yield current
        current = models[current].parent


def _silent(models: Mapping[str, ModelSpec], name: str) -> list[str]:
    """The models below one that learned elsewhere, and nothing says from what."""
    return [
        parent
        for parent in lineage(models, name)
        if models[parent].kind.learned_elsewhere and models[parent].trained_on is None
    ]


def _unsaid(suite: Suite, spec: EvaluationSpec) -> Iterator[str]:
    """What to call the user's own data and the hub's that an evaluation asks about, where nothing says held out."""
    for name, ref in {ref_name(ref): ref for ref in references_of(suite, spec)}.items():
        resolved: DataRef = suite.data[ref] if isinstance(ref, str) else ref
        if isinstance(resolved, FileRef | HubRef) and not resolved.held_out:
            yield f"data {name}" if isinstance(ref, str) else f"the data of {spec.name}"


def references_of(suite: Suite, spec: EvaluationSpec) -> Sequence[DataName]:
    """What an evaluation asks about: its own data, and that of the task that it stands on."""
    names: list[DataName] = list(spec.cls.data_names(spec.options))
    task = suite.tasks.get(spec.options.task_name or "")
    return names if task is None else [*names, *task.cls.data_names(task.options)]


def _advice(data: Sequence[str], sources: Sequence[str]) -> str:
    models = f"model{'s' if len(sources) > 1 else ''} {_listed(sources)}"
    return (
        f"If no model learned from these rows, add `held_out: true` to {_listed(data)}; else add "
        f"`trained_on: [FILE]` to {models}, and the rows that occur in FILE are left out."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
