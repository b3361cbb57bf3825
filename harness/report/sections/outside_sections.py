"""Sections that other packages add to the report, by entry points of the group `harness.report_sections`.

A section is data, not markup: the page escapes and lays out every text of it, so an outside package can neither
break the page nor run a script in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.core import registry
from harness.core.errors import HarnessError
from harness.core.records import Records
from harness.schema.results.results_file import Results

MOST_ROWS = 500
"""A table shows this many rows; the page says how many more there are."""

TABS = ("metrics", "items", "bias", "models", "data", "provenance")
DEFAULT_TAB = "metrics"

Cell = str | int | float | None


class StoredRun(Protocol):
    """What a section may read: the results, and each model's records."""

    @property
    def results(self) -> Results: ...

    def records(self, evaluation: str, model: str) -> Records | None:
        """The records of a model; None where the run has none."""
        ...


@dataclass(frozen=True, slots=True)
class SectionTable:
    """Rows of a section; each has as many cells as there are columns.

    Attributes:
        columns: headings. The first column names the rows.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A heading with paragraphs and tables, in the part of the report that `tab` names.

    Attributes:
        tab: `metrics`, `items`, `bias`, `models`, `data` or `provenance`.
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[SectionTable] = ()
    tab: str = DEFAULT_TAB


@dataclass(frozen=True, slots=True)
class _ShownTable:
    caption: str
    columns: list[str]
    rows: list[list[str]]
    left_out: int


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section as the page writes it: every cell is a text."""

    title: str
    paragraphs: list[str]
    tables: list[_ShownTable]
    origin: str
    tab: str = DEFAULT_TAB


def outside_sections(run: StoredRun) -> list[ShownSection]:
    """The sections of all installed packages, by name; one that fails says so in its place."""
    sections = []
    for name in registry.names("report_sections"):
        origin = registry.origin("report_sections", name)
        try:
            section = registry.load("report_sections", name)(run)
            if section is not None:
                sections.append(_shown(section, origin))
        except HarnessError as error:
            sections.append(ShownSection(name, [error.message], [], origin))
        except Exception as error:  # the code of another package: the rest of the report does not depend on it
            sentence = f"The section cannot be made: {type(error).__name__}: {error}"
            sections.append(ShownSection(name, [sentence], [], origin))
    return sections


def _shown(section: ReportSection, origin: str) -> ShownSection:
    if section.tab not in TABS:
        raise HarnessError(f"the tab {section.tab!r} is unknown; expected one of {', '.join(TABS)}.")
    tables = []
    for table in section.tables:
        if any(len(row) != len(table.columns) for row in table.rows):
            raise HarnessError(f"the table {table.caption!r} has rows that are not as long as its header.")
        rows = [[_text(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
        tables.append(_ShownTable(table.caption, list(table.columns), rows, max(0, len(table.rows) - MOST_ROWS)))
    return ShownSection(section.title, list(section.paragraphs), tables, origin, section.tab)


def _text(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
