"""What differs between two sides that could explain a difference, and what forbids comparing."""

from __future__ import annotations

from typing import Any

from harness.core.digests import short
from harness.core.metric import Metric
from harness.core.records import Records, RecordsHead

_LIKELIHOODS = ("pseudo_likelihood", "rolling_likelihood")
_SCORERS = ("pll", "ll", "target_ll", "crows_original", "next_sentence", "continuation_chars")
_FACTS = (
    ("max_length", "maximum length"),
    ("dtype", "number format"),
    ("device", "device"),
    ("scoring", "scoring version"),
)


def comparability(base: RecordsHead, candidate: RecordsHead) -> list[str]:
    """Notes on what differs between two sides, for people; empty when nothing does."""
    notes = []
    if base.protocol != candidate.protocol:
        notes.append(f"different protocols: baseline {base.protocol}, candidate {candidate.protocol}.")
    ours, theirs = _tokenizer(base), _tokenizer(candidate)
    if ours is not None and theirs is not None and ours != theirs:
        notes.append("the tokenizers differ, so per-token values are not comparable.")
    for key, name in _FACTS:
        if key in base.facts and key in candidate.facts and base.facts[key] != candidate.facts[key]:
            notes.append(f"{name}: baseline {_fact(base, key)}, candidate {_fact(candidate, key)}.")
    ours, theirs = base.facts.get("bos"), candidate.facts.get("bos")
    if ours is not None and theirs is not None and ours != theirs:
        notes.append(f"BOS policy: baseline {ours}, candidate {theirs}.")
    return [*notes, *_templates(base, candidate)]


def _fact(head: RecordsHead, key: str) -> str:
    value = head.facts[key]
    return "none" if value is None else str(value)


def _templates(base: RecordsHead, candidate: RecordsHead) -> list[str]:
    """Notes on chat templates, where they were in use: by both sides, or by one of them."""
    used = [bool(head.facts.get("messages")) for head in (base, candidate)]
    names = [_template(head) if by else "not used" for head, by in zip((base, candidate), used, strict=True)]
    if not any(used) or names[0] == names[1]:
        return []
    return [f"chat template: baseline {names[0]}, candidate {names[1]}."]


def _template(head: RecordsHead) -> str:
    known = head.facts.get("chat_template")
    return short(known) if isinstance(known, str) else "not known"


def truncation(base: Records, candidate: Records) -> list[str]:
    """A note when items were cut, and not alike on both sides. Rows must be the same items."""
    cut = [records.numbers("truncated") for records in (base, candidate)]
    if (cut[0] == cut[1]).all():
        return []
    counts = [int((tokens > 0).sum()) for tokens in cut]
    return [f"truncated items: baseline {counts[0]}, candidate {counts[1]} of {len(base)}."]


def refusal(base: RecordsHead, candidate: RecordsHead, metric: Metric) -> str | None:
    """Why this metric may not be compared between the two sides, or None."""
    if base.evaluation != candidate.evaluation:
        return f"the records are of different evaluations: {base.evaluation} and {candidate.evaluation}."
    if base.protocol != candidate.protocol and (_is_likelihood(base.protocol) or _is_likelihood(candidate.protocol)):
        return (
            f"{base.protocol} and {candidate.protocol} are not comparable: likelihoods can only be compared within "
            f"one protocol."
        )
    if _per_token(metric) and _tokenizer(base) != _tokenizer(candidate):
        return "the tokenizers differ, so per-token values are not comparable; use a metric per byte or per word."
    return None


def _is_likelihood(protocol: str) -> bool:
    scorer = protocol.removesuffix("_mean")
    return scorer in _LIKELIHOODS or scorer in _SCORERS or scorer.startswith("pll_")


def _per_token(metric: Metric) -> bool:
    return "token" in metric.unit


def _tokenizer(head: RecordsHead) -> Any:
    return head.facts.get("tokenizer_digest", head.facts.get("tokenizer"))
