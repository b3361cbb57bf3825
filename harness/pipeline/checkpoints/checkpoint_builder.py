"""Where a suite's checkpoints come from: loaded, found in the store, or trained."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.digests import digest, is_key
from harness.core.distribution import is_installed
from harness.core.errors import DataError, HarnessError, IncompleteError, Where
from harness.core.model_kind import ModelSpec, Obtained
from harness.core.reporter import Reporter
from harness.pipeline.checkpoints.adapter_merges import Merges
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS, Checkpoint
from harness.pipeline.checkpoints.training_data import DataInputs, TrainingData
from harness.pipeline.energy_estimate import with_energy
from harness.pipeline.prepared_suite import PreparedSuite
from harness.storage.store import Store
from harness.suite.required_packages import model_packages

if TYPE_CHECKING:
    from harness.training.stage_inputs import StageInputs

# What a checkpoint's key holds by content instead of by name.
_UNKEYED: Any = {
    **dict.fromkeys(("from_", "task", "data", "seed", "seeds", "max_train_rows"), True),
    "tokenizer": {"path": True},
}
STAGE_FORMAT = 3


@dataclass(frozen=True)
class CheckpointRequest:
    """A request for a model's checkpoint, as its kind gets it (an `ObtainContext`)."""

    builder: CheckpointBuilder
    model: str
    spec: ModelSpec
    seed: int | None = None

    @property
    def folder(self) -> Path:
        return self.builder.prepared.suite.folder

    @property
    def store(self) -> Store:
        return self.builder.store

    @property
    def reporter(self) -> Reporter:
        return self.builder.reporter

    @property
    def where(self) -> Where:
        return self.builder.prepared.suite.where("models", self.model, self.spec.kind.name)

    def resolve(self, key: str) -> Path:
        return self.builder.resolve(key)

    def note(self, key: str, folder: Path) -> None:
        self.builder.note(key, folder)

    def train(self) -> Obtained:
        return self.builder.train(self.model, self.spec, self.seed)


class CheckpointBuilder:
    """Makes or finds the checkpoints of a prepared suite, parents first."""

    def __init__(self, prepared: PreparedSuite, store: Store, reporter: Reporter) -> None:
        self.prepared = prepared
        self.store = store
        self.reporter = reporter
        self._keys: dict[tuple[str, int | None], str] = {}
        self._loaded: dict[str, Path] = {}
        self._made: dict[str, Checkpoint] = {}
        self._merges = Merges(store, reporter, self.resolve)
        self._training_data = TrainingData(prepared, reporter, store)

    def order(self) -> list[str]:
        """The suite's models, each after the one that it starts from (the suite has no cycles)."""
        done: list[str] = []

        def visit(name: str) -> None:
            if name in done:
                return
            parent = self.prepared.suite.models[name].parent
            if parent is not None:
                visit(parent)
            done.append(name)

        for name in self.prepared.suite.models:
            visit(name)
        return done

    def key(self, model: str, seed: int | None = None) -> str:
        """The content key of a model's checkpoint (of its first seed), without making it."""
        if (model, seed) not in self._keys:
            with self._placed(model):
                self._keys[model, seed] = self._key(model, self.prepared.suite.models[model], seed)
        return self._keys[model, seed]

    def cached(self, model: str, seed: int | None = None) -> bool:
        """Whether a model's checkpoint is at hand: nothing to fetch, convert or train."""
        spec = self.prepared.suite.models[model]
        if not spec.trained:
            return spec.kind.at_hand(spec.options, self.store)
        parent = spec.parent
        if parent is not None and not self.cached(parent):
            return False
        return self.store.get(CHECKPOINTS, self.key(model, seed)) is not None

    def require_extras(self) -> None:
        """Checks that what the stages still to be carried out need is installed, before minutes are spent on others.

        Raises:
            IncompleteError: at the first model whose method lacks a package.
        """
        suite = self.prepared.suite
        for model, spec in suite.models.items():
            lacking = [need for need in model_packages(spec) if not is_installed(need.module)]
            if lacking and not self.cached(model):
                raise IncompleteError(
                    f"model {model!r}: {lacking[0].reason} needs {lacking[0].module}, which is not installed.",
                    where=suite.where("models", model),
                    hint=lacking[0].hint,
                )

    def further_seeds(self, model: str) -> list[int]:
        """The seeds with which a model is trained again after its first one."""
        spec = self.prepared.suite.models[model]
        first = self.seed(spec)
        return list(range(first + 1, first + (spec.seeds or 1)))

    def note(self, key: str, folder: Path) -> None:
        """Lets `resolve` know a checkpoint that is not in the store."""
        self._loaded[key] = folder

    @property
    def loaded(self) -> Mapping[str, Path]:
        """Content key → folder of what the suite loads, bases of adapters included."""
        return self._loaded

    def resolve(self, key: str) -> Path:
        """The folder of a parent checkpoint, by the key that a child's checkpoint.json holds.

        What the suite itself names comes first. A text that is no content key (the base of a peft folder made
        elsewhere, an exported folder's own `base`) is read as a folder, and never looked for in the store.
        """
        if key in self._loaded:
            return self._loaded[key]
        merged = self._merges.folder(key)
        if merged is not None:
            return merged
        if not is_key(key):
            if _is_folder(key):
                return Path(key)
            raise DataError(
                f"the adapter's base {key!r} does not exist.",
                hint="set its base in the suite: `load: BASE` with `adapter: FOLDER`.",
            )
        entry = self.store.get(CHECKPOINTS, key)
        if entry is None:
            raise DataError(
                f"the checkpoint {key[:12]} that this one builds on is not in the cache.",
                hint="rerun the suite to rebuild it; or copy the model with `harness export`, which includes its base "
                "and loads anywhere.",
            )
        return entry.path

    def checkpoint(self, model: str) -> Checkpoint:
        """Loads, finds or trains a model's checkpoint (of its first seed)."""
        if model in self._made:
            return self._made[model]
        spec = self.prepared.suite.models[model]
        if spec.parent is not None:
            self._merges.note(self.checkpoint(spec.parent))
        with self._placed(model):
            self._made[model] = self._obtain(model, spec)
        return self._made[model]

    def replicate(self, model: str, seed: int) -> Checkpoint:
        """Finds or trains a model's checkpoint with another seed; its parent is the same."""
        self.checkpoint(model)
        with self._placed(model):
            return self._obtain(model, self.prepared.suite.models[model], seed)

    def _placed(self, model: str) -> AbstractContextManager[None]:
        return placed(model, self.prepared.suite.where("models", model))

    def _obtain(self, model: str, spec: ModelSpec, seed: int | None = None) -> Checkpoint:
        started = time.monotonic()
        made = spec.kind.obtain(spec.options, CheckpointRequest(self, model, spec, seed))
        return Checkpoint(
            model,
            made.path,
            made.key,
            made.digest,
            spec.made_by,
            made.meta,
            made.cached,
            time.monotonic() - started if spec.trained else 0.0,
            (self.seed(spec) if seed is None else seed) if spec.trained else 0,
            in_place=not spec.trained and made.server is None,
            server=made.server,
        )

    def train(self, model: str, spec: ModelSpec, seed: int | None = None) -> Obtained:
        """Finds a model's checkpoint in the store, or trains it there."""
        key = self.key(model, seed)
        entry = self.store.get(CHECKPOINTS, key)
        cached = entry is not None
        if entry is None:
            from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
            from harness.training.run_stage import run_stage

            stage = _one_seed(spec)
            inputs = self.inputs(model, spec, seed)

            def build(work: Path) -> dict[str, Any]:
                meta = run_stage(stage, inputs, work, self.reporter)
                measured = with_energy(meta["measured"])
                return {**meta, "measured": measured, "digest": checkpoint_digest(work, self.resolve)}

            entry = self.store.make(
                CHECKPOINTS,
                key,
                build,
                on_wait=lambda: self.reporter.info(f"{model}: waiting for another run that is training this model"),
            )
        return Obtained(entry.path, key, str(entry.meta["digest"]), entry.meta, cached)

    def _key(self, model: str, spec: ModelSpec, seed: int | None = None) -> str:
        if not spec.trained:
            return self._obtain(model, spec).key
        from harness.training.run_stage import resolved

        inputs = self._training_data.inputs(model, spec)
        # Keys that are not given are left out, so that a new one in a later version changes no other checkpoint's key.
        content = spec.options.model_dump(mode="json", exclude=_UNKEYED, exclude_none=True)
        return digest(
            {
                "format": STAGE_FORMAT,
                "made_by": spec.kind.key_name or spec.kind.name,
                "stage": content,
                "resolved": resolved(spec, len(inputs.train), inputs.kind),
                "parent": self.key(spec.parent) if spec.parent is not None else None,
                "texts": self._training_data.text_digests(inputs),
                "train": self._training_data.digest(inputs.train),
                "validation": self._training_data.digest(inputs.validation),
                "labels": list(inputs.labels),
                "seed": self.seed(spec) if seed is None else seed,
                "tokenizer": self._training_data.tokenizer_digest(spec),
                "groups": digest(list(inputs.groups)) if inputs.groups else None,
            }
        )

    def seed(self, spec: ModelSpec) -> int:
        """The first seed that a model is trained with."""
        return spec.seed(self.prepared.suite.seed)

    def inputs(self, model: str, spec: ModelSpec, seed: int | None = None) -> StageInputs:
        """What `training` needs to carry out a stage: rows, labels and the parent's folder."""
        from harness.training.stage_inputs import StageInputs

        given = self._training_data.inputs(model, spec)
        folder = key = parent_digest = None
        if spec.parent is not None:
            made = self._made[spec.parent]
            folder, key, parent_digest = made.path, made.key, made.digest
            if spec.kind.goes_on_from_weights:
                folder, key, parent_digest = self._merges.start(made)
        return StageInputs(
            texts=given.texts,
            train=given.train,
            validation=given.validation,
            labels=given.labels,
            parent=folder,
            parent_key=key,
            parent_digest=parent_digest,
            tokenizer=self._training_data.tokenizer(spec),
            seed=self.seed(spec) if seed is None else seed,
            data=given.fingerprints,
            groups=given.groups,
            resolve=self.resolve,
        )

    def data_inputs(self, model: str) -> DataInputs:
        """The rows and texts that a stage learns from, without its parent."""
        return self._training_data.inputs(model, self.prepared.suite.models[model])


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except OSError:  # too long for a path: somebody else's text may be anything
        return False


def _one_seed(spec: ModelSpec) -> ModelSpec:
    """A checkpoint does not depend on how many others are trained beside it."""
    return spec if spec.seeds is None else spec.with_options(seeds=1)


@contextmanager
def placed(model: str, where: Where | None) -> Iterator[None]:
    """Names a model, and its place in the suite, in errors that come without a place.

    Args:
        model: the suite's name of the model that is made.
        where: where the suite defines it.
    """
    try:
        yield
    except HarnessError as error:
        if error.where is None:
            error.where = where
            if repr(model) not in error.message:
                error.message = f"model {model!r}: {error.message}"
        raise
