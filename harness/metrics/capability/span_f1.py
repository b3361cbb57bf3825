"""Spans of tagged words, strictly: a span counts when its type and both of its borders are right.

The rules are those of seqeval's `mode="strict"` (Nakayama 2018) for the schemes IOB1, IOB2, IOBES and BILOU. A tag that
its scheme does not allow where it stands (an `I-` that continues nothing) belongs to no span; it is malformed, and
counted. F1 = 2·right / (predicted + gold), from sums over all items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.core.errors import SuiteError
from harness.core.metric import Metric, MetricContext, MetricKind
from harness.core.metric_structure import MetricStructure
from harness.core.records import FloatArray, Records
from harness.metrics.column_metrics import RatioOf
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

Scheme = Literal["iob1", "iob2", "iobes", "bilou"]
Span = tuple[str, int, int]
"""Type, first word, and the word after the last."""
PREFIXES: dict[Scheme, tuple[str, ...]] = {
    "iob1": ("B", "I"),
    "iob2": ("B", "I"),
    "iobes": ("B", "I", "E", "S"),
    "bilou": ("B", "I", "L", "U"),
}
"""How tags begin under each scheme. In IOB1 `B` is only for a span that follows one of its own type at once."""
_AS_IOBES = {"L": "E", "U": "S"}
OUTSIDE = "O"
_RIGHT, _PREDICTED, _GOLD = "spans_right", "spans_predicted", "spans_gold"


def split_tag(tag: str) -> tuple[str, str]:
    """`B-person` → (`B`, `person`); `O` and the empty tag of a word that did not fit → (`O`, "")."""
    prefix, _, kind = tag.partition("-")
    return (prefix, kind) if kind else (OUTSIDE, "")


def spans(tags: Sequence[str], scheme: Scheme = "iob2") -> tuple[list[Span], int]:
    """The well-formed spans of a sequence of tags, and how many tags other than `O` are in none of them."""
    pairs = [split_tag(tag) for tag in tags]
    if scheme == "bilou":
        pairs = [(_AS_IOBES.get(prefix, prefix if prefix not in "ES" else "?"), kind) for prefix, kind in pairs]
        scheme = "iobes"
    spans_so_far: list[Span] = []
    place = 0
    while place < len(pairs):
        touched = spans_so_far[-1][0] if spans_so_far and spans_so_far[-1][2] == place else None
        end = _span_end(pairs, place, scheme, touched)
        if end is None:
            place += 1
        else:
            spans_so_far.append((pairs[place][1], place, end))
            place = end
    inside = sum(end - start for _, start, end in spans_so_far)
    return spans_so_far, sum(prefix != OUTSIDE for prefix, _ in pairs) - inside


def _span_end(pairs: Sequence[tuple[str, str]], start: int, scheme: Scheme, touched: str | None) -> int | None:
    """The word after the span that starts at `start`; None when none does.

    Args:
        touched: the type of the span that ends just before `start`.
    """
    prefix, kind = pairs[start]
    if scheme == "iobes" and prefix == "S":
        return start + 1
    if scheme == "iob1":
        if prefix not in ("B", "I") or (prefix == "B" and kind != touched):
            return None
    elif prefix != "B":
        return None
    end = start + 1
    while end < len(pairs) and pairs[end] == ("I", kind):
        end += 1
    if scheme != "iobes":
        return end
    return end + 1 if end < len(pairs) and pairs[end] == ("E", kind) else None


def schemes_of(sentences: Sequence[Sequence[str]]) -> list[Scheme]:
    """The schemes that all tags follow."""
    return [scheme for scheme in PREFIXES if all(spans(tags, scheme)[1] == 0 for tags in sentences)]


def span_statistics(
    gold: Sequence[str], predicted: Sequence[str], kinds: Sequence[str], scheme: Scheme = "iob2"
) -> dict[str, float]:
    """Right, predicted and gold spans, overall and of each type; words, and malformed predicted tags."""
    wanted, _ = spans(gold, scheme)
    given, malformed = spans(predicted, scheme)
    right = set(wanted) & set(given)
    counts = {"malformed": float(malformed), "words": float(len(gold))}
    for name, which in ((_RIGHT, right), (_PREDICTED, given), (_GOLD, wanted)):
        counts[name] = float(len(which))
        for kind in kinds:
            counts[f"{name}.{kind}"] = float(sum(span[0] == kind for span in which))
    return counts


@dataclass(slots=True, kw_only=True)
class SpanF1(RecordMetric):
    """F1 of spans: of all types together (`types` empty), or the mean over types of gold spans.

    `stats` is [n, 3·groups]: right, predicted and gold spans of each group.
    """

    types: tuple[str, ...] = ()
    kind: MetricKind = "additive"

    def rows(self, records: Records) -> FloatArray:
        groups = [f".{kind}" for kind in self.types] or [""]
        return np.column_stack(
            [column(records, name + group) for group in groups for name in (_RIGHT, _PREDICTED, _GOLD)]
        )

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        counts = sums.reshape(*sums.shape[:-1], -1, 3)
        scores = divide(2.0 * counts[..., 0], counts[..., 1] + counts[..., 2])
        # A mean is over the types that the gold spans have: the same ones for every model.
        known = np.isfinite(scores) & ((counts[..., 2] > 0) if len(self.types) > 1 else True)
        return divide(np.where(known, scores, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))

    def structure(self, records: Records) -> MetricStructure:
        """The types of a mean over types count alike, the rare ones too."""
        return MetricStructure(parts={kind: column(records, f"{_GOLD}.{kind}") > 0 for kind in self.types})


class StrictF1(Factory):
    """Micro-averaged over all types."""

    needs: tuple[str, ...] = (_RIGHT, _PREDICTED, _GOLD)
    label: str = "F1 of whole spans, type and borders right"
    short: str = "F1 of spans"
    summary: str = "Micro F1 of spans with correct type and boundaries (seqeval strict mode)."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [_f1("span_f1", (), context)]


class StrictMacroF1(Factory):
    """Mean over the types."""

    needs: tuple[str, ...] = StrictF1.needs
    label: str = "F1 of whole spans, mean over types"
    summary: str = "Macro strict F1 over the span types."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [_f1("span_f1_macro", _types(name, context), context)]


class StrictF1PerType(Factory):
    """One metric `span_f1[<type>]` a type."""

    needs: tuple[str, ...] = StrictF1.needs
    label: str = "F1 of whole spans of one type"
    summary: str = "Strict F1 per span type, as span_f1[<type>]."

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [_f1(f"span_f1[{kind}]", (kind,), context) for kind in _types(name, context)]


def _f1(name: str, types: tuple[str, ...], context: MetricContext) -> SpanF1:
    return SpanF1(id=name, unit="fraction", direction="higher", cluster_unit=context.cluster_unit, types=types)


def _types(name: str, context: MetricContext) -> tuple[str, ...]:
    if not context.labels:
        raise SuiteError(
            f"the metric {name!r} needs the span types, which are unknown.",
            hint="set them in the task: `types: [person, location]`.",
        )
    return context.labels


span_f1 = StrictF1()
span_f1_macro = StrictMacroF1()
span_f1_per_type = StrictF1PerType()
span_precision = RatioOf(
    "span_precision",
    "Precision: fraction of predicted spans that are correct.",
    _RIGHT,
    _PREDICTED,
    label="share of the marked spans that are right",
)
span_recall = RatioOf(
    "span_recall",
    "Recall: fraction of gold spans that are found.",
    _RIGHT,
    _GOLD,
    label="share of the spans that are found",
)
invalid_tag_rate = RatioOf(
    "invalid_tag_rate",
    "Fraction of words whose predicted tag violates the tagging scheme.",
    "malformed",
    "words",
    direction="lower",
    label="share of words whose tag cannot stand there",
    role="descriptive",
)
