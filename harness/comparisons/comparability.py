"""What differs between two sides that could explain a difference, and what forbids comparing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.core.digests import digest, short
from harness.core.metric import Metric
from harness.core.records import Records, RecordsHead

_LIKELIHOODS = ("pseudo_likelihood", "rolling_likelihood")
_SCORERS = ("pll", "ll", "target_ll", "crows_original", "next_sentence", "continuation_chars")
_LONGEST = 160
TIMED_APART = "the two were timed"
"""How the reason begins for which timings are not compared: nothing is known of their difference."""
_PARTS = {"template": "chat template", "scoring": "scoring version"}
_FACTS = (
    ("max_length", "maximum length"),
    ("dtype", "number format"),
    ("device", "device"),
)


def comparability(base: RecordsHead, candidate: RecordsHead) -> list[str]:
    """Notes on what differs between two sides, for people; empty when nothing does."""
    notes = []
    if base.protocol != candidate.protocol:
        notes.append(f"different protocols: baseline {base.protocol}, candidate {candidate.protocol}.")
    notes += protocol_differences(base, candidate)
    ours, theirs = _tokenizer(base), _tokenizer(candidate)
    if ours is not None and theirs is not None and ours != theirs:
        notes.append("the tokenizers differ, so per-token values are not comparable.")
    for key, name in _FACTS:
        if key in base.facts and key in candidate.facts and base.facts[key] != candidate.facts[key]:
            notes.append(f"{name}: baseline {_fact(base, key)}, candidate {_fact(candidate, key)}.")
    ours, theirs = base.facts.get("bos"), candidate.facts.get("bos")
    if ours is not None and theirs is not None and ours != theirs:
        notes.append(f"BOS policy: baseline {ours}, candidate {theirs}.")
    return notes


def _fact(head: RecordsHead, key: str) -> str:
    value = head.facts[key]
    return "none" if value is None else str(value)


def protocol_differences(base: RecordsHead, candidate: RecordsHead) -> list[str]:
    """What differs in how two sides were asked, by content and with both texts; the protocols' names are no part."""
    ours, theirs = _asked(base), _asked(candidate)
    if ours is None or theirs is None:
        return [] if ours is theirs else [_unknown_side(ours)]
    parts = sorted((ours.keys() | theirs.keys()) - {"protocol"})
    return [
        f"{_PARTS.get(part, part)}: baseline {_text(ours.get(part))}, candidate {_text(theirs.get(part))}."
        for part in parts
        if ours.get(part) != theirs.get(part)
    ]


def _asked(head: RecordsHead) -> Mapping[str, Any] | None:
    """How a side was asked, by content; None for records of 0.1.0 and of other tools."""
    asked = head.facts.get("asked")
    return asked["content"] if isinstance(asked, Mapping) and isinstance(asked.get("content"), Mapping) else None


def _unknown_side(ours: object) -> str:
    side = "the baseline" if ours is None else "the candidate"
    return f"the records of {side} do not hold how it was asked (prompt, words, stop rules, filters, scorer)."


def _text(value: Any) -> str:
    """A part of a protocol for people, short."""
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({short(digest(value))})"


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
    if metric.timed and base.facts.get("timing", {}).get("session") != candidate.facts.get("timing", {}).get("session"):
        return _timed_apart(base, candidate)
    if _per_token(metric) and _tokenizer(base) != _tokenizer(candidate):
        return "the tokenizers differ, so per-token values are not comparable; use a metric per byte or per word."
    return None


def _timed_apart(base: RecordsHead, candidate: RecordsHead) -> str:
    """Why two models that did not take turns have no difference that is theirs: what the machine did else is in it."""
    ours, theirs = (head.facts.get("timing", {}).get("machine", {}) for head in (base, candidate))
    differing = [
        f"{name}: {ours.get(name, 'unknown')} and {theirs.get(name, 'unknown')}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    if differing:
        return f"{TIMED_APART} on different machines ({'; '.join(differing)}); time both in one run."
    return f"{TIMED_APART} at different times, and not in turn; time both in one run."


def _is_likelihood(protocol: str) -> bool:
    scorer = protocol.removesuffix("_mean")
    return scorer in _LIKELIHOODS or scorer in _SCORERS or scorer.startswith("pll_")


def _per_token(metric: Metric) -> bool:
    return "token" in metric.unit


def _tokenizer(head: RecordsHead) -> Any:
    return head.facts.get("tokenizer_digest", head.facts.get("tokenizer"))
