"""BLEU, chrF and TER as sums over segments, so that resampling segments gives their intervals.

Segment statistics and tokenization are sacrebleu's own (Post 2018); the value of a corpus is computed from summed
statistics by the same formulas, for many resamples at once. `signature` is sacrebleu's, and stands with every
result. All references of a segment count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.metric import Direction, Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, RecordMetric, column

NAMES = ("bleu", "chrf", "ter")
_ORDER = 4
_CHARACTERS = 6
_BETA = 2.0
_ASIAN = ("zh", "ja-mecab")
_WIDTH = {"bleu": 2 + 2 * _ORDER, "chrf": 3 * _CHARACTERS, "ter": 2}


@cache
def _scorer(name: str, tokenize: str = "13a") -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER

    if name == "bleu":
        return BLEU(tokenize=tokenize)
    # chrF counts characters, so it needs no tokenizer; TER splits East Asian characters where it is told to.
    asian = {"normalized": True, "asian_support": True} if tokenize in _ASIAN else {}
    return CHRF() if name == "chrf" else TER(**asian)


def translation_statistics(
    hypothesis: str,
    references: Sequence[str],
    names: Sequence[str] = NAMES,
    tokenize: str = "13a",
    *,
    one_line: bool = True,
) -> dict[str, float]:
    """The sufficient statistics of one segment: `bleu.0` … `bleu.9`, `chrf.0` … `chrf.17`, `ter.0`, `ter.1`.

    Args:
        tokenize: one of sacrebleu's tokenizers, for BLEU; with `zh` and `ja-mecab`, TER splits East Asian characters.
        one_line: join the lines of a segment, as sacrebleu's command does when it reads files.

    Raises:
        ValueError: without any reference.
    """
    if not references:
        raise ValueError("a segment needs at least one reference")
    statistics: dict[str, float] = {}
    for name in names:
        # sacrebleu splits a document at line ends; a segment is one line here as there.
        texts = [" ".join(text.split()) if one_line else text for text in (hypothesis, *references)]
        (row,) = _scorer(name, tokenize)._extract_corpus_statistics([texts[0]], [[text] for text in texts[1:]])
        statistics |= {f"{name}.{place}": float(value) for place, value in enumerate(row)}
    return statistics


def signature(name: str, references: int | None, tokenize: str = "13a") -> str:
    """sacrebleu's short account of how a figure was made; `references` None where their number varies."""
    scorer = _scorer(name, tokenize)
    text = str(
        scorer.corpus_score(["a"], [["a"]] * (references or 1)).format(signature=scorer.get_signature().format())
    )
    matched = re.match(r"(\S+) = ", text)
    assert matched is not None, text
    said = matched.group(1).partition("|")[2]
    return said if references is not None else said.replace("nrefs:1", "nrefs:var")


@dataclass(slots=True, kw_only=True)
class CorpusScore(RecordMetric):
    """A corpus score from summed segment statistics."""

    name: str
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        return np.column_stack([column(records, f"{self.name}.{place}") for place in range(_WIDTH[self.name])])

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        score = {"bleu": _bleu, "chrf": _chrf, "ter": _ter}[self.name](sums)
        return np.where(np.asarray(n) > 0, score, np.nan)


class Corpus(Factory):
    """Makes one corpus score."""

    packages = ("sacrebleu",)

    def __init__(self, name: str, direction: Direction, summary: str, *, label: str, short: str) -> None:
        self.name = name
        self.direction = direction
        self.summary = summary
        self.label, self.short = label, short
        self.needs = (f"{name}.0",)

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            CorpusScore(
                id=self.name,
                unit=f"{self.name} (0–100)",
                direction=self.direction,
                cluster_unit=context.cluster_unit,
                name=self.name,
            )
        ]


bleu = Corpus(
    "bleu",
    "higher",
    "Corpus BLEU, sacrebleu defaults (13a unless the data declare a language, exponential smoothing).",
    label="word sequences shared with the reference",
    short="BLEU",
)
chrf = Corpus(
    "chrf",
    "higher",
    "Corpus chrF, sacrebleu defaults (character order 6, beta 2).",
    label="letter sequences shared with the reference",
    short="chrF",
)
ter = Corpus(
    "ter",
    "lower",
    "Corpus translation edit rate (TER), sacrebleu defaults.",
    label="edits per reference word",
    short="TER",
)


def _bleu(sums: FloatArray) -> FloatArray:
    """BLEU-4 with a closest-length brevity penalty; the k-th order without a match counts 1/2^k matches."""
    given, wanted = sums[..., 0], sums[..., 1]
    right, total = sums[..., 2 : 2 + _ORDER], sums[..., 2 + _ORDER :]
    empty = right == 0
    smoothed = np.where(empty, 0.5 ** np.cumsum(empty, axis=-1), right)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(smoothed / total).sum(axis=-1) / _ORDER
        penalty = np.where(given < wanted, np.exp(1.0 - wanted / given), 1.0)
        score = 100.0 * penalty * np.exp(logs)
    nothing = (right.sum(axis=-1) == 0) | (total == 0).any(axis=-1) | (given == 0)
    return np.where(nothing, 0.0, score)


def _chrf(sums: FloatArray) -> FloatArray:
    """F with β = 2 of the precision and recall averaged over the orders that both sides have."""
    counts = sums.reshape(*sums.shape[:-1], _CHARACTERS, 3)
    given, wanted, right = counts[..., 0], counts[..., 1], counts[..., 2]
    both = (given > 0) & (wanted > 0)
    orders = np.maximum(both.sum(axis=-1), 1)
    precision = np.where(both, right / np.maximum(given, 1.0), 0.0).sum(axis=-1) / orders
    recall = np.where(both, right / np.maximum(wanted, 1.0), 0.0).sum(axis=-1) / orders
    below = _BETA**2 * precision + recall
    return np.where(below > 0, 100.0 * (1 + _BETA**2) * precision * recall / np.where(below > 0, below, 1.0), 0.0)


def _ter(sums: FloatArray) -> FloatArray:
    edits, length = sums[..., 0], sums[..., 1]
    rate = np.where(length > 0, edits / np.where(length > 0, length, 1.0), (edits > 0).astype(np.float64))
    return 100.0 * rate
