"""Data audits of a run, whatever they hold: single facts, tables of rows, and notes.

Audits say what the training and evaluation data are like (coverage of groups, labels by group, amplification of a
gap in the data by a model). This page shows what results.json says of them and knows no audit by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.report.view.run_view import RunView
from harness.schema.results import number_format

_TITLES = ("title", "name", "id", "kind")
_ROWS, _OPEN = 60, 12
_FIRST = ["word", "group", "label", "kind", "text", "texts", "sentences", "of", "share", "low", "high"]


@dataclass(frozen=True, slots=True)
class AuditTable:
    caption: str
    header: list[str]
    rows: list[list[str]]
    left_out: int
    folded: bool


@dataclass(frozen=True, slots=True)
class Audit:
    title: str
    facts: list[tuple[str, str]]
    tables: list[AuditTable]
    notes: list[str]


def audits(view: RunView) -> list[Audit]:
    """The audits of a run, in its order."""
    return [_audit(audit.model_dump(mode="json")) for audit in view.results.audits]


def _audit(value: dict[str, Any]) -> Audit:
    title = next((key for key in _TITLES if isinstance(value.get(key), str) and value[key]), None)
    facts, tables, notes = [], [], []
    for key, item in value.items():
        if key == title or item in (None, "", [], {}):
            continue
        if isinstance(item, list) and all(isinstance(row, dict) for row in item):
            tables.append(_table(key, item))
        elif isinstance(item, dict) and item and all(isinstance(row, dict) for row in item.values()):
            tables.append(_table(key, [{_words(key): name, **row} for name, row in item.items()]))
        elif isinstance(item, list) and all(isinstance(note, str) for note in item):
            notes += item
        else:
            facts.append((_words(key), _text(item)))
    return Audit(str(value[title]) if title else "Audit", facts, tables, notes)


def _table(key: str, rows: list[dict[str, Any]]) -> AuditTable:
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if any(row.get(name) not in (None, "", [], {}) for row in rows)]
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    spans = {"share", "low", "high"} <= set(names)
    if spans:
        names = [name for name in names if name not in ("low", "high")]
    header = ["share (95% interval)" if spans and name == "share" else _words(name) for name in names]
    cells = [[_share(row) if spans and name == "share" else _text(row.get(name)) for name in names] for row in rows]
    return AuditTable(_words(key), header, cells[:_ROWS], max(0, len(rows) - _ROWS), len(rows) > _OPEN)


def _share(row: dict[str, Any]) -> str:
    if not isinstance(row.get("share"), int | float):
        return "–"
    span = number_format.interval(row["low"], row["high"], "share", sign=False)
    return f"{number_format.level(row['share'], 'share')} ({span})"


def _words(key: str) -> str:
    return key.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number_format.fixed(value, 3 if abs(value) < 10 else 1)
    if isinstance(value, dict):
        return ", ".join(f"{_words(str(key))} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        numbers = len(value) == 2 and all(isinstance(part, int | float) for part in value)
        return ("…" if numbers else ", ").join(_text(part) for part in value)
    return str(value)
