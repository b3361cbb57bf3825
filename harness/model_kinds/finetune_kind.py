"""What a stage does when its suite says nothing else (values: docs/recipe.md, docs/training.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model_kinds.finetuning import AlignSpec, FinetuneSpec, lora_of
from harness.model_kinds.pretrain_kind import PretrainSpec

# With fewer labels than this a pass is short: smaller batches and more passes pay, and word
# embeddings that move forget what pretraining knew of words that the labels do not show.
_FEW_LABELS = 3000


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """Every choice of a fine-tuning, with nothing left open.

    Attributes:
        head_rate: the pooler's and classifier's learning rate as a multiple.
        embedding_rate: the word embeddings' learning rate as a multiple.
        word_dropout: share of tokens that the mask token hides while training.
        memory: weight of the masked-token loss.
        dropout: while training; None for the model's own.
    """

    epochs: int = 4
    learning_rate: float = 1e-3
    batch_size: int = 64
    max_length: int = 128
    head_rate: float = 3.0
    embedding_rate: float = 0.5
    word_dropout: float = 0.1
    label_smoothing: float = 0.1
    memory: float = 0.0
    dropout: float | None = None


_MANY = FinetuneSettings()
_FEW = replace(
    _MANY,
    epochs=8,
    learning_rate=5e-4,
    batch_size=16,
    embedding_rate=0.0,
    word_dropout=0.0,
    label_smoothing=0.0,
)
_ADAPTER_RATE = 2e-3
_RANDOM_FEW_RATE = 3e-4
# Tags and spans: a head on every token; nothing is hidden from it.
_TOKENS = replace(
    _MANY, epochs=5, learning_rate=1e-3, batch_size=16, embedding_rate=1.0, word_dropout=0.0, label_smoothing=0.0
)
# Models that write: their own head goes on being trained.
_WRITING = replace(_TOKENS, epochs=3, learning_rate=1e-3, batch_size=16, max_length=256, head_rate=1.0)
_BY_KIND = {
    "tagged_words": _TOKENS,
    "answer_span": replace(_TOKENS, max_length=256),
    "prompt_target": _WRITING,
    "preference_pair": _WRITING,
    "plain_text": _WRITING,
}
_ALIGNMENT = replace(_WRITING, epochs=2, learning_rate=1e-4, batch_size=8)
_WIDE_FULL, _WIDE_ADAPTER = 0.04, 0.3
"""Rate times width of models wider than `_WIDTH`: 1e-4 at 384, as such encoders are usually tuned."""


def settings_for(spec: FinetuneSpec, examples: int, kind: str = "labelled_text") -> FinetuneSettings:
    """The spec's values, and for those left out the defaults of its method, examples and their type."""
    defaults = _FEW if examples < _FEW_LABELS else _MANY
    if kind in _BY_KIND:
        defaults = _BY_KIND[kind]
        if lora_of(spec.method) is not None:
            defaults = replace(defaults, learning_rate=2 * defaults.learning_rate)
    elif spec.weights == "random":
        # Chosen on validation like everything else: a control that is tuned badly flatters its rival.
        rate = _RANDOM_FEW_RATE if defaults is _FEW else _MANY.learning_rate
        defaults = replace(defaults, learning_rate=rate, head_rate=1.0, embedding_rate=1.0)
    elif lora_of(spec.method) is not None:
        defaults = replace(defaults, learning_rate=_ADAPTER_RATE)
    return _named(defaults, spec)


def narrowed(chosen: FinetuneSettings, spec: FinetuneSpec | AlignSpec, width: int | None) -> FinetuneSettings:
    """The settings for a model of this width: what the suite does not say is gentler with wide ones,
    which know more than a few minutes of pretraining and lose it sooner."""
    if width is None or width <= _WIDTH or spec.learning_rate is not None:
        return chosen
    if isinstance(spec, FinetuneSpec) and spec.weights == "random":
        return chosen
    rate = (_WIDE_ADAPTER if lora_of(spec.method) is not None else _WIDE_FULL) / width
    return replace(chosen, learning_rate=min(chosen.learning_rate, rate))


def alignment_settings(spec: AlignSpec, examples: int, width: int | None = None) -> FinetuneSettings:
    """The same for an alignment."""
    adapter = lora_of(spec.method) is not None
    defaults = replace(_ALIGNMENT, learning_rate=_ALIGNMENT.learning_rate * (5 if adapter else 1))
    chosen = _named(defaults, spec)
    if width is None or width <= _WIDTH or spec.learning_rate is not None:
        return chosen
    # A tenth of what the same model is fine-tuned with (Rafailov et al. 2023: 1e-6 against 1e-5).
    return replace(chosen, learning_rate=narrowed(replace(chosen, learning_rate=1.0), spec, width).learning_rate / 10)


def _named(defaults: FinetuneSettings, spec: FinetuneSpec | AlignSpec) -> FinetuneSettings:
    named = {name: getattr(spec, name, None) for name in FinetuneSettings.__slots__}
    return replace(defaults, **{name: value for name, value in named.items() if value is not None})


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """Every choice of a pretraining that follows from its objective, with nothing left open.

    Attributes:
        sequence_length: tokens of a row.
        batch_size: rows of a batch.
        learning_rate: the highest one.
        mask_rate: share of tokens that are predicted (masked objectives and span corruption).
        span_length: mean length of a corrupted span, tokens.
        dropout: so short a pretraining never overfits, so there is none unless the suite says it.
    """

    sequence_length: int
    batch_size: int
    learning_rate: float
    mask_rate: float = 0.0
    span_length: float = 0.0
    dropout: float = 0.0


_PRETRAINING = {
    "mlm": PretrainSettings(64, 32, 3e-3, mask_rate=0.2),
    # Two segments need room; the pair head learns nothing from halves of a few words.
    "mlm_nsp": PretrainSettings(128, 16, 2e-3, mask_rate=0.15),
    "causal": PretrainSettings(128, 16, 3e-3),
    # Raffel et al. 2020, section 3.3.4: 15 % in spans of three.
    "span_corruption": PretrainSettings(128, 16, 3e-3, mask_rate=0.15, span_length=3.0),
}
_CONTINUED_RATE = 5e-4
_WIDTH = 256
"""Up to this width the rates above hold; beyond it they fall with the width (Yang et al. 2022)."""


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
