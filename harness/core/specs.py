"""What a suite says of its models: how each is loaded or trained (validated by pydantic).

`suite` reads them, `runs` plans them, `training` and `models` carry them out.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from harness.core import units


def _count(value: object) -> int:
    if isinstance(value, int | str) or (isinstance(value, float) and value.is_integer()):
        return units.count(value if isinstance(value, str) else int(value))
    raise ValueError(f"expected a count such as 500, 20k or 2M, found {value!r}")


Count = Annotated[int, BeforeValidator(_count, json_schema_input_type=int | str)]

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""Names become file names: small letters, digits, `-` and `_`."""


def _name(value: str) -> str:
    if re.fullmatch(NAME_PATTERN[1:-1], value) is None:
        raise ValueError(
            f"expected a name of small letters, digits, `-` and `_` (at most 64), starting with a letter or digit, "
            f"found {value[:60]!r}"
        )
    return value


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": NAME_PATTERN})]


class Strict(BaseModel):
    """Unknown keys are errors; aliases such as `from` are accepted by both names."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class CatalogRef(Strict):
    """Data of our own list, by name."""

    catalog: str
    limit: Count | None = Field(None, description="Use at most this many rows of each split (chosen by hash).")


class FileRef(Strict):
    """The user's own file: csv, tsv, jsonl, json, parquet, txt or conll."""

    file: str = Field(description="Path, relative to the suite file.")
    format: Literal["csv", "tsv", "jsonl", "json", "parquet", "txt", "conll"] | None = None
    columns: dict[str, str] = Field(default_factory=dict, description="our name: the file's column")
    id: str | None = Field(None, description="Column with a row's own id.")
    cluster: str | None = Field(None, description="Column whose equal values belong together (document, author).")
    slices: list[str] = Field(default_factory=list, description="Columns that become slices `column=value`.")
    splits: dict[str, float] | str | None = Field(
        None,
        description="Shares (train, validation, test) made by hash of the cluster, or the column that names the split.",
    )
    licence: str | None = None
    limit: Count | None = None


class HubRef(Strict):
    """A data set of the Hugging Face hub, at a pinned revision."""

    hub: str
    revision: str = Field(description="Commit hash; names and branches move and are refused.")
    config: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, str] = Field(default_factory=dict, description="our split: the hub's split")
    cluster: str | None = None
    slices: list[str] = Field(default_factory=list)
    limit: Count | None = None


class SourceRef(Strict):
    """Data from an outside package's data source (entry point group `harness.sources`)."""

    source: str
    options: dict[str, Any] = Field(default_factory=dict)
    limit: Count | None = None


DataRef = CatalogRef | FileRef | HubRef | SourceRef


class Budget(Strict):
    """How long to pretrain: tokens seen by the model, optimiser steps, or minutes. Exactly one.

    Minutes become a number of steps by timing a few of them, so they differ between machines.
    """

    tokens: Count | None = None
    steps: Count | None = None
    minutes: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one(self) -> Budget:
        if sum(amount is not None for amount in (self.tokens, self.steps, self.minutes)) != 1:
            raise ValueError("give exactly one of `tokens`, `steps` and `minutes`")
        return self


class TokenizerSpec(Strict):
    """A tokenizer trained on the stage's own data (WordPiece for masked objectives, byte-level BPE
    for the others), or a given one."""

    vocabulary: Count = 8000
    lowercase: bool | None = Field(None, description="One case only; WordPiece does when left out, BPE cannot.")
    path: str | None = Field(None, description="Folder of a ready tokenizer, relative to the suite file.")

    @model_validator(mode="after")
    def _given(self) -> TokenizerSpec:
        if self.path is not None and self.model_fields_set - {"path"}:
            raise ValueError("a given tokenizer (`path`) takes no other key")
        return self


Objective = Literal["mlm", "mlm_nsp", "causal", "span_corruption"]


class PretrainSpec(Strict):
    """Pretraining on unlabelled text, from random weights or going on from a checkpoint (`from`).

    What is left out follows from the objective (harness/training/settings.py).
    """

    from_: str | None = Field(None, alias="from", description="The model to go on from; from scratch when left out.")
    objective: Objective = "mlm"
    data: list[str] = Field(description="Names of the suite's data; their training splits are used.")
    architecture: str | dict[str, Any] | None = Field(
        None, description="A preset, or a transformers configuration; the objective's smallest when left out."
    )
    tokenizer: TokenizerSpec = TokenizerSpec()
    embeddings: Literal["ppmi_svd", "random"] | None = Field(
        None,
        description="Where word embeddings start: counted from the corpus (BERT shapes; the default there) or random.",
    )
    budget: Budget
    weights: dict[str, float] = Field(
        default_factory=dict,
        description="How much a data set's texts count, in word vectors and in the share of rows; 1 when not named.",
    )
    window: int = Field(10, ge=1, description="Largest distance of two tokens that count for the word vectors.")
    mask_rate: float | None = Field(None, gt=0, lt=1, description="Share of tokens that are predicted (not causal).")
    span_length: float | None = Field(None, ge=1, description="Mean length of a corrupted span (span_corruption).")
    sequence_length: int | None = Field(None, ge=8, le=8192)
    batch_size: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    embedding_rate: float = Field(1.0, ge=0, description="Learning rate of word embeddings, as a multiple.")
    seed: int | None = None

    @model_validator(mode="after")
    def _agree(self) -> PretrainSpec:
        if self.from_ is not None:
            for key in ("architecture", "tokenizer", "embeddings"):
                if key in self.model_fields_set and getattr(self, key) is not None:
                    raise ValueError(f"`{key}` comes from the model to go on from (`from`); leave it out")
        if self.span_length is not None and self.objective != "span_corruption":
            raise ValueError("`span_length` belongs to the objective span_corruption")
        if self.mask_rate is not None and self.objective == "causal":
            raise ValueError("`mask_rate` does not belong to the objective causal: every token is predicted")
        return self


class LoraSpec(Strict):
    rank: int = Field(8, ge=1)
    alpha: float | None = Field(None, description="Scale; twice the rank when left out.")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] | None = Field(None, description="Module names; attention projections when left out.")


class LoraMethod(Strict):
    lora: LoraSpec


class QloraMethod(Strict):
    """LoRA on a base held in 4 bits (extra `qlora`: bitsandbytes)."""

    qlora: LoraSpec


AdapterMethod = LoraMethod | QloraMethod


def lora_of(method: object) -> LoraSpec | None:
    """The adapter's settings of a method; None for methods without an adapter."""
    if isinstance(method, LoraMethod):
        return method.lora
    return method.qlora if isinstance(method, QloraMethod) else None


class FinetuneSpec(Strict):
    """Fine-tuning for a task of the suite, from a checkpoint or from random weights."""

    from_: str = Field(alias="from", description="The model to start from.")
    task: str = Field(description="The task of the suite whose data and labels are learned.")
    method: Literal["full", "frozen", "linear"] | AdapterMethod = "full"
    weights: Literal["pretrained", "random"] = "pretrained"
    labels: Count | None = Field(None, description="Use only this many labelled training rows (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    head_rate: float | None = Field(None, gt=0, description="Learning rate of pooler and classifier, as a multiple.")
    embedding_rate: float | None = Field(None, ge=0, description="Learning rate of word embeddings, as a multiple.")
    word_dropout: float | None = Field(None, ge=0, lt=1, description="Share of tokens hidden by the mask token.")
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    memory: float | None = Field(
        None, ge=0, description="Weight of a masked-token loss on the same texts: less is forgotten."
    )
    seed: int | None = None
    seeds: int = Field(
        1,
        ge=1,
        le=50,
        description="Train this many checkpoints, with seeds `seed`, `seed` + 1, …; from 3 on gates judge the recipe.",
    )


class AlignSpec(Strict):
    """Direct preference optimisation (Rafailov et al. 2023) of a language model, from preference pairs.

    The reference model is the one that alignment starts from.
    """

    from_: str = Field(alias="from", description="The model to start from; also the reference.")
    task: str = Field(description="The task of the suite whose preference pairs are learned.")
    objective: Literal["dpo"] = "dpo"
    method: Literal["full"] | AdapterMethod = "full"
    beta: float = Field(0.1, gt=0, description="How strongly the model is held to its reference.")
    labels: Count | None = Field(None, description="Use only this many training pairs (chosen by hash).")
    epochs: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=8)
    seed: int | None = None


class ClassicalSpec(Strict):
    """TF-IDF and logistic regression: is the transformer worth it at all?"""

    task: str
    ngrams: int = Field(2, ge=1, le=3)
    labels: Count | None = None
    seed: int | None = None


class ServerSpec(Strict):
    """A model behind an OpenAI-compatible server."""

    url: str = Field(description="Address up to and with /v1; keys do not belong into it.")
    model: str = Field(description="The model's name on the server.")
    tokenizer: str | None = Field(None, description="The model's tokenizer: folder, hub id or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash, where `tokenizer` is a hub id.")
    api_key_env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Environment variable that holds the key."
    )
    prefix: str = Field("", description="Text put before every text whose likelihood is asked.")
    likelihoods: bool = Field(True, description="Whether to ask for log-probabilities, where the server has them.")
    failures: Literal["stop", "record"] = Field(
        "stop", description="What remains unanswered stops the run, to be gone on with; or becomes a failed item."
    )
    concurrency: int = Field(8, ge=1, le=256, description="Calls at the same time.")
    requests_per_minute: int | None = Field(None, ge=1, description="No limit when left out.")
    timeout: float = Field(60, gt=0, le=3600, description="Seconds for one call.")
    attempts: int = Field(5, ge=1, le=20, description="How often a call is tried.")

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://localhost:8000/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected an address without user, password, `?` or `#`; name the key's variable instead")
        return value


BaselineRule = Literal["majority", "random", "longest", "gazetteer", "dictionary", "nearest", "copy", "lead", "overlap"]


class BaselineSpec(Strict):
    """A trivial rival that answers by a rule: what a model must beat to be worth anything."""

    task: str
    rule: BaselineRule = Field(description="The most frequent answer, a list of known spans, the first sentence, ….")
    labels: Count | None = Field(None, description="Use only this many training rows (chosen by hash).")
    seed: int | None = None


class PromptSpec(Strict):
    """A base asked behind worked examples of a task's training split; nothing is trained."""

    from_: str = Field(alias="from", description="The model that is asked.")
    task: str = Field(description="The task whose training examples are shown.")
    shots: int = Field(8, ge=0, le=256, description="How many worked examples stand before every question.")
    separator: str = Field("\n\n", min_length=1, description="What stands after each of them.")
    labels: Count | None = Field(None, description="Choose among this many training rows (chosen by hash).")
    seed: int | None = None


class PretrainModel(Strict):
    pretrain: PretrainSpec


class FinetuneModel(Strict):
    finetune: FinetuneSpec


class AlignModel(Strict):
    align: AlignSpec


class ClassicalModel(Strict):
    classical: ClassicalSpec


class BaselineModel(Strict):
    baseline: BaselineSpec


class PromptModel(Strict):
    prompt: PromptSpec


class LoadModel(Strict):
    """A checkpoint that exists already: a folder, a GGUF file, a hub id, or `catalog:NAME`."""

    load: str = Field(description="Folder or GGUF file (relative to the suite file), hub id, or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash; needed for a hub id.")
    file: str | None = Field(None, description="For a hub id: the one GGUF file to use.")
    adapter: str | None = Field(None, description="A peft adapter on it: folder, or hub id.")


class ServerModel(Strict):
    server: ServerSpec


ModelSpec = (
    PretrainModel | FinetuneModel | AlignModel | ClassicalModel | BaselineModel | PromptModel | LoadModel | ServerModel
)


def starts_from(spec: ModelSpec) -> str | None:
    """The model of the suite that this one is trained from; None for loaded and fresh ones."""
    if isinstance(spec, PretrainModel):
        return spec.pretrain.from_
    if isinstance(spec, AlignModel):
        return spec.align.from_
    if isinstance(spec, PromptModel):
        return spec.prompt.from_
    return spec.finetune.from_ if isinstance(spec, FinetuneModel) else None


def learns(spec: ModelSpec) -> str | None:
    """The task whose examples a model is trained on; None when it learns from no task."""
    if isinstance(spec, FinetuneModel):
        return spec.finetune.task
    if isinstance(spec, AlignModel):
        return spec.align.task
    if isinstance(spec, BaselineModel):
        return spec.baseline.task
    if isinstance(spec, PromptModel):
        return spec.prompt.task
    return spec.classical.task if isinstance(spec, ClassicalModel) else None


class EvaluationOptions(Strict):
    """What every task and probe takes; each adds its own keys."""

    metrics: list[str] | None = Field(None, description="Metric names; the evaluation's own choice when left out.")
    split: str = Field("test", description="Which split of the data is asked about.")
    limit: Count | None = Field(None, description="At most this many items, chosen by hash of the cluster.")


class CompareSpec(Strict):
    """Who is compared with whom.

    Attributes:
        baseline: the base model.
        ways: models that are other ways for the base to answer a task (a linear classifier on its
            frozen features, prompting). Gains are measured against the best of base and these,
            chosen on validation data.
        candidates: shown against the baseline; all other models when left out.
        release: the candidates that gates judge; the first candidate when left out.
        pairs: further comparisons, [baseline, candidate].
    """

    baseline: str
    ways: list[str] = Field(default_factory=list)
    candidates: list[str] | None = None
    release: list[str] | None = None
    pairs: list[tuple[str, str]] = Field(default_factory=list)
