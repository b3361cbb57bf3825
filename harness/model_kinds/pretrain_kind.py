"""How a language model is pretrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from harness.core.errors import Problems, unknown
from harness.core.model_kind import ModelKind, StageCost
from harness.model_kinds.architecture_presets import architecture
from harness.model_kinds.flop_shapes import _WIDTH, shape_of, training_flops
from harness.schema.suite.mitigation import TextMitigation, mitigation_words
from harness.schema.suite.types import Count, Strict


class Budget(Strict):
    """How long to pretrain: tokens seen by the model, optimizer steps, or minutes. Exactly one.

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
    lowercase: bool | None = Field(None, description="Lowercase the text. WordPiece does so by default; BPE cannot.")
    path: str | None = Field(None, description="Folder of an existing tokenizer, relative to the suite file.")

    @model_validator(mode="after")
    def _given(self) -> TokenizerSpec:
        if self.path is not None and self.model_fields_set - {"path"}:
            raise ValueError("an existing tokenizer (`path`) takes no other key")
        return self


Objective = Literal["mlm", "mlm_nsp", "causal", "span_corruption"]


class PretrainSpec(Strict):
    """Pretraining on unlabeled text, from random weights or going on from a checkpoint (`from`).

    What is left out follows from the objective (harness/model_kinds/finetune_kind.py).
    """

    from_: str | None = Field(
        None, alias="from", description="Model to continue pretraining from. Defaults to training from scratch."
    )
    objective: Objective = "mlm"
    data: list[str] = Field(description="Names from the suite's `data`; the training splits are used.")
    architecture: str | dict[str, Any] | None = Field(
        None, description="A preset, or a transformers configuration. Defaults to the objective's smallest preset."
    )
    tokenizer: TokenizerSpec = TokenizerSpec()
    embeddings: Literal["ppmi_svd", "random"] | None = Field(
        None,
        description="Word embedding initialization: from corpus counts (default for BERT) or random.",
    )
    budget: Budget
    weights: dict[str, float] = Field(
        default_factory=dict,
        description="Weight of each dataset in the word vectors and in the fraction of rows. Defaults to 1.",
    )
    window: int = Field(10, ge=1, description="Maximum distance between two tokens that count for the word vectors.")
    mlm_probability: float | None = Field(
        None, gt=0, lt=1, description="Share of tokens that are predicted (not causal)."
    )
    span_length: float | None = Field(None, ge=1, description="Mean length of a corrupted span (span_corruption).")
    sequence_length: int | None = Field(None, ge=8, le=8192)
    batch_size: int | None = Field(None, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    embedding_lr_multiplier: float = Field(1.0, ge=0, description="Learning rate multiplier for the word embeddings.")
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout during pretraining. Defaults to none.")
    mitigate: TextMitigation | None = Field(None, description="Bias mitigation applied to the training texts.")
    seed: int | None = None

    @model_validator(mode="after")
    def _agree(self) -> PretrainSpec:
        if self.from_ is not None:
            for key in ("architecture", "tokenizer", "embeddings"):
                if key in self.model_fields_set and getattr(self, key) is not None:
                    raise ValueError(f"`{key}` comes from the parent model (`from`); remove it")
        if self.span_length is not None and self.objective != "span_corruption":
            raise ValueError("`span_length` applies only to the objective span_corruption")
        if self.mlm_probability is not None and self.objective == "causal":
            raise ValueError("`mlm_probability` does not apply to the objective causal, which predicts every token")
        return self


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """Every choice of a pretraining that follows from its objective, with nothing left open.

    Attributes:
        sequence_length: tokens of a row.
        batch_size: rows of a batch.
        learning_rate: the highest one.
        mlm_probability: share of tokens that are predicted (masked objectives and span corruption).
        span_length: mean length of a corrupted span, tokens.
        dropout: so short a pretraining never overfits, so there is none unless the suite says it.
    """

    sequence_length: int
    batch_size: int
    learning_rate: float
    mlm_probability: float = 0.0
    span_length: float = 0.0
    dropout: float = 0.0


_PRETRAINING = {
    "mlm": PretrainSettings(64, 32, 3e-3, mlm_probability=0.2),
    # Two segments need room; the pair head learns nothing from halves of a few words.
    "mlm_nsp": PretrainSettings(128, 16, 2e-3, mlm_probability=0.15),
    "causal": PretrainSettings(128, 16, 3e-3),
    # Raffel et al. 2020, section 3.3.4: 15 % in spans of three.
    "span_corruption": PretrainSettings(128, 16, 3e-3, mlm_probability=0.15, span_length=3.0),
}

_CONTINUED_RATE = 5e-4


def pretraining_settings(spec: PretrainSpec, width: int | None) -> PretrainSettings:
    """The spec's values, and for those left out the defaults of its objective.

    Args:
        width: of the model's residual stream; None where it is not known yet (the rate is then
            that of a small model).
    """
    defaults = _PRETRAINING[spec.objective]
    rate = _CONTINUED_RATE if spec.from_ is not None else defaults.learning_rate
    rate *= min(1.0, _WIDTH / width) if width else 1.0
    defaults = replace(defaults, learning_rate=rate)
    named = {name: getattr(spec, name) for name in PretrainSettings.__slots__}
    return replace(defaults, **{name: value for name, value in named.items() if value is not None})


_GOALS: Mapping[str, str] = {
    "causal": "predict the next word",
    "mlm_nsp": "predict masked words and neighbors",
    "span_corruption": "fill in missing spans",
}


class PretrainKind(ModelKind[PretrainSpec]):
    """`pretrain`: texts without labels."""

    name = "pretrain"
    Options = PretrainSpec
    goal = "predict masked words"
    summary = "A language model pretrained on texts, from scratch or from another model."
    train = "harness.training.stages.pretrain_stage:pretrain"
    goes_on_from_weights = True

    def label(self, options: PretrainSpec) -> str:
        """Objective and data."""
        texts = f"with {options.objective} on {', '.join(options.data)}"
        texts += mitigation_words(options.mitigate, options.dropout)
        return f"pretrained {texts}" if options.from_ is None else f"{options.from_} pretrained further {texts}"

    def goal_of(self, options: PretrainSpec) -> str:
        """The goal of its objective."""
        return _GOALS.get(options.objective, self.goal)

    def check(self, options: PretrainSpec, problems: Problems) -> None:
        """Weights are of its own data, and there is some."""
        for name in options.weights:
            if name not in options.data:
                problems.add(unknown("data of this stage", name, options.data), "weights", name, key=True)
        if not options.data:
            problems.add("expected at least one name of the suite's data, found none.", "data")

    def tokenizer(self, options: PretrainSpec) -> str | None:
        """The given one, if any."""
        return options.tokenizer.path

    def configuration(self, options: PretrainSpec, folder: Path) -> Mapping[str, Any] | None:
        """Its architecture; that of the model to go on from is not known here."""
        return None if options.from_ is not None else architecture(options.architecture, options.objective)

    def defaults(self, options: PretrainSpec, examples: int, type_: str) -> Mapping[str, Any]:
        """Its shape and every choice of the pretraining."""
        sizes = architecture(options.architecture, options.objective) if options.from_ is None else None
        return {"sizes": sizes, **asdict(pretraining_settings(options, _width(sizes)))}

    def estimate(self, options: PretrainSpec, rows: int, configuration: Mapping[str, Any] | None) -> StageCost:
        """By its budget."""
        sizes = dict(configuration or architecture(None, options.objective))
        if options.from_ is None:
            sizes = architecture(options.architecture, options.objective)
        if options.budget.minutes is not None:
            return StageCost(seconds=options.budget.minutes * 60)
        chosen = pretraining_settings(options, _width(sizes))
        steps = options.budget.steps or 0
        tokens = float(options.budget.tokens or steps * chosen.batch_size * chosen.sequence_length)
        shape = shape_of(sizes)
        if shape is None:
            return StageCost(tokens)
        vocabulary = shape.vocabulary or options.tokenizer.vocabulary
        forward = shape.stack(shape.layers, tokens, chosen.sequence_length)
        if options.objective == "span_corruption":
            target = tokens * chosen.mlm_probability * (1 + 1 / chosen.span_length)
            length = chosen.sequence_length * target / tokens
            forward += shape.stack(shape.decoder_layers, target, length) + shape.head(target, vocabulary)
            forward += shape.cross(tokens, target, chosen.sequence_length)
        else:
            share = 1.0 if options.objective == "causal" else chosen.mlm_probability
            forward += shape.head(tokens * share, vocabulary)
        return StageCost(tokens, training_flops(forward), steps=tokens / chosen.batch_size / chosen.sequence_length)


def _width(sizes: Mapping[str, Any] | None) -> int | None:
    shape = shape_of(sizes) if sizes is not None else None
    return shape.hidden if shape is not None else None
