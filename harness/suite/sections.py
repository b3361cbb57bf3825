"""The sections of a suite file, each validated on its own; faults go to a list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.core import registry
from harness.core.errors import Problems, SuiteError, nearest, unknown
from harness.core.model_kind import ModelSpec, kind_named
from harness.schema.suite.compare_section import CompareSpec
from harness.schema.suite.data_refs import DataRef
from harness.schema.suite.types import NAME_PATTERN
from harness.schema.validation import in_words, validate
from harness.suite.inline_csv_lexicons import with_files
from harness.suite.suite import EvaluationSpec, Role, TextMode

T = TypeVar("T")

SECTIONS = (
    "name",
    "title",
    "description",
    "seed",
    "data",
    "models",
    "compare",
    "tasks",
    "probes",
    "policy",
    "gates",
    "texts",
)
TEXTS: tuple[TextMode, ...] = ("all", "flips", "none")
REQUIRED = ("name", "models", "compare")


@dataclass(slots=True)
class Sections:
    """What could be read; a part that has faults is missing here, and named in the problems."""

    name: str
    title: str
    description: str
    seed: int
    data: dict[str, DataRef]
    models: dict[str, ModelSpec]
    compare: CompareSpec | None
    tasks: dict[str, EvaluationSpec]
    probes: dict[str, EvaluationSpec]
    texts: TextMode

    @property
    def evaluations(self) -> dict[str, EvaluationSpec]:
        return {**self.tasks, **self.probes}


def read_sections(value: Any, problems: Problems, keys: Sequence[str] = SECTIONS) -> Sections:
    """Validates all sections but the gates.

    Args:
        keys: the keys that the top level may have.

    Raises:
        SuiteError: when the top level is not a mapping: nothing else can be said then.
    """
    if not isinstance(value, dict):
        problems.add(f"expected a mapping with the keys {', '.join(keys)}, found {in_words(value)}.")
        problems.raise_any()
    for key in value:
        if key not in keys:
            problems.add(unknown("key", key, keys), key, key=True)
    for key in REQUIRED:
        if key not in value:
            problems.add(f"the key {key!r} is missing.")
    title = _scalar(str, value, "title", "", problems)
    name = _scalar(str, value, "name", "", problems)
    if name:
        _check_name("suite", name, problems, "name", key=False)
    compare = validate(CompareSpec, value["compare"], problems.below("compare")) if "compare" in value else None
    return Sections(
        name=name,
        title=title or name,
        description=_scalar(str, value, "description", "", problems),
        seed=_seed(value, problems),
        data=_data(value, problems),
        models=_models(value, problems),
        compare=compare,
        tasks=_evaluations(value, "task", problems),
        probes=_evaluations(value, "probe", problems),
        texts=_texts(value, problems),
    )


def _texts(value: Mapping[str, Any], problems: Problems) -> TextMode:
    given = value.get("texts", TEXTS[0])
    mode = next((mode for mode in TEXTS if mode == given), None)
    if mode is None:
        problems.add(f"expected {', '.join(TEXTS)}, found {in_words(given)}.", "texts")
    return mode or "none"


def named(value: Mapping[str, Any], section: str) -> tuple[str, ...]:
    """The names that a section defines, sound or not: references to them are no fault."""
    entries = value.get(section)
    return tuple(entries) if isinstance(entries, dict) else ()


def _scalar(kind: type[T], value: Mapping[str, Any], key: str, default: T, problems: Problems) -> T:
    if key not in value:
        return default
    result: T | None = validate(kind, value[key], problems.below(key))
    return default if result is None else result


def _seed(value: Mapping[str, Any], problems: Problems) -> int:
    seed = _scalar(int, value, "seed", 0, problems)
    if not 0 <= seed < 2**32:
        problems.add(f"expected a seed from 0 to 4294967295, found {seed}.", "seed")
    return seed


def _entries(value: Mapping[str, Any], section: str, what: str, problems: Problems) -> dict[str, Any]:
    entries = value.get(section)
    if entries is None:
        if section in REQUIRED and section in value:
            problems.add(f"expected a mapping of names to {section}, found nothing.", section)
        return {}
    if not isinstance(entries, dict):
        problems.add(f"expected a mapping of names to {section}, found {in_words(entries)}.", section)
        return {}
    for name in entries:
        _check_name(what, name, problems, section, name, key=True)
    return entries


def _data(value: Mapping[str, Any], problems: Problems) -> dict[str, DataRef]:
    result = {}
    for name, raw in _entries(value, "data", "data", problems).items():
        here = problems.below("data", name)
        entry: DataRef | None = validate(DataRef, with_files(raw, here), here)
        if entry is not None:
            result[name] = entry
    return result


def _models(value: Mapping[str, Any], problems: Problems) -> dict[str, ModelSpec]:
    result = {}
    for name, raw in _entries(value, "models", "model", problems).items():
        here = problems.below("models", name)
        spec = _model(with_files(raw, here), here)
        if spec is not None:
            result[name] = spec
    return result


def _model(raw: Any, problems: Problems) -> ModelSpec | None:
    """A model by the one key that names its kind."""
    names = registry.names("models")
    if not isinstance(raw, dict):
        problems.add(f"expected a mapping with one of the keys {', '.join(names)}, found {in_words(raw)}.")
        return None
    named = [key for key in raw if key in names]
    if not named:
        _note_missing_kind(raw, names, problems)
        return None
    if len(named) > 1:
        keys = " and ".join(repr(key) for key in named)
        problems.add(f"a model has one kind; found {keys}.", named[1], key=True, hint="make two models of it.")
        return None
    (name,) = named
    try:
        kind = kind_named(name)
    except SuiteError as error:
        problems.add_error(error, name)
        return None
    if kind.flat:
        options = validate(kind.Options, raw, problems)
    else:
        options = validate(kind.Options, raw[name], problems.below(name))
        known = {field.alias or key for key, field in kind.Options.model_fields.items()}
        for key in (key for key in raw if key != name):
            hint = f"write it below {name!r}." if key in known else None
            problems.add(f"unknown key {key!r} next to {name!r}.", key, key=True, hint=hint)
            options = None
    return None if options is None else ModelSpec(kind, options)


def _note_missing_kind(raw: Mapping[str, Any], names: list[str], problems: Problems) -> None:
    """No key is a kind: the one that comes nearest is misspelled, else the first is unknown."""
    if not raw:
        problems.add(f"expected one of the keys {', '.join(names)}, found none of them.")
        return
    key = next((key for key in raw if nearest(key, names) is not None), next(iter(raw)))
    problems.add(unknown("kind of model", key, names), key, key=True)


def _evaluations(value: Mapping[str, Any], role: Role, problems: Problems) -> dict[str, EvaluationSpec]:
    section = f"{role}s"
    result = {}
    for name, raw in _entries(value, section, role, problems).items():
        here = problems.below(section, name)
        kinds = registry.names(section)
        if not isinstance(raw, dict) or len(raw) != 1:
            shown = f"the keys {', '.join(raw)}" if isinstance(raw, dict) and raw else in_words(raw)
            here.add(f"expected one kind of {role} with its options ({', '.join(kinds)}), found {shown}.")
            continue
        (kind,) = raw
        spec = _evaluation(name, role, kind, raw[kind], here)
        if spec is not None:
            result[name] = spec
    return result


def _evaluation(name: str, role: Role, kind: str, raw: Any, problems: Problems) -> EvaluationSpec | None:
    kinds = registry.names(f"{role}s")
    if kind not in kinds:
        problems.add(unknown(f"kind of {role}", kind, kinds), kind, key=True)
        return None
    given = {} if raw is None else raw
    try:
        cls = registry.load(f"{role}s", kind)
    except SuiteError as error:
        problems.add_error(error, kind)
        return None
    complete = with_files(given, problems.below(kind))
    if isinstance(given, dict):
        file = problems.where().file
        try:
            complete = cls.prepared(complete, Path(file).parent)
        except SuiteError as error:
            problems.add_error(error, kind)
            return None
    options = validate(cls.Options, complete, problems.below(kind))
    return None if options is None else EvaluationSpec(name, role, kind, options, given)


def _check_name(what: str, name: str, problems: Problems, *keys: str, key: bool) -> None:
    if not re.fullmatch(NAME_PATTERN[1:-1], name):
        safe = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:64]
        problems.add(
            f"expected a {what} name of small letters, digits, `-` and `_`, found {name[:64]!r}.",
            *keys,
            key=key,
            hint=f"write {safe!r}." if safe else None,
        )
