"""Figures of language modeling: ratios of corpus sums, by byte, token or word.

Pseudo-likelihoods (masked models) and likelihoods (causal models) are different quantities. A
`pseudo_` metric reads only records of pseudo-likelihoods, the others only records of likelihoods;
asked of the wrong kind they are undefined. Bits per byte is the one to gate on: it does not
depend on the tokenizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from harness.core.metric import Metric, MetricContext
from harness.metrics.metric_shapes import ExponentialRatioMetric, Factory, RatioMetric

PSEUDO = ("pseudo_likelihood",)
ROLLING = ("rolling_likelihood",)


class _BitsPerByte(Factory):
    needs: tuple[str, ...] = ("nll", "bytes")
    id: ClassVar[str]
    protocols: ClassVar[tuple[str, ...]]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id=self.id,
                unit="bits/byte",
                direction="lower",
                cluster_unit=context.cluster_unit,
                protocols=self.protocols,
                first="nll",
                second="bytes",
                scale=math.log(2.0),
            )
        ]


class PseudoBitsPerByte(_BitsPerByte):
    """−Σ pseudo-log-likelihood / (Σ UTF-8 bytes · ln 2)."""

    label: str = "negative log-likelihood of these texts"
    short: str = "pseudo bits per byte"
    summary: str = "Bits per byte of text by a masked model's pseudo-likelihood."
    id: ClassVar[str] = "pseudo_bits_per_byte"
    protocols: ClassVar[tuple[str, ...]] = PSEUDO


class BitsPerByte(_BitsPerByte):
    """−Σ log-likelihood / (Σ UTF-8 bytes · ln 2)."""

    label: str = "negative log-likelihood of these texts"
    short: str = "bits per byte"
    summary: str = "Bits per byte of text by a causal model's likelihood."
    id: ClassVar[str] = "bits_per_byte"
    protocols: ClassVar[tuple[str, ...]] = ROLLING


class _Perplexity(Factory):
    id: ClassVar[str]
    unit: ClassVar[str]
    second: ClassVar[str]
    protocols: ClassVar[tuple[str, ...]]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExponentialRatioMetric(
                id=self.id,
                unit=self.unit,
                direction="lower",
                cluster_unit=context.cluster_unit,
                protocols=self.protocols,
                first="nll",
                second=self.second,
            )
        ]


class PseudoPerplexity(_Perplexity):
    """exp(−Σ pseudo-log-likelihood / Σ tokens) (Salazar et al. 2020)."""

    needs: tuple[str, ...] = ("nll", "tokens")
    label: str = "perplexity of these texts, per token"
    short: str = "pseudo-perplexity"
    summary: str = "Perplexity per token by a masked model's pseudo-likelihood; comparable only for the same tokenizer."
    id: ClassVar[str] = "pseudo_perplexity"
    unit: ClassVar[str] = "perplexity/token"
    second: ClassVar[str] = "tokens"
    protocols: ClassVar[tuple[str, ...]] = PSEUDO


class TokenPerplexity(_Perplexity):
    """exp(−Σ log-likelihood / Σ tokens)."""

    needs: tuple[str, ...] = ("nll", "tokens")
    label: str = "perplexity of these texts, per token"
    short: str = "token perplexity"
    summary: str = "Perplexity per token by a causal model's likelihood; comparable only for the same tokenizer."
    id: ClassVar[str] = "token_perplexity"
    unit: ClassVar[str] = "perplexity/token"
    second: ClassVar[str] = "tokens"
    protocols: ClassVar[tuple[str, ...]] = ROLLING


class WordPerplexity(_Perplexity):
    """exp(−Σ log-likelihood / Σ words), words split on white space."""

    needs: tuple[str, ...] = ("nll", "words")
    label: str = "perplexity of these texts, per word"
    short: str = "word perplexity"
    summary: str = "Perplexity per whitespace-separated word by a causal model's likelihood."
    id: ClassVar[str] = "word_perplexity"
    unit: ClassVar[str] = "perplexity/word"
    second: ClassVar[str] = "words"
    protocols: ClassVar[tuple[str, ...]] = ROLLING


class BytePerplexity(_Perplexity):
    """exp(−Σ log-likelihood / Σ UTF-8 bytes)."""

    needs: tuple[str, ...] = ("nll", "bytes")
    label: str = "perplexity per byte"
    summary: str = "Perplexity per UTF-8 byte by a causal model's likelihood (byte_perplexity in lm-eval)."
    id: ClassVar[str] = "byte_perplexity"
    unit: ClassVar[str] = "perplexity/byte"
    second: ClassVar[str] = "bytes"
    protocols: ClassVar[tuple[str, ...]] = ROLLING


class TargetPerplexity(Factory):
    """exp(−mean log-likelihood of a whole target given its context), lm-eval's perplexity of such tasks."""

    needs: tuple[str, ...] = ("nll_target", "targets")
    label: str = "perplexity of the target"
    summary: str = "exp of the mean negative log-likelihood of whole targets (perplexity in lm-eval)."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExponentialRatioMetric(
                id="target_perplexity",
                unit="perplexity/target",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_target",
                second="targets",
            )
        ]


class TargetBitsPerByte(Factory):
    """−Σ log-likelihood of the first reference given its prompt / (Σ its UTF-8 bytes · ln 2)."""

    needs: tuple[str, ...] = ("nll_reference", "bytes_reference")
    label: str = "bits per byte of the correct text"
    short: str = "bits per byte of the correct text"
    summary: str = "Bits per byte of the reference answer, given its prompt."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id="target_bits_per_byte",
                unit="bits/byte",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_reference",
                second="bytes_reference",
                scale=math.log(2.0),
            )
        ]


class TargetNatsPerToken(Factory):
    """−Σ log-likelihood of the first reference given its prompt / Σ its tokens: the loss of training on it."""

    needs: tuple[str, ...] = ("nll_reference", "tokens_reference")
    label: str = "nats per token of the correct text"
    short: str = "nats per token of the correct text"
    summary: str = "Nats per token of the reference text, given its prompt; comparable only for the same tokenizer."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id="target_nats_per_token",
                unit="nats/token",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_reference",
                second="tokens_reference",
            )
        ]


class TargetTokenPerplexity(Factory):
    """exp of `target_nats_per_token`."""

    needs: tuple[str, ...] = ("nll_reference", "tokens_reference")
    label: str = "perplexity of the correct text, per token"
    short: str = "token perplexity of the correct text"
    summary: str = "Perplexity per token of the reference text; comparable only for the same tokenizer."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExponentialRatioMetric(
                id="target_token_perplexity",
                unit="perplexity/token",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_reference",
                second="tokens_reference",
            )
        ]


class ReferenceBitsPerByte(Factory):
    """−Σ log-likelihood of written texts under another model / (Σ their UTF-8 bytes · ln 2)."""

    needs: tuple[str, ...] = ("nll_reader", "bytes_reader")
    label: str = "bits per byte under the reference model"
    summary: str = "Bits per byte of generated texts under a reference model; low means likely, not good."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            RatioMetric(
                id="reference_bits_per_byte",
                unit="bits/byte",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_reader",
                second="bytes_reader",
                scale=math.log(2.0),
            )
        ]


class ReferenceWordPerplexity(Factory):
    """exp(−Σ log-likelihood of written texts under another model / Σ their words)."""

    needs: tuple[str, ...] = ("nll_reader", "words_reader")
    label: str = "perplexity per word under the reference model"
    summary: str = "Perplexity per word of generated texts under a reference model; low means likely, not good."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExponentialRatioMetric(
                id="reference_word_perplexity",
                unit="perplexity/word",
                direction="lower",
                cluster_unit=context.cluster_unit,
                first="nll_reader",
                second="words_reader",
            )
        ]


pseudo_bits_per_byte = PseudoBitsPerByte()
reference_bits_per_byte = ReferenceBitsPerByte()
reference_word_perplexity = ReferenceWordPerplexity()
target_bits_per_byte = TargetBitsPerByte()
target_nats_per_token = TargetNatsPerToken()
target_perplexity = TargetPerplexity()
target_token_perplexity = TargetTokenPerplexity()
bits_per_byte = BitsPerByte()
byte_perplexity = BytePerplexity()
pseudo_perplexity = PseudoPerplexity()
token_perplexity = TokenPerplexity()
word_perplexity = WordPerplexity()
