"""One fact has one sentence: page, terminal, summary, comment, JUnit, model card and `explain` say the same words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.cli.outcome import MARKS
from harness.report.formats.ci_annotations import github_annotations, gitlab_code_quality
from harness.report.formats.sarif import sarif
from harness.report.formats.terminal import outcome_lines
from harness.report.formats.write_reports import write_reports
from harness.report.sections.summary.decision import decision, lead_pair
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.sections.summary.summary_cards import cards
from harness.report.view.run_view import RunView
from harness.report.wording.glossary import VERDICTS
from harness.storage.run_dir import RunDir


def _page(view: RunView, run: Path) -> str:
    text = re.sub(
        r"<script.*?</script>|<style.*?</style>|<wbr>", "", (run / "report.html").read_text("utf-8"), flags=re.S
    )
    return unescape(re.sub(r"<[^>]*>", " ", text))


def _markdown(name: str) -> Callable[[RunView, Path], str]:
    return lambda view, run: unescape((run / name).read_text("utf-8")).replace("\\", "").replace("**", "")


def _terminal(view: RunView, run: Path) -> str:
    return "\n".join(text for text, _ in outcome_lines(view.results, view.info, MARKS, None))


def _junit(view: RunView, run: Path) -> str:
    root = ElementTree.fromstring((run / "junit.xml").read_bytes())
    return "\n".join(value for node in root.iter() for value in (*node.attrib.values(), node.text or ""))


OUTPUTS: dict[str, Callable[[RunView, Path], str]] = {
    "page": _page,
    "terminal": _terminal,
    "summary": _markdown("summary.md"),
    "comment": _markdown("comment.md"),
    "card": _markdown("model-card.md"),
    "junit": _junit,
}


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("name", OUTPUTS)
def test_decision_and_cards_are_the_same_everywhere(plain: RunDir, name: str) -> None:
    view = RunView.open(plain)
    text = _flat(OUTPUTS[name](view, plain.path))
    assert decision(view, gate_rows(view)).sentence in text
    pair = lead_pair(view)
    assert pair is not None
    for card in cards(view, pair):
        for part in (card.figure, *card.lines):
            assert _flat(part) in text


@pytest.mark.parametrize("name", ["page", "terminal", "comment", "junit"])
def test_every_gate_has_one_sentence(plain: RunDir, tmp_path: Path, name: str) -> None:
    run, results = RunDir(tmp_path / "sentiment" / "run-0"), plain.read_results()
    run.path.mkdir(parents=True)
    stored = "tuned is better than base on it: 65.3% → 73.5%, improvement +8.2 points (at least +6.5 points)."
    first = next(gate for gate in results.gates if gate.metric.endswith(".accuracy"))
    gates = [gate.model_copy(update={"sentence": stored}) if gate is first else gate for gate in results.gates]
    run.write(results.model_copy(update={"gates": gates}), plain.read_info())
    write_reports(run)
    view = RunView.open(run)
    text = _flat(OUTPUTS[name](view, run.path))
    assert "65.3% → 73.5%, improvement +8.2 points (at least +6.5 points" in text
    for gate in view.results.gates:
        assert _flat(gate.sentence) in text


@pytest.mark.parametrize("name", ["page", "summary", "comment"])
def test_the_verdict_has_one_word(plain: RunDir, name: str) -> None:
    view = RunView.open(plain)
    assert VERDICTS[view.results.verdict.overall] in OUTPUTS[name](view, plain.path)


def test_what_ci_systems_show_are_these_sentences(plain: RunDir, tmp_path: Path) -> None:
    view = RunView.open(plain)
    open_gates = [gate for gate in view.results.gates if gate.verdict != "pass"]
    assert open_gates
    lines = "\n".join(github_annotations(view.results, view.info, tmp_path)).replace("%25", "%")
    quality = "\n".join(
        row["description"] for row in json.loads(gitlab_code_quality(view.results, view.info, tmp_path))
    )
    page = json.loads(sarif(view.results, view.info, tmp_path))
    scanned = "\n".join(result["message"]["text"] for result in page["runs"][0]["results"])
    for gate in open_gates:
        for text in (lines, quality, scanned):
            assert gate.sentence[:900] in text
