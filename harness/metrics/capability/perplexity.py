"""Figures of language modeling: ratios of corpus sums, by byte, token or word.

Pseudo-likelihoods (masked models) and likelihoods (causal models) are different quantities. A
`pseudo_` metric reads only records of pseudo-likelihoods, the others only records of likelihoods;
asked of the wrong kind they are undefined. Bits per byte is the one to gate on: it does not
depend on the tokenizer.
"""

from __future__ import annotations

import math

from harness.metrics.column_metrics import ExponentialRatioOf, RatioOf

PSEUDO = ("pseudo_likelihood",)
ROLLING = ("rolling_likelihood",)
_BITS = math.log(2.0)

# −Σ (pseudo-)log-likelihood / (Σ UTF-8 bytes · ln 2).
pseudo_bits_per_byte = RatioOf(
    "pseudo_bits_per_byte",
    "Bits per byte of text by a masked model's pseudo-likelihood.",
    "nll",
    "bytes",
    unit="bits/byte",
    direction="lower",
    scale=_BITS,
    protocols=PSEUDO,
    label="negative log-likelihood of these texts",
    short="pseudo bits per byte",
)
bits_per_byte = RatioOf(
    "bits_per_byte",
    "Bits per byte of text by a causal model's likelihood.",
    "nll",
    "bytes",
    unit="bits/byte",
    direction="lower",
    scale=_BITS,
    protocols=ROLLING,
    label="negative log-likelihood of these texts",
    short="bits per byte",
)

# exp(−Σ pseudo-log-likelihood / Σ tokens) (Salazar et al. 2020).
pseudo_perplexity = ExponentialRatioOf(
    "pseudo_perplexity",
    "Perplexity per token by a masked model's pseudo-likelihood; comparable only for the same tokenizer.",
    "nll",
    "tokens",
    unit="perplexity/token",
    protocols=PSEUDO,
    label="perplexity of these texts, per token",
    short="pseudo-perplexity",
)
token_perplexity = ExponentialRatioOf(
    "token_perplexity",
    "Perplexity per token by a causal model's likelihood; comparable only for the same tokenizer.",
    "nll",
    "tokens",
    unit="perplexity/token",
    protocols=ROLLING,
    label="perplexity of these texts, per token",
    short="token perplexity",
)
# Words are split on white space.
word_perplexity = ExponentialRatioOf(
    "word_perplexity",
    "Perplexity per whitespace-separated word by a causal model's likelihood.",
    "nll",
    "words",
    unit="perplexity/word",
    protocols=ROLLING,
    label="perplexity of these texts, per word",
    short="word perplexity",
)
byte_perplexity = ExponentialRatioOf(
    "byte_perplexity",
    "Perplexity per UTF-8 byte by a causal model's likelihood (byte_perplexity in lm-eval).",
    "nll",
    "bytes",
    unit="perplexity/byte",
    protocols=ROLLING,
    label="perplexity per byte",
)

# Of a whole target given its context: lm-eval's perplexity of such tasks.
target_perplexity = ExponentialRatioOf(
    "target_perplexity",
    "exp of the mean negative log-likelihood of whole targets (perplexity in lm-eval).",
    "nll_target",
    "targets",
    unit="perplexity/target",
    label="perplexity of the target",
)
# Of the first reference given its prompt; nats per token are the loss of training on it.
target_bits_per_byte = RatioOf(
    "target_bits_per_byte",
    "Bits per byte of the reference answer, given its prompt.",
    "nll_reference",
    "bytes_reference",
    unit="bits/byte",
    direction="lower",
    scale=_BITS,
    label="bits per byte of the correct text",
    short="bits per byte of the correct text",
)
target_nats_per_token = RatioOf(
    "target_nats_per_token",
    "Nats per token of the reference text, given its prompt; comparable only for the same tokenizer.",
    "nll_reference",
    "tokens_reference",
    unit="nats/token",
    direction="lower",
    label="nats per token of the correct text",
    short="nats per token of the correct text",
)
target_token_perplexity = ExponentialRatioOf(
    "target_token_perplexity",
    "Perplexity per token of the reference text; comparable only for the same tokenizer.",
    "nll_reference",
    "tokens_reference",
    unit="perplexity/token",
    label="perplexity of the correct text, per token",
    short="token perplexity of the correct text",
)

# Of written texts under another model.
reference_bits_per_byte = RatioOf(
    "reference_bits_per_byte",
    "Bits per byte of generated texts under a reference model; low means likely, not good.",
    "nll_reader",
    "bytes_reader",
    unit="bits/byte",
    direction="lower",
    scale=_BITS,
    label="bits per byte under the reference model",
)
reference_word_perplexity = ExponentialRatioOf(
    "reference_word_perplexity",
    "Perplexity per word of generated texts under a reference model; low means likely, not good.",
    "nll_reader",
    "words_reader",
    unit="perplexity/word",
    label="perplexity per word under the reference model",
)
