"""Sections of other packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from harness_support.page_reader import waiting_of

from harness.core import registry
from harness.report.formats.html_page import render_html
from harness.report.sections.outside_sections import MOST_ROWS, TABS, ReportSection, SectionTable, outside_sections
from harness.storage.run_dir import RunDir


class Section:
    """A section factory with a fixed answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __call__(self, run: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def shown(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[Any]:
    monkeypatch.setattr(registry, "names", lambda group: ["extra"])
    monkeypatch.setattr(registry, "origin", lambda group, name: "outsider")
    monkeypatch.setattr(registry, "load", lambda group, name: Section(answer))
    return outside_sections(None)  # type: ignore[arg-type]  # the section does not read the run


def test_cells_are_texts_and_long_tables_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("row", 1, 0.123456, None)] * (MOST_ROWS + 2)
    section = ReportSection("Title", ["A sentence."], [SectionTable("figures", ["a", "b", "c", "d"], rows)])
    [made] = shown(monkeypatch, section)
    assert (made.title, made.paragraphs, made.origin) == ("Title", ["A sentence."], "outsider")
    [table] = made.tables
    assert table.rows[0] == ["row", "1", "0.1235", "–"]
    assert (len(table.rows), table.left_out) == (MOST_ROWS, 2)


def test_a_section_shows_in_the_tab_that_it_names(monkeypatch: pytest.MonkeyPatch, plain: RunDir) -> None:
    made = shown(monkeypatch, ReportSection("Own <b>words</b>", tab="data"))
    monkeypatch.undo()
    monkeypatch.setattr("harness.report.formats.html_page.outside_sections", lambda view: made)
    tabs = waiting_of(render_html(plain))["tabs"]
    assert [name for name, markup in tabs.items() if "Own &lt;b&gt;words&lt;/b&gt;" in markup] == ["data"]


def test_an_unknown_tab_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    [made] = shown(monkeypatch, ReportSection("T", tab="elsewhere"))
    assert made.paragraphs == ["the tab 'elsewhere' is unknown; expected one of " + ", ".join(TABS) + "."]


def test_nothing_to_say_is_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, None) == []


@pytest.mark.parametrize(
    "answer",
    [KeyError("gone"), ReportSection("T", tables=[SectionTable("uneven", ["a", "b"], [("x",)])]), "no section"],
)
def test_a_section_that_fails_says_so(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    [made] = shown(monkeypatch, answer)
    assert made.title == "extra"
    assert len(made.paragraphs) == 1
    assert made.tables == []


def test_the_group_is_registered() -> None:
    assert isinstance(registry.names("report_sections"), list)
    assert EntryPoint("x", "y:z", "harness.report_sections").group.removeprefix("harness.") in registry.GROUPS
