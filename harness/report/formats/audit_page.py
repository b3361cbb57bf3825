"""A data audit for people who keep data: one offline page, or one table for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.report.formats.csv_tables import table_csv
from harness.report.formats.inline_parts import digest
from harness.report.formats.page_environment import environment, source
from harness.schema.results.inputs import AuditResult

_COLUMNS = (
    "data", "split", "part", "item", "group", "other", "count", "of", "share", "low", "high", "base_rate", "lift",
    "other_share", "p", "p_adjusted", "test",
)  # fmt: skip
_COUNTS = ("rows", "empty", "duplicates", "contradictory_duplicates", "missing_labels")


def audit_file(suffix: str, audits: Sequence[AuditResult], value: Mapping[str, Any]) -> str:
    """What `harness data audit --out` writes: a page, a table, or JSON.

    Args:
        suffix: of the file: `.html`, `.csv`, or any other for JSON.
        value: the audits as JSON.
    """
    if suffix in (".html", ".htm"):
        return audit_html(audits)
    if suffix == ".csv":
        return audit_csv(audits)
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def audit_html(audits: Sequence[AuditResult]) -> str:
    """The page; it loads nothing and runs no script. The texts of examples are left out."""
    style = source("report.css")
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            audits=audits,
            style=Markup(style),  # our own file
            policy=f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def audit_csv(audits: Sequence[AuditResult]) -> str:
    """One line per figure; `part` says of which table."""
    return table_csv(_COLUMNS, (dict.fromkeys(_COLUMNS) | row for audit in audits for row in _rows(audit)))


def _rows(audit: AuditResult) -> Iterator[dict[str, Any]]:
    where = {"data": audit.data, "split": audit.split}
    for name in _COUNTS:
        yield {**where, "part": "quality", "item": name, "count": audit.quality.get(name), "of": audit.texts}
    yield {**where, "part": "quality", "item": f"language {audit.quality.get('language') or 'not known'}"}
    for name, count in audit.quality.get("labels", {}).items():
        yield {**where, "part": "label", "item": name, "count": count, "of": audit.texts}
    for name, count in audit.quality.get("personal", {}).items():
        yield {**where, "part": "suspected personal data", "item": name, "count": count, "of": audit.texts}
    for row in audit.groups:
        yield {**where, "part": "group", "group": row["group"], "count": row["texts"], "of": audit.texts, **_share(row)}
    for row in audit.labels:
        said = {"part": "label by group", "item": row["label"], "group": row["group"]}
        yield {**where, **said, "count": row["texts"], "of": row["of"], **_share(row)}
    for row in audit.rate_tests:
        kept = ("group", "other", "share", "other_share", "p", "p_adjusted", "test")
        yield {**where, "part": "test of label rates", "item": row["label"], "of": row["n"]} | {k: row[k] for k in kept}
    for row in audit.co_occurrence:
        said = {"part": "co-occurrence", "item": row["word"], "group": row["group"], "count": row["sentences"]}
        more = {name: row.get(name) for name in ("base_rate", "lift")}
        yield {**where, **said, "of": row["of"], **_share(row), **more}


def _share(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("share", "low", "high")}
