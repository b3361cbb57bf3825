"""Which heads a checkpoint carries, told from its configuration and its tensors' names.

What a folder must hold for each head (the names are transformers' own):

| head | tensors | class | answers |
|---|---|---|---|
| language model | those of `AutoModelForMaskedLM`, `…CausalLM` or `…Seq2SeqLM` | as named | likelihoods, text |
| sequence | `classifier.`, `score.` or `classification_head.` | `…ForSequenceClassification` | `Classify` |
| sequence (XLM) | `sequence_summary.` | `…ForSequenceClassification` | `Classify` |
| token | `classifier.` or `score.` | `…ForTokenClassification` | `Tag` |
| span | `qa_outputs.`, `qa_classifier.`; `classifier.` | `…ForQuestionAnswering` | `ExtractSpan` |
| next sentence | `cls.seq_relationship.` | `…ForNextSentencePrediction` | `NextSentence` |

One folder may hold several of them around one encoder, each tensor once. A sequence and a token head have
the same names, and so has the span head of some families: `architectures` in config.json decides, by the first
entry that names one of them; without one it is a sequence head. `id2label` in config.json names the labels of that
head. A head whose pooler is missing is not whole, and is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from harness.models.checkpoint.checkpoint_files import architectures

Family = Literal["masked", "causal", "seq2seq"]
Head = Literal["sequence", "token", "span", "next_sentence"]

LABEL_PREFIXES = ("classifier.", "score.", "classification_head.", "logits_proj.", "sequence_summary.")
"""Heads with one row a label: of a whole text, or of each token."""
SPAN_PREFIXES = ("qa_outputs.", "qa_classifier.")
NEXT_SENTENCE_PREFIXES = ("cls.seq_relationship.",)
HEAD_PREFIXES = (*LABEL_PREFIXES, *SPAN_PREFIXES, *NEXT_SENTENCE_PREFIXES)
_LANGUAGE_MODEL_PREFIXES = (
    *("cls.predictions.", "predictions.", "lm_head.", "vocab_transform.", "vocab_projector.", "generator_"),
    *("embed_out.", "mlm_head.", "pred_layer."),
)
_LANGUAGE_MODEL_CLASSES = ("LMHeadModel", "ForCausalLM", "ForConditionalGeneration", "ForMaskedLM", "ForPreTraining")
AUTO_CLASSES: Mapping[Head, str] = {
    "sequence": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
    "next_sentence": "AutoModelForNextSentencePrediction",
}
ADAPTER_TASKS: Mapping[str, Head] = {"SEQ_CLS": "sequence", "TOKEN_CLS": "token", "QUESTION_ANS": "span"}
"""peft's task types → the head that such an adapter was trained around."""


def heads_in(config: Mapping[str, object], names: Iterable[str]) -> tuple[Head, ...]:
    """The heads of which a checkpoint holds tensors, those with labels first.

    Args:
        config: config.json.
        names: of its tensors.
    """
    known = tuple(names)
    heads: list[Head] = []
    if any(name.startswith(LABEL_PREFIXES) for name in known):
        heads.append(_labeling(config))
    if "span" not in heads and any(name.startswith(SPAN_PREFIXES) for name in known):
        heads.append("span")
    if any(name.startswith(NEXT_SENTENCE_PREFIXES) for name in known):
        heads.append("next_sentence")
    return tuple(heads)


def holds_language_model(config: Mapping[str, object], names: Iterable[str]) -> bool:
    """Whether a checkpoint holds a language model, as far as its configuration and its tensors' names tell.

    Weights that are tied to the embeddings have no tensor of their own; then `architectures` decides.
    """
    if any(name.startswith(_LANGUAGE_MODEL_PREFIXES) for name in names):
        return True
    return any(name.endswith(_LANGUAGE_MODEL_CLASSES) for name in architectures(config))


def _labeling(config: Mapping[str, object]) -> Head:
    for name in architectures(config):
        if name.endswith("ForTokenClassification"):
            return "token"
        if name.endswith("ForSequenceClassification"):
            return "sequence"
        if name.endswith("ForQuestionAnswering"):
            return "span"
    return "sequence"
