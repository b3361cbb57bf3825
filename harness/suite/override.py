"""Changes to a suite from the command line: other checkpoints, another seed, a part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from harness.core.errors import Problems, SuiteError, unknown
from harness.core.model_kind import ModelSpec, model_spec
from harness.model_kinds.load_kind import LoadKind, LoadModel
from harness.model_kinds.stored_kind import NAME as STORED
from harness.schema.renames import describe_old
from harness.schema.suite.gate_rules import Composition, LeftOutGate, Rule, models_of
from harness.suite.baselines import stored_name
from harness.suite.checks.policy_checks import check_required
from harness.suite.suite import Suite, TextMode, suite_digest

SuiteT = TypeVar("SuiteT", bound=Suite)


def override(
    suite: SuiteT,
    *,
    models: Mapping[str, str] | None = None,
    seed: int | None = None,
    only: Collection[str] | None = None,
    trained_on: Mapping[str, Sequence[str]] | None = None,
    baseline_run: Mapping[str, str] | None = None,
    texts: TextMode | None = None,
) -> SuiteT:
    """A suite with changes from the command line.

    Args:
        models: name → path or hub id of a checkpoint that takes the model's place.
        seed: another seed.
        only: names of tasks, probes and models to keep, with all that they depend on.
        trained_on: name → files that the model learned from, in place of what the suite says.
        baseline_run: `run` and maybe `model`: a model of a stored run that takes the baseline's place.
        texts: whose texts the run's files hold.

    Raises:
        SuiteError: for a name that the suite does not have, and for a change that takes away what a policy requires.
    """
    value: dict[str, Any] = dict(suite.value)
    changed = suite
    if models:
        loaded = {name: _loaded(suite, name, path) for name, path in models.items()}
        changed = replace(changed, models={**changed.models, **loaded})
        value["models"] = {**value["models"], **{name: spec.options.model_dump() for name, spec in loaded.items()}}
    if trained_on:
        told = {name: _told(changed, name, files) for name, files in trained_on.items()}
        changed = replace(changed, models={**changed.models, **told})
        value["models"] = {**value["models"], **{name: spec.options.model_dump() for name, spec in told.items()}}
    if seed is not None:
        if not 0 <= seed < 2**32:
            raise SuiteError(f"expected a seed from 0 to 4294967295, found {seed}.")
        changed = replace(changed, seed=seed)
        value["seed"] = seed
    if baseline_run:
        changed = _with_stored(changed, baseline_run)
        stored = changed.compare.baseline
        value["models"] = {**value["models"], stored: {STORED: dict(baseline_run)}}
        value["compare"] = {**value["compare"], "baseline": stored}
    if texts is not None:
        changed = replace(changed, texts=texts)
        value["texts"] = texts
    kept: tuple[str, ...] | None = None
    if only:
        kept = tuple(sorted(set(only)))
        changed = _select(changed, kept)
    problems = Problems(suite.where)
    check_required(value, suite.evaluations, suite.policies, problems)
    problems.raise_any()
    return replace(changed, value=value, digest=suite_digest(value, kept))


def _with_stored(suite: SuiteT, given: Mapping[str, str]) -> SuiteT:
    """The suite with a stored baseline; its own baseline is asked as before, and is what stages start from."""
    name = stored_name(given["run"], suite.models)
    compare = suite.compare.model_copy(
        update={
            "baseline": name,
            "base_variants": [],
            "candidates": list(suite.candidates),
            "release": list(suite.release),
        }
    )
    return replace(
        suite,
        models={**suite.models, name: model_spec(STORED, given)},
        compare=compare,
        contenders=(*suite.contenders, name),
    )


def _loaded(suite: Suite, name: str, path: str) -> ModelSpec:
    if name not in suite.models:
        raise SuiteError(
            unknown("model", name, suite.models), where=suite.where("models"), hint="use the form name=path."
        )
    local = Path(path).expanduser()
    base = _base_for(suite, name) if _is_adapter(local) else None
    if base is not None:
        unset = dict.fromkeys(("adapter_revision", "labels", "quantize", "trained_on"))
        whole = {**unset, "adapter": str(local.absolute())}
        return ModelSpec(LoadKind(), base.model_copy(update=whole))
    if local.exists():
        return ModelSpec(LoadKind(), LoadModel(load=str(local.absolute())))
    identifier, _, revision = path.partition("@")
    return ModelSpec(LoadKind(), LoadModel(load=identifier, revision=revision or None))


def _told(suite: Suite, name: str, files: Sequence[str]) -> ModelSpec:
    """The model with the files that it learned from; relative paths are those of the command line."""
    if name not in suite.models:
        raise SuiteError(
            unknown("model", name, suite.models), where=suite.where("models"), hint="use the form name=file."
        )
    spec = suite.models[name]
    if not spec.kind.learned_elsewhere:
        raise SuiteError(
            f"the model {name!r} is made by this suite ({spec.made_by}), which knows what it learns from.",
            where=suite.where("models", name),
            hint="name a model that is loaded or served, or replace this one with --model too.",
        )
    return spec.with_options(trained_on=[str(Path(file).expanduser().absolute()) for file in files])


def _is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter of peft alone; one that harness wrote knows its base by digest."""
    return (folder / "adapter_config.json").is_file() and not (folder / "checkpoint.json").exists()


def _base_for(suite: Suite, name: str) -> LoadModel | None:
    """What the suite loads as the base of a model: of the entry itself, or of the one that it starts from."""
    spec = suite.models[name]
    while spec.parent is not None:
        spec = suite.models[spec.parent]
    options = spec.options
    if not isinstance(options, LoadModel) or (spec is suite.models[name] and options.adapter is None):
        return None
    return options


def _select(suite: SuiteT, only: tuple[str, ...]) -> SuiteT:
    known = {*suite.evaluations, *suite.models}
    for name in only:
        if name not in known:
            raise SuiteError(unknown("task, probe or model", name, known), where=suite.where(), hint=describe_old(name))
    evaluated = tuple(name for name in suite.evaluated if name in only) or suite.evaluated
    chosen = [name for name in suite.contenders if name in only]
    implied = {name: task for name, task in suite.implied.items() if task in evaluated}
    contenders = tuple(name for name in suite.contenders if name not in suite.implied or name in implied)
    if chosen:
        wanted = {*chosen, suite.compare.baseline, *suite.compare.base_variants, *implied}
        contenders = tuple(name for name in contenders if name in wanted)
    readers = [
        model for name, spec in suite.evaluations.items() if name in evaluated for _, model in spec.options.readers
    ]
    needed = _with_parents(suite.models, (*contenders, *readers))
    models = {name: spec for name, spec in suite.models.items() if name in needed}
    tasks = _needed_tasks(suite, evaluated, models.values())
    kept = set(contenders)
    compare = suite.compare.model_copy(
        update={
            "base_variants": [name for name in suite.compare.base_variants if name in kept],
            "candidates": [name for name in suite.candidates if name in kept],
            "release": [name for name in suite.release if name in kept],
            "pairs": [pair for pair in suite.compare.pairs if set(pair) <= kept],
        }
    )
    left_out = [
        LeftOutGate(rule, model, f"`--only {','.join(only)}` leaves out {missing}")
        for rule in suite.gates.rules
        for model in models_of(rule, suite.release)
        if (missing := _missing(rule, model, evaluated, kept)) is not None
    ]
    return replace(
        suite,
        models=models,
        tasks={name: spec for name, spec in suite.tasks.items() if name in tasks},
        probes={name: spec for name, spec in suite.probes.items() if name in evaluated},
        compare=compare,
        candidates=tuple(compare.candidates or ()),
        release=tuple(compare.release or ()),
        gates=suite.gates.narrowed(left_out, suite.release),
        evaluated=evaluated,
        contenders=contenders,
        implied=implied,
        whole=suite,
    )


def _with_parents(models: Mapping[str, ModelSpec], names: Iterable[str]) -> set[str]:
    kept: set[str] = set()
    for start in names:
        name: str | None = start
        while name is not None and name not in kept:
            kept.add(name)
            name = models[name].parent
    return kept


def _needed_tasks(suite: Suite, evaluated: Collection[str], models: Iterable[ModelSpec]) -> set[str]:
    needed = {name for name in suite.tasks if name in evaluated}
    for probe in suite.probes.values():
        if probe.name in evaluated and probe.options.task_name is not None:
            needed.add(probe.options.task_name)
    needed.update(spec.task for spec in models if spec.task is not None)
    return needed


def _missing(rule: Rule, model: str | None, evaluated: Collection[str], models: Collection[str]) -> str | None:
    """What a rule needs to judge a model and does not have; None where it has all."""
    whom = rule.model if rule.model is not None else model
    if isinstance(rule, Composition):
        # A part of a composition would be another gate than the one that was agreed on.
        reasons = (_missing(member, whom, evaluated, models) for member in rule.members)
        return next((reason for reason in reasons if reason is not None), None)
    if rule.evaluation not in evaluated:
        return f"the evaluation {rule.evaluation}"
    needed = (whom, rule.compared_with)
    return next((f"the model {name}" for name in needed if name is not None and name not in models), None)
