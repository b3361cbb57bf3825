"""Where a suite's checkpoints come from: loaded, found in the store, or trained."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.core.digests import digest, is_key
from harness.core.errors import DataError, IncompleteError
from harness.core.reporter import Reporter
from harness.model_kinds.align_kind import AlignModel
from harness.model_kinds.describe import made_by, parent_of, stage_of
from harness.model_kinds.few_shot_kind import PromptSpec
from harness.model_kinds.finetune_kind import FinetuneModel, FinetuneSpec, QloraMethod
from harness.model_kinds.load_kind import LoadModel
from harness.model_kinds.model_spec import ModelSpec, Stage
from harness.model_kinds.projection_kind import ProjectSpec
from harness.model_kinds.self_debias_kind import SelfDebiasSpec
from harness.model_kinds.server_kind import ServerModel
from harness.pipeline.checkpoints.adapter_merges import Merges
from harness.pipeline.checkpoints.checkpoint import CHECKPOINTS, Checkpoint
from harness.pipeline.checkpoints.error_context import placed
from harness.pipeline.checkpoints.training_data import DataInputs, TrainingData
from harness.pipeline.energy_estimate import with_energy
from harness.pipeline.prepared_suite import PreparedSuite
from harness.storage.store import Store

if TYPE_CHECKING:
    from harness.training.stage_inputs import StageInputs

# What a checkpoint's key holds by content instead of by name.
_UNKEYED: Any = {
    **dict.fromkeys(("from_", "task", "data", "seed", "seeds", "max_train_rows"), True),
    "tokenizer": {"path": True},
}
STAGE_FORMAT = 3


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
        self._training_data = TrainingData(prepared, reporter)

    def order(self) -> list[str]:
        """The suite's models, each after the one that it starts from (the suite has no cycles)."""
        done: list[str] = []

        def visit(name: str) -> None:
            if name in done:
                return
            parent = parent_of(self.prepared.suite.models[name])
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
        if isinstance(spec, LoadModel):
            from harness.models.checkpoint.locate import at_hand

            return at_hand(spec.load, self.store)
        if isinstance(spec, ServerModel):
            return False
        parent = parent_of(spec)
        if parent is not None and not self.cached(parent):
            return False
        return self.store.get(CHECKPOINTS, self.key(model, seed)) is not None

    def require_extras(self) -> None:
        """Checks that what the stages still to be carried out need is installed, before minutes are spent on others.

        Raises:
            IncompleteError: at the first model whose method lacks a package.
        """
        for model, spec in self.prepared.suite.models.items():
            method = getattr(stage_of(spec), "method", None) if isinstance(spec, FinetuneModel | AlignModel) else None
            if isinstance(method, QloraMethod) and find_spec("bitsandbytes") is None and not self.cached(model):
                raise IncompleteError(
                    f"model {model!r}: the method qlora needs bitsandbytes, which is not installed.",
                    where=self.prepared.suite.where("models", model),
                    hint='pip install "harness[qlora]", or use `method: {lora: {…}}`.',
                )

    def further_seeds(self, model: str) -> list[int]:
        """The seeds with which a model is trained again after its first one."""
        spec = self.prepared.suite.models[model]
        if not isinstance(spec, FinetuneModel):
            return []
        first = self.seed(spec.finetune)
        return list(range(first + 1, first + spec.finetune.seeds))

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
        parent = parent_of(spec)
        if parent is not None:
            self._merges.note(self.checkpoint(parent))
        with self._placed(model):
            if isinstance(spec, LoadModel | ServerModel):
                made = self._load(model, spec) if isinstance(spec, LoadModel) else self._served(model, spec)
            else:
                made = self._train(model, spec)
        self._made[model] = made
        return made

    def replicate(self, model: str, seed: int) -> Checkpoint:
        """Finds or trains a model's checkpoint with another seed; its parent is the same."""
        self.checkpoint(model)
        with self._placed(model):
            return self._train(model, self.prepared.suite.models[model], seed)

    def _placed(self, model: str) -> AbstractContextManager[None]:
        return placed(model, self.prepared.suite.where("models", model))

    def _load(self, model: str, spec: LoadModel) -> Checkpoint:
        path, key = self._located(model, spec)
        return Checkpoint(model, path, key, key, "load", _source(spec))

    def _served(self, model: str, spec: ServerModel) -> Checkpoint:
        from harness.models.server.open_server import served

        where = self.prepared.suite.where("models", model, "server")
        folder = self.prepared.suite.folder
        made = served(spec.server, base=folder, store=self.store, reporter=self.reporter, where=where)
        key = made.digest
        return Checkpoint(model, made.folder, key, key, "server", {"model": spec.server.model}, server=made)

    def _located(self, model: str, spec: LoadModel) -> tuple[Path, str]:
        from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
        from harness.models.checkpoint.inspection import inspect
        from harness.models.checkpoint.locate import locate

        where = self.prepared.suite.where("models", model, "load")
        folder = self.prepared.suite.folder
        path = locate(
            spec.load,
            revision=spec.revision,
            base=folder,
            file=spec.file,
            where=where,
            store=self.store,
            reporter=self.reporter,
        )
        if spec.adapter is not None:
            base = path
            path = locate(spec.adapter, revision=None, base=folder, where=where)
            parent = inspect(path).parent
            if parent is not None:
                self._loaded[parent["key"]] = base
        key = checkpoint_digest(path, self.resolve)
        self._loaded[key] = path
        if spec.quantize is not None:
            path = self._quantized(path, key, spec.quantize)
            key = checkpoint_digest(path, self.resolve)
            self._loaded[key] = path
        return path, key

    def _quantized(self, parent: Path, held: str, bits: Literal["4bit", "8bit"]) -> Path:
        """The page that says how a loaded checkpoint is held; kept in the store."""
        from harness.models.derived.quantized_backend import write_quantized

        def build(work: Path) -> dict[str, Any]:
            write_quantized(work, parent, parent_key=held, parent_digest=held, bits=bits)
            return {}

        return self.store.make("quantized", digest({"quantized": held, "bits": bits}), build).path

    def _train(self, model: str, spec: ModelSpec, seed: int | None = None) -> Checkpoint:
        key = self.key(model, seed)
        entry = self.store.get(CHECKPOINTS, key)
        started = time.monotonic()
        cached = entry is not None
        if entry is None:
            from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
            from harness.training.run_stage import run_stage

            stage = _one_seed(stage_of(spec))
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
        return Checkpoint(
            model,
            entry.path,
            key,
            str(entry.meta["digest"]),
            made_by(spec),
            entry.meta,
            cached,
            time.monotonic() - started,
            self.seed(stage_of(spec)) if seed is None else seed,
        )

    def _key(self, model: str, spec: ModelSpec, seed: int | None = None) -> str:
        if isinstance(spec, LoadModel):
            return self._located(model, spec)[1]
        from harness.training.run_stage import resolved

        stage = stage_of(spec)
        parent = parent_of(spec)
        inputs = self._training_data.inputs(model, stage)
        # Keys that are not given are left out, so that a new one in a later version changes no other checkpoint's key.
        content = stage.model_dump(mode="json", exclude=_UNKEYED, exclude_none=True)
        return digest(
            {
                "format": STAGE_FORMAT,
                "made_by": made_by(spec),
                "stage": content,
                "resolved": resolved(stage, len(inputs.train), inputs.kind),
                "parent": self.key(parent) if parent is not None else None,
                "texts": {name: digest(texts) for name, texts in sorted(inputs.texts.items())},
                "train": digest([example.to_json() for example in inputs.train]),
                "validation": digest([example.to_json() for example in inputs.validation]),
                "labels": list(inputs.labels),
                "seed": self.seed(stage) if seed is None else seed,
                "tokenizer": self._training_data.tokenizer_digest(stage),
                "groups": digest(list(inputs.groups)) if inputs.groups else None,
            }
        )

    def seed(self, stage: Stage) -> int:
        return self.prepared.suite.seed if stage.seed is None else stage.seed

    def inputs(self, model: str, spec: ModelSpec, seed: int | None = None) -> StageInputs:
        """What `training` needs to carry out a stage: rows, labels and the parent's folder."""
        from harness.training.stage_inputs import StageInputs

        stage = stage_of(spec)
        given = self._training_data.inputs(model, stage)
        parent = parent_of(spec)
        folder = key = found = None
        if parent is not None:
            made = self._made[parent]
            # These answer by their parent as it is; what is trained needs whole weights.
            stands = isinstance(stage, PromptSpec | ProjectSpec | SelfDebiasSpec)
            folder, key, found = (made.path, made.key, made.digest) if stands else self._merges.start(made)
        return StageInputs(
            texts=given.texts,
            train=given.train,
            validation=given.validation,
            labels=given.labels,
            parent=folder,
            parent_key=key,
            parent_digest=found,
            tokenizer=self._training_data.tokenizer(stage),
            seed=self.seed(stage) if seed is None else seed,
            data=given.fingerprints,
            groups=given.groups,
            resolve=self.resolve,
        )

    def data_inputs(self, model: str) -> DataInputs:
        """The rows and texts that a stage learns from, without its parent."""
        return self._training_data.inputs(model, stage_of(self.prepared.suite.models[model]))


def estimate_training(stage: Stage, rows: int, configuration: Mapping[str, Any] | None) -> dict[str, float]:
    """Tokens and operations that a stage will take, or `seconds` where its budget says them; nothing is loaded."""
    from harness.training.run_stage import estimate_cost

    return estimate_cost(stage, rows, configuration=configuration)


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except OSError:  # too long for a path: somebody else's text may be anything
        return False


def _source(spec: LoadModel) -> dict[str, Any]:
    """What a loaded model is called in the results: where it came from."""
    known = {"source": spec.load, "revision": spec.revision}
    return {**known, "quantize": spec.quantize} if spec.quantize is not None else known


def _one_seed(stage: Stage) -> Stage:
    """A checkpoint does not depend on how many others are trained beside it."""
    return stage.model_copy(update={"seeds": 1}) if isinstance(stage, FinetuneSpec) else stage
