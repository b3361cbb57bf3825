"""Byte-level BPE tokenizers trained on a stage's own texts (Sennrich et al. 2016; Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.core.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"
PAD = "<|pad|>"
_BYTES = 256
_MIN_FREQUENCY = 2
SENTINELS = 64
"""Different gaps that a span-corrupted text may have."""


def train_causal_tokenizer(
    texts: Iterable[tuple[str, int]], *, vocabulary: int, max_length: int
) -> PreTrainedTokenizerFast:
    """A GPT-2-like tokenizer: any text has tokens, and none is unknown.

    One token stands for the beginning and the end of a text; nothing is put around texts.

    Args:
        texts: (text, how often it counts).
        vocabulary: number of tokens, 256 bytes and 2 special ones included (fewer when the texts
            have fewer).
        max_length: longest sequence of the model.

    Returns:
        A `transformers.PreTrainedTokenizerFast`.

    Raises:
        DataError: when the vocabulary is too small for the bytes.
    """
    from transformers import PreTrainedTokenizerFast

    backend = _trained(texts, vocabulary, [END, PAD])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        bos_token=END,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )


def train_span_tokenizer(
    texts: Iterable[tuple[str, int]], *, vocabulary: int, max_length: int
) -> PreTrainedTokenizerFast:
    """A T5-like tokenizer: `</s>` after each text, and sentinels `<extra_id_0>` … for gaps.

    Args:
        texts, vocabulary, max_length: as `train_causal_tokenizer`; 3 special tokens and the
            sentinels are included in the vocabulary.

    Raises:
        DataError: when the vocabulary is too small for the bytes and sentinels.
    """
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    sentinels = [f"<extra_id_{number}>" for number in range(SENTINELS)]
    special = ["<pad>", "</s>", "<unk>"]
    backend = _trained(texts, vocabulary, [*special, *sentinels])
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=sentinels,
        clean_up_tokenization_spaces=False,
    )


def _trained(texts: Iterable[tuple[str, int]], vocabulary: int, special: list[str]) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < _BYTES + len(special):
        raise DataError(
            f"a vocabulary of {vocabulary} is too small for 256 bytes and {len(special)} special tokens.",
            hint="8000 is a good starting point.",
        )
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=_MIN_FREQUENCY,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    repeated = (_clean(text) for text, times in texts for _ in range(times))
    backend.train_from_iterator(repeated, trainer)
    return backend


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
