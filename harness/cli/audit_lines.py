"""A data audit as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.report.wording.safe_text import clean
from harness.schema.results.inputs import AuditResult

_WORDS = 15


def audit_lines(audit: AuditResult) -> Iterator[str]:
    """Groups, labels by group, words beside groups, examples and notes."""
    yield clean(
        f"{audit.title}: {audit.texts} texts, {audit.texts_with_a_group} that mention a group ({audit.lexicon})"
    )
    for row in audit.groups:
        yield clean(f"  {row['group']}: {row['texts']} texts, {_share(row)} of all, {row['words']} words")
    for row in audit.labels:
        yield clean(f"  {row['label']} in {row['group']}: {row['texts']} of {row['of']}, {_share(row)}")
    shown = list(dict.fromkeys(row["word"] for row in audit.co_occurrence))[:_WORDS]
    for row in audit.co_occurrence:
        if row["word"] in shown:
            yield clean(f"  {row['word']} near {row['group']}: {row['sentences']} of {row['of']}, {_share(row)}")
    for example in audit.examples:
        yield clean(f"  e.g. {example['group']}: {example['text']!r}")
    for note in audit.notes:
        yield clean(f"  note: {note}")


def _share(row: dict[str, Any]) -> str:
    if row["share"] is None:
        return "insufficient evidence"
    interval = f" ({row['low']:.1%} to {row['high']:.1%})" if row["low"] is not None else ""
    return f"{row['share']:.1%}{interval}"
