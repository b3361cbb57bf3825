"""The outcome of a run for a terminal: the words and figures of the report's first screen, wrapped between words."""

from __future__ import annotations

import textwrap

from harness.report.sections.summary.decision import decision, lead_pair, true_warnings
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.sections.summary.summary_cards import cards
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import clean_line
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo

Styled = tuple[str, str]
"""A line and the verdict whose color its first character has; empty for none."""


def outcome_lines(results: Results, info: RunInfo | None, marks: dict[str, str], width: int | None) -> list[Styled]:
    """What decides, gate by gate and in four lines.

    Args:
        marks: verdict → its character.
        width: columns of the terminal; None where nothing is to be wrapped, as in a log.
    """
    view = RunView(results, info)
    rows = gate_rows(view)
    lines: list[Styled] = []
    for row in rows:
        shown = row.gate.verdict if row.gate.blocking or row.gate.verdict == "pass" else "warn"
        lines += _wrapped(f"{marks[row.gate.verdict]} {_gate(row.gate)}", shown, width)
    lines.append(("", ""))
    for text in true_warnings(view):
        lines += _wrapped(f"! {clean_line(text)}", "warn", width)
    pair = lead_pair(view)
    for card in cards(view, pair) if pair is not None else []:
        lines += _wrapped(f"  {card.title.lower()}: {clean_line(card.one_line)}", "", width)
    lines += _wrapped(f"  {clean_line(decision(view, rows).sentence)}", "", width)
    return lines


def _gate(gate: GateResult) -> str:
    quiet = "" if gate.blocking else " (non-blocking)"
    place = f" on {clean_line(gate.slice)}" if gate.slice else ""
    waiver = f" [{clean_line(gate.waiver)}]" if gate.waiver else ""
    return f"{clean_line(gate.id)}{place}{quiet}: {clean_line(gate.sentence)}{waiver}"


def _wrapped(text: str, verdict: str, width: int | None) -> list[Styled]:
    if width is None:
        return [(text, verdict)]
    first, *rest = textwrap.wrap(
        text, max(20, width), subsequent_indent="    ", break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, initial_indent="  " if text.startswith("  ") else "",
    ) or [""]  # fmt: skip
    return [(first, verdict), *((line, "") for line in rest)]
