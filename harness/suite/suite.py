"""A validated suite: everything that the YAML says, typed, with the places it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from harness.core import registry
from harness.core.digests import digest
from harness.core.errors import Key, Where
from harness.core.model_kind import ModelSpec
from harness.schema.suite.compare_section import CompareSpec
from harness.schema.suite.data_refs import DataRef
from harness.schema.suite.evaluation_options import EvaluationOptions
from harness.schema.suite.gate_rules import GateSet
from harness.suite.checkpoint_series import Series
from harness.suite.policy import Policy
from harness.suite.yaml.located_document import Document

Role = Literal["task", "probe"]
TextMode = Literal["none", "flips", "all"]


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """A task or probe of a suite.

    Attributes:
        options: validated instance of the kind's `Options`.
        raw: the same as plain data, as it was written.
    """

    name: str
    role: Role
    kind: str
    options: EvaluationOptions
    raw: Mapping[str, Any]

    @property
    def cls(self) -> Any:
        """The registered class of its kind (an `Evaluation`)."""
        return registry.load(f"{self.role}s", self.kind)


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite that was read, checked and maybe changed from the command line.

    Attributes:
        tasks, probes: all that is defined, also what only training or a probe needs.
        evaluated: names of the tasks and probes that are asked.
        contenders: names of the models that are asked; other models are only started from.
        compare: as written; `candidates` and `release` are its lists with defaults filled in.
        digest: of the content without comments, order of keys and gates.
        gates_digest: of the gates.
        implied: heuristic baselines that nobody declared: model name → the one task that it answers.
        series: entries that stand for all checkpoints of a training: name → its models by step.
        text, path: the file as it was read.
        texts: whose texts a run's files hold: of no item, of those that a released model fixed or broke, or of all.
        deprecated: sentences about its words that have another name now.
        generated_code: programs that models write may run; no file can say it, only the command line of a run.
        policies: what holds the suite whatever it says; their rules are among its gates.
        whole: the suite that this one is a part of, after `--only`: rows that it asks about are not trained on.
    """

    name: str
    title: str
    description: str
    seed: int
    data: Mapping[str, DataRef]
    models: Mapping[str, ModelSpec]
    compare: CompareSpec
    tasks: Mapping[str, EvaluationSpec]
    probes: Mapping[str, EvaluationSpec]
    gates: GateSet
    text: str
    path: Path
    digest: str
    gates_digest: str
    candidates: tuple[str, ...]
    release: tuple[str, ...]
    evaluated: tuple[str, ...]
    contenders: tuple[str, ...]
    document: Document = field(repr=False, compare=False)
    value: Mapping[str, Any] = field(repr=False, compare=False)
    implied: Mapping[str, str] = field(default_factory=dict)
    series: Series = field(default_factory=dict)
    texts: TextMode = "all"
    deprecated: tuple[str, ...] = ()
    generated_code: bool = False
    policies: tuple[Policy, ...] = ()
    whole: Suite | None = field(default=None, repr=False, compare=False)

    @property
    def evaluations(self) -> dict[str, EvaluationSpec]:
        """Tasks, then probes, by name."""
        return {**self.tasks, **self.probes}

    def asks(self, model: str, evaluation: str) -> bool:
        """Whether a model is asked an evaluation; an implied baseline answers its own task only."""
        return self.implied.get(model, evaluation) == evaluation

    @property
    def folder(self) -> Path:
        """Where the file stands; its data and checkpoints are relative to it."""
        return self.path.absolute().parent

    def where(self, *keys: Key) -> Where:
        """The place of a path of keys in the file, such as `where("models", "base")`."""
        return self.document.where(*keys)


_ONLY_READ = frozenset({"judge", "toxicity", "regard"})
"""Options whose model reads what others wrote, and is not asked about anything itself."""


def contenders(compare: CompareSpec | None, models: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(candidates, release): all other models, and the first candidate, where they are left out."""
    if compare is None:
        return models, models
    others = tuple(name for name in models if name != compare.baseline)
    candidates = others if compare.candidates is None else tuple(compare.candidates)
    if compare.choose is not None:
        among = compare.choose.among
        return candidates, tuple(name for name in candidates if any(fnmatchcase(name, entry) for entry in among))
    return candidates, candidates[:1] if compare.release is None else tuple(compare.release)


def without_judges(
    compare: CompareSpec | None, models: tuple[str, ...], evaluations: Iterable[EvaluationSpec]
) -> tuple[str, ...]:
    """The models that are asked: all but those that only judge or classify others' texts."""
    readers = [reader for spec in evaluations for reader in spec.options.readers]
    judges = {model for keys, model in readers if keys[0] in _ONLY_READ}
    if compare is not None:
        lists = (compare.base_variants, compare.candidates or (), compare.release or (), *compare.pairs)
        judges -= {compare.baseline, *(name for names in lists for name in names)}
    return tuple(name for name in models if name not in judges)


def suite_digest(value: Mapping[str, Any], only: tuple[str, ...] | None = None) -> str:
    """Digest of what a suite says, without its gates and policies; `only` is part of it when given."""
    content = {key: part for key, part in value.items() if key not in ("gates", "policy")}
    return digest({"suite": content, "only": list(only)} if only is not None else {"suite": content})
