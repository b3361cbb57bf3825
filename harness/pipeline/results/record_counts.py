"""What stands in records, counted: answers, failures, labels, slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.core.records import Records
from harness.model_kinds.stored_kind import NAME as STORED

if TYPE_CHECKING:
    pass


def cut_conversations(records: Mapping[str, Records]) -> list[str]:
    """How many conversations of each model are longer than its window."""
    cut = {
        model: sum(count > 0 for count in model_records.each("truncated"))
        for model, model_records in records.items()
        if model_records.head.facts.get("messages")
    }
    return [
        f"{model}: {count} of {len(records[model])} prompts are longer than the model's window, and were cut inside a "
        "message."
        for model, count in cut.items()
        if count
    ]


def label_balance(labels: Sequence[str], records: Collection[Records]) -> dict[str, int]:
    """label → items that have it; empty where items have no label, or where nobody was asked."""
    for model_records in records:
        given: Counter[str] = Counter()
        for target, count in Counter(model_records.each("target")).items():
            for label in () if target is None else [target] if target in labels else target.split("; "):
                given[label] += count
        if given and set(given) <= {*labels, ""}:
            return {label: given[label] for label in labels}
    return {}


def lacking(records: Records) -> str | None:
    """What is to be said of items that the stored run of these records lacks; None where it has all."""
    facts = records.head.facts.get(STORED)
    if not isinstance(facts, Mapping) or not facts["missing"]:
        return None
    done = "they were asked again" if facts["asked_again"] else "they count as skipped"
    return f"{facts['missing']} of {facts['items']} items are not in the stored run {facts['run']}; {done}."


def replaced_answers(records: Records) -> list[str]:
    """How many answers hold the mark of what cannot be stored as it came: half of a surrogate pair, or stray bytes."""
    count = sum("\ufffd" in (text or "") or "\\ufffd" in (text or "") for text in records.each("response"))
    marked = f"{count} of {len(records)} answers hold U+FFFD"
    return [f"{marked}, in place of half of a surrogate pair or of bytes of no character."] if count else []


def record_counts(records: Records) -> dict[str, int]:
    status = Counter(records.each("status"))
    unanswered = sum(target is None for target in records.each("target"))
    # Only written texts end somehow; an empty set of labels or spans is an answer.
    written = zip(records.each("finish"), records.each("prediction"), strict=True)
    return {
        **{name: status.get(name, 0) for name in ("ok", "unread", "failed", "skipped")},
        "tied": sum(bool(tied) for tied in records.each("tied")),
        "truncated": sum(count > 0 for count in records.each("truncated")),
        "overlap": sum(bool(flag) for flag in records.each("overlap")),
        "empty": sum(finish is not None and not (text or "x").strip() for finish, text in written),
        "no_gold": unanswered if unanswered < len(records) else 0,
    }


def slice_counts_of(records: Records) -> dict[str, dict[str, int]]:
    """slice → how many of its items were asked, read, not read, and tied."""
    counts: dict[str, Counter[str]] = {}
    rows = zip(records.each("slices"), records.each("status"), records.each("tied"), strict=True)
    for slices, status, tied in rows:
        for name in slices:
            counts.setdefault(name, Counter()).update({"n": 1, status: 1, "tied": int(bool(tied))})
    names = ("n", "ok", "unread", "failed", "skipped", "tied")
    return {name: {key: counted[key] for key in names} for name, counted in sorted(counts.items())}
