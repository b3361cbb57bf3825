"""What a stage does when its suite says nothing else (values: docs/recipe.md, docs/training.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.core.specs import FinetuneSpec, LoraMethod, PretrainSpec

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


def settings_for(spec: FinetuneSpec, examples: int) -> FinetuneSettings:
    """The spec's values, and for those left out the defaults of its method and number of examples."""
    defaults = _FEW if examples < _FEW_LABELS else _MANY
    if spec.weights == "random":
        # Chosen on validation like everything else: a control that is tuned badly flatters its rival.
        rate = _RANDOM_FEW_RATE if defaults is _FEW else _MANY.learning_rate
        defaults = replace(defaults, learning_rate=rate, head_rate=1.0, embedding_rate=1.0)
    elif isinstance(spec.method, LoraMethod):
        defaults = replace(defaults, learning_rate=_ADAPTER_RATE)
    named = {name: getattr(spec, name) for name in FinetuneSettings.__slots__}
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
    """

    sequence_length: int
    batch_size: int
    learning_rate: float
    mask_rate: float = 0.0
    span_length: float = 0.0


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
