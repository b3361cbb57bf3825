"""summary.md: short, and safe in a pull request and in a log."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.report.formats.summary import summary_markdown
from harness.report.wording.safe_text import markdown, visible
from harness.storage.run_dir import RunDir


def test_it_says_the_verdict_the_gates_and_the_deltas(plain: RunDir) -> None:
    text = (plain.path / "summary.md").read_text("utf-8")
    lines = text.splitlines()
    assert lines[0].startswith("## ❔ Inconclusive")
    assert len(lines) <= 60
    assert "| drift | ❔ inconclusive |" in text
    assert re.search(
        r"\*\*finetuned\*\*: On “reviews”, finetuned is better than base in accuracy: [\d.]+% vs\. [\d.]+%", text
    )
    assert text.count("<details>") == text.count("</details>") == 1
    assert re.search(r"\| reviews\.accuracy \| [\d.]+% \| [\d.]+% \| \+[\d.]+ points \|", text)


def test_every_table_row_has_its_cells(hostile: RunDir) -> None:
    rows = [line for line in (hostile.path / "summary.md").read_text("utf-8").splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {7, 8}  # gates, differences


def test_hostile_text_is_inert(hostile: RunDir) -> None:
    text = (hostile.path / "summary.md").read_text("utf-8")
    assert "<script" not in text
    assert "::" not in text
    assert "](" not in text.replace("\\](", "")
    assert "@everyone" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_many_gates_and_comparisons_still_fit(plain: RunDir) -> None:
    results = plain.read_results()
    results.gates = [gate.model_copy(update={"id": f"g{k}"}) for k in range(30) for gate in results.gates]
    results.comparisons = results.comparisons * 5
    text = summary_markdown(results, None)
    assert len(text.splitlines()) <= 60
    assert "138 more gates in report.html." in text


@given(st.text())
def test_markdown_never_opens_markup(text: str) -> None:
    escaped = markdown(text)
    assert "\n" not in escaped
    assert "::" not in escaped
    assert "<" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`\[\]]", escaped.replace("\\\\", ""))
    assert not re.match(r"[-+=#>]|\d+[.)]", escaped)


@given(st.text(alphabet=st.characters()))
def test_visible_text_can_be_written_and_holds_no_control_character(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]", shown)
    assert visible(shown) == shown
