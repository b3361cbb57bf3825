"""A data audit as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.report.wording.safe_text import clean
from harness.schema.results.inputs import AuditResult

_WORDS = 15
_LABELS = 20
"""At most this many labels are listed, the most frequent ones."""


def audit_lines(audit: AuditResult) -> Iterator[str]:
    """Groups, labels by group, words beside groups, examples and notes."""
    yield clean(
        f"{audit.title}: {audit.texts} texts, {audit.texts_with_a_group} that mention a group ({audit.lexicon})"
    )
    yield from map(clean, quality_lines(audit.quality))
    for row in audit.groups:
        yield clean(f"  {row['group']}: {row['texts']} texts, {_share(row)} of all, {row['words']} words")
    labels = list(dict.fromkeys(row["label"] for row in audit.labels))
    often = sorted(labels, key=lambda label: -audit.quality.get("labels", {}).get(label, 0))[:_LABELS]
    for row in audit.labels:
        if row["label"] in often:
            yield clean(f"  {row['label']} in {row['group']}: {row['texts']} of {row['of']}, {_share(row)}")
    for row in audit.rate_tests:
        if row["label"] in often:
            yield clean(
                f"  {row['label']}: {row['share']:.1%} in {row['group']} against {row['other_share']:.1%} in "
                f"{row['other']}, p = {row['p_adjusted']:.3g} ({row['test']}, Holm)"
            )
    if len(labels) > len(often):
        yield f"  … {len(labels) - len(often):,} rarer labels: with --json, or --out FILE.html or FILE.csv"
    shown = list(dict.fromkeys(row["word"] for row in audit.co_occurrence))[:_WORDS]
    for row in audit.co_occurrence:
        if row["word"] in shown:
            lift = f", {row['lift']:.2f} times its base rate of {row['base_rate']:.1%}" if row.get("lift") else ""
            yield clean(f"  {row['word']} near {row['group']}: {row['sentences']} of {row['of']}, {_share(row)}{lift}")
    for example in audit.examples:
        yield clean(f"  e.g. {example['group']}: {example['text']!r}")
    for note in audit.notes:
        yield clean(f"  note: {note}")


def _share(row: dict[str, Any]) -> str:
    if row["share"] is None:
        return "insufficient evidence"
    interval = f" ({row['low']:.1%} to {row['high']:.1%})" if row["low"] is not None else ""
    return f"{row['share']:.1%}{interval}"


def quality_lines(quality: dict[str, Any]) -> Iterator[str]:
    """What a steward asks first, in lines."""
    if not quality:
        return
    tongue = quality["language"] or "not known"
    again = quality["contradictory_duplicates"]
    yield (
        f"  {quality['rows']} rows: {quality['empty']} empty texts, {quality['duplicates']} duplicates"
        f"{f' ({again} with another label)' if again else ''}, language {tongue}"
    )
    if quality["missing_labels"] is not None:
        total = sum(quality["labels"].values())
        ranked = sorted(quality["labels"].items(), key=lambda entry: -entry[1])
        balance = ", ".join(f"{label} {count / total:.1%}" for label, count in ranked[:_LABELS])
        balance += f", … {len(ranked) - _LABELS:,} more" if len(ranked) > _LABELS else ""
        yield f"  labels: {balance or 'none'}; {quality['missing_labels']} missing"
    suspected = ", ".join(f"{name} in {count} rows" for name, count in quality["personal"].items())
    yield f"  suspected personal data: {suspected or 'none'} (by form; nothing is shown)"
