"""The outcome in a terminal: no word is broken, whatever its width, and the figures are the report's."""

from __future__ import annotations

import pytest

from harness.cli.outcome import MARKS
from harness.report.formats.terminal import outcome_lines
from harness.report.sections.summary.summary_cards import cards
from harness.report.view.run_view import RunView
from harness.storage.run_dir import RunDir


@pytest.mark.parametrize("width", [80, 200])
def test_lines_fit_and_hold_whole_words(plain: RunDir, width: int) -> None:
    whole = outcome_lines(plain.read_results(), plain.read_info(), MARKS, None)
    lines = outcome_lines(plain.read_results(), plain.read_info(), MARKS, width)
    assert all(len(text) <= width or " " not in text.strip() for text, _ in lines)
    assert " ".join(text for text, _ in lines).split() == " ".join(text for text, _ in whole).split()


def test_the_figures_are_those_of_the_cards(plain: RunDir) -> None:
    view = RunView.open(plain)
    text = " ".join(text for text, _ in outcome_lines(view.results, view.info, MARKS, None))
    for card in cards(view, view.contests[0]):
        assert card.one_line in text
