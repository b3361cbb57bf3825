"""What a kind of model is: all that the rest of harness must know of `models: {NAME: {KIND: …}}`, in one place.

A kind is one file, registered by the name that a suite writes:

    [project.entry-points."harness.models"]
    finetune = "harness.model_kinds.finetune_kind:FinetuneKind"

That file is light. It names what trains and what opens a model by path ("module:function"), so that a suite is
checked and planned without torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel

from harness.core import registry
from harness.core.errors import Problems, SuiteError, Where
from harness.core.option_names import (
    LearnedElsewhere,
    LearnsData,
    LearnsTask,
    LimitsRows,
    ManySeeds,
    Mitigates,
    OwnSeed,
    StartsFrom,
)
from harness.core.reporter import Reporter
from harness.core.requests import DECODING

OptionsT = TypeVar("OptionsT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CheckpointFormat:
    """A kind of checkpoint folder: what `kind` of its checkpoint.json may say.

    Folders may come from a stranger. They name one of the declared formats and nothing else: no path and no function.

    Attributes:
        kind: the word in checkpoint.json.
        opener: "module:function" that opens a folder; called with the folder and an `OpenContext`.
        loads_with: how other tools load it. `{folder}`, `{base}` (quoted paths), `{model}` and `{base_model}` (the
            transformers classes of the folder and of its parent) are filled in; empty when only harness loads it.
        files: the files beside checkpoint.json that decide its answers.
        weights: those of them that hold its parameters.
        reader: "module:function" that reads a folder's files, `labels` among them; None where checkpoint.json has them.
        family: how it answers, where no parent decides that.
        page: "module:class", the closed schema of its checkpoint.json.
        stands_on_parent: whether it answers by another checkpoint.
    """

    kind: str
    opener: str
    loads_with: str = ""
    files: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    reader: str | None = None
    family: str = "parent"
    page: str = "harness.models.checkpoint.metadata_schema:TrainedPage"
    stands_on_parent: bool = False


@dataclass(frozen=True, slots=True)
class StageCost:
    """What making a model takes, as far as it is known beforehand; `seconds` goes before an estimate by operations."""

    tokens: float = 0.0
    flops: float = 0.0
    seconds: float | None = None
    steps: float = 0.0


@dataclass(frozen=True, slots=True)
class ExistingCheckpoint:
    """Where a model lies that is not made here.

    Attributes:
        place: a folder or file (relative to the suite file), a hub id, or `catalog:NAME`.
        adapter: a peft adapter for it: a folder or a hub id.
        labels: of the adapter's head, where the suite says them.
    """

    place: str
    adapter: str | None = None
    labels: tuple[str, ...] | None = None


class TrainingNeed(Enum):
    """What a kind learns from."""

    NOTHING = "nothing"
    TEXTS = "texts"
    """The training texts of its `data`."""
    EXAMPLES = "examples"
    """The training examples of its task."""
    DEMONSTRATIONS = "demonstrations"
    """The examples of its task as they are shown in a prompt."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A package that some options need.

    Attributes:
        module: to import.
        reason: what needs it ("the method qlora").
        hint: how to install it, or what to do instead.
    """

    module: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Obtained:
    """A model that is ready to be opened.

    Attributes:
        path: its folder.
        key: content key of the lineage (trained) or of the files (loaded).
        digest: content digest of what answers.
        meta: what results say of how it was made.
        cached: whether nothing had to be done.
        server: what the suite's own entry names, for a model behind a server; nothing else leads to one.
    """

    path: Path
    key: str
    digest: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    cached: bool = True
    server: Any = None


class ObtainContext(Protocol):
    """What a kind is given to obtain its model."""

    @property
    def folder(self) -> Path:
        """The folder of the suite file: paths in options are relative to it."""
        ...

    @property
    def store(self) -> Any:
        """The `Store` that keeps what is made or fetched."""
        ...

    @property
    def reporter(self) -> Reporter: ...

    @property
    def where(self) -> Where:
        """The place of the model's options in the suite."""
        ...

    def resolve(self, key: str) -> Path:
        """The folder of a checkpoint, by its content key."""
        ...

    def note(self, key: str, folder: Path) -> None:
        """Lets `resolve` know a folder that is not in the store."""
        ...

    def train(self) -> Obtained:
        """Finds the model in the store, or trains it there by the kind's trainer."""
        ...


class ModelKind(ABC, Generic[OptionsT]):
    """A kind of model: its options, and all that follows from them.

    A parent is written as `from`, a task as `task`, data as `data` (a list of names).

    Attributes:
        name: the key in a suite, and `made_by` in results.
        Options: what a suite may say below that key.
        goal: what a model of this kind was made for, for reports ("learn the task").
        summary: one line for `harness list`.
        formats: the checkpoint folders that its models are kept in, where no other kind declares them.
        train: "module:function" that makes the checkpoint, called as `run_stage` says; None where nothing is made.
        flat: whether the options stand beside the key, which is then the first of them (`{load: …, revision: …}`).
        key_name: what content keys call the kind, where it was renamed since; `name` when None.
        goes_on_from_weights: whether a model trains its parent's own weights, so that an adapter is merged before.
        packages: what its models need, as it is imported; what only some options need is their `extra`.
        audited: whether what it learns from is audited. Texts of `data` are then searched for what evaluations ask
            about; examples of a task always are.
        learned_elsewhere: whether what it learned from is known only where the suite says it (`trained_on`).
        decoding: the fields of a `Generate` request that its models carry out.
    """

    name: ClassVar[str]
    Options: ClassVar[type[BaseModel]]
    goal: ClassVar[str]
    summary: ClassVar[str] = ""
    formats: ClassVar[tuple[CheckpointFormat, ...]] = ()
    train: ClassVar[str | None] = None
    flat: ClassVar[bool] = False
    key_name: ClassVar[str | None] = None
    goes_on_from_weights: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    audited: ClassVar[bool] = True
    learned_elsewhere: ClassVar[bool] = False
    decoding: ClassVar[frozenset[str]] = DECODING

    @abstractmethod
    def label(self, options: OptionsT) -> str:
        """A few words that say what a model is, for reports."""

    def parent(self, options: OptionsT) -> str | None:
        """The model of the suite that this one starts from."""
        return options.from_ if isinstance(options, StartsFrom) else None

    def task(self, options: OptionsT) -> str | None:
        """The task whose examples it learns."""
        return options.task if isinstance(options, LearnsTask) else None

    def data(self, options: OptionsT) -> tuple[str, ...]:
        """The data sets whose texts it learns from."""
        return tuple(options.data) if isinstance(options, LearnsData) else ()

    def trained_on(self, options: OptionsT) -> tuple[str, ...] | None:
        """The files that it learned from elsewhere, relative to the suite; None where nothing says it."""
        files = options.trained_on if isinstance(options, LearnedElsewhere) else None
        return None if files is None else tuple(files)

    def learns_from(self, options: OptionsT) -> TrainingNeed:
        """What must be prepared for its training."""
        if self.task(options) is not None:
            return TrainingNeed.EXAMPLES
        return TrainingNeed.TEXTS if self.data(options) else TrainingNeed.NOTHING

    def refuses_child(self, options: OptionsT, child: ModelKind[Any]) -> str | None:
        """What it is ("a bag of words") that makes it unfit as the parent of a `child`; None where it is fit."""
        return None

    def check(self, options: OptionsT, problems: Problems) -> None:
        """Notes what is wrong beyond the schema, names of models, tasks and data; `problems` stands at the options."""

    def goal_of(self, options: OptionsT) -> str:
        """`goal`, or what these options make of it."""
        return self.goal

    def seeds(self, options: OptionsT) -> int | None:
        """How many seeds it is trained with; None for a kind that is made only once."""
        return options.seeds if isinstance(options, ManySeeds) else None

    def tokenizer(self, options: OptionsT) -> str | None:
        """The folder of a given tokenizer, relative to the suite file; None where there is none."""
        return None

    def mitigates(self, options: OptionsT) -> bool:
        """Whether lists of words decide what is learned: they are then part of the checkpoint's key."""
        return isinstance(options, Mitigates) and options.mitigate is not None

    def extra(self, options: OptionsT) -> Extra | None:
        """The package that these options need beyond what harness installs."""
        return None

    def trainer(self, options: OptionsT) -> str:
        """The path of what makes the checkpoint."""
        if self.train is None:
            raise TypeError(f"a model of the kind {self.name!r} is not trained")
        return self.train

    def defaults(self, options: OptionsT, examples: int, type_: str) -> Mapping[str, Any]:
        """What holds where the options say nothing; part of the checkpoint's key, so a changed default trains anew.

        Args:
            options: of the model.
            examples: how many it learns from.
            type_: their type.
        """
        return {}

    def estimate(self, options: OptionsT, rows: int, configuration: Mapping[str, Any] | None) -> StageCost:
        """What making it takes, without doing it.

        Args:
            options: of the model.
            rows: training rows of its task.
            configuration: transformers configuration of what it starts from, where that is known.
        """
        return StageCost()

    def configuration(self, options: OptionsT, folder: Path) -> Mapping[str, Any] | None:
        """The transformers configuration of the model, where its options say it; `folder` is that of the suite."""
        return None

    def identity(self, options: OptionsT) -> Mapping[str, Any] | None:
        """What tells its answers apart where no files do; None for a model that is identified by its files.

        Two models of a suite with one identity are one model asked under two names, which is an error.
        """
        return None

    def existing(self, options: OptionsT) -> ExistingCheckpoint | None:
        """The checkpoint that it is; None for a model that is made here, or that is no checkpoint."""
        return None

    def fetches(self, options: OptionsT) -> tuple[str, ...]:
        """The checkpoints and tokenizers of others that it names."""
        return ()

    def at_hand(self, options: OptionsT, store: Any) -> bool:
        """Whether a model that is not trained can be had without a network or a conversion."""
        return False

    def obtain(self, options: OptionsT, given: ObtainContext) -> Obtained:
        """Trains the model, or finds it; kinds that are not trained override this."""
        return given.train()


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model of a suite: its kind, and what the suite says of it."""

    kind: ModelKind[Any]
    options: BaseModel

    @property
    def made_by(self) -> str:
        """The name of its kind."""
        return self.kind.name

    @property
    def trained(self) -> bool:
        """Whether it is made here, and not only found."""
        return self.kind.train is not None

    @property
    def parent(self) -> str | None:
        """The model of the suite that this one starts from."""
        return self.kind.parent(self.options)

    @property
    def task(self) -> str | None:
        """The task whose examples it learns."""
        return self.kind.task(self.options)

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets whose texts it learns from."""
        return self.kind.data(self.options)

    @property
    def trained_on(self) -> tuple[str, ...] | None:
        """The files that it learned from elsewhere; None where nothing says it."""
        return self.kind.trained_on(self.options)

    @property
    def need(self) -> TrainingNeed:
        """What must be prepared for its training."""
        return self.kind.learns_from(self.options)

    @property
    def label(self) -> str:
        """A few words that say what it is, for reports."""
        return self.kind.label(self.options)

    @property
    def goal(self) -> str:
        """What it was made for."""
        return self.kind.goal_of(self.options)

    @property
    def seeds(self) -> int | None:
        """How many seeds it is trained with; None for what is made only once."""
        return self.kind.seeds(self.options)

    @property
    def max_train_rows(self) -> int | None:
        """At most so many training rows are learned from."""
        return self.options.max_train_rows if isinstance(self.options, LimitsRows) else None

    def seed(self, default: int) -> int:
        """Its own training seed, or the suite's."""
        seed = self.options.seed if isinstance(self.options, OwnSeed) else None
        return default if seed is None else seed

    def with_options(self, **changes: Any) -> ModelSpec:
        """The same with other values of some options."""
        return ModelSpec(self.kind, self.options.model_copy(update=changes))


@cache
def kind_named(name: str) -> ModelKind[Any]:
    """The registered kind of a name.

    Raises:
        SuiteError: for an unknown name, or a kind that cannot be loaded.
    """
    kind: ModelKind[Any] = registry.load("models", name)()
    if kind.name != name:
        raise SuiteError(
            f"the model kind {kind.name!r} is registered as {name!r}.",
            hint=f"repair the package {registry.origin('models', name)!r}: both must be the same.",
        )
    return kind


def kinds() -> list[ModelKind[Any]]:
    """All registered kinds, by name."""
    return [kind_named(name) for name in registry.names("models")]


def model_spec(kind: str, options: Mapping[str, Any]) -> ModelSpec:
    """A model from plain options, as a suite writes them below the name of the kind."""
    made = kind_named(kind)
    return ModelSpec(made, made.Options.model_validate(options))


@cache
def formats() -> Mapping[str, CheckpointFormat]:
    """Every declared format, by the word in checkpoint.json: the closed set that folders may name.

    Raises:
        SuiteError: when two kinds declare one format differently, or a kind cannot be loaded.
    """
    declared: dict[str, CheckpointFormat] = {}
    for kind in kinds():
        for format_ in kind.formats:
            if declared.setdefault(format_.kind, format_) != format_:
                raise SuiteError(f"two model kinds declare the checkpoint format {format_.kind!r}.")
    return declared
