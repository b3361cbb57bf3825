"""Inputs that are no good: every message speaks of what was typed, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.app import invoke

SUITE_WORDS = ("columns:", "set `", "`revision:`", "suite file")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    Path("many.csv").write_text("text,label\n" + "".join(f"text {k},label_{k}\n" for k in range(300)), "utf-8")
    Path("random.csv").write_bytes(bytes(range(128, 256)) * 8)
    Path("folder").mkdir()
    Path("folder", "rows.csv").write_text("text,label\na,b\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["init", "many.csv"], "pass --label COLUMN"),
        (["init", "random.csv"], "pass --encoding"),
        (["data", "audit", "random.csv"], "pass --encoding"),
        (["init", "folder"], "folder: expected a file, found a folder.\nnext: name a file in it: rows.csv."),
        (["data", "audit", "folder"], "folder: expected a file, found a folder."),
        (["init", "https://example.org/a.csv"], "https://example.org/a.csv: expected a file, found an address."),
        (["data", "audit", "https://example.org/a.csv"], "expected a file, found an address."),
        (["data", "audit", "mani.csv"], "mani.csv: expected a file, found nothing. Did you mean 'many.csv'?"),
        (["audit", "https://example.org/a", "b"], "found an address: https://example.org/a."),
        (["audit", "nowhere", "b"], "check the path; a hub id is written owner/name@revision."),
        (["audit", "owner/name", "b"], "needs a full commit hash (40 digits) after an `@`"),
    ],
)
def test_a_message_speaks_of_what_was_typed(typed: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(typed) == 2
    said = capsys.readouterr().err
    assert says in said
    assert not [word for word in SUITE_WORDS if word in said]


def test_a_file_without_a_header_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.tsv").write_text("".join(f"the text of row {k}\t{k % 2}\n" for k in range(40)), "utf-8")
    assert invoke(["init", "rows.tsv", "--yes"]) == 0
    assert "its first line is read as the names of the columns ('the text of row 0', '0')" in capsys.readouterr().err
    Path("rows.tsv").write_text("text\tlabel\n" + "".join(f"row {k}\t{k % 2}\n" for k in range(40)), "utf-8")
    assert invoke(["init", "rows.tsv", "--yes", "--force"]) == 0
    assert "its first line" not in capsys.readouterr().err


def test_an_audit_lists_the_most_frequent_labels(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("many.csv").open("a", encoding="utf-8") as file:
        file.write("one more,label_299\n")
    assert invoke(["data", "audit", "many.csv"]) == 0
    said = capsys.readouterr().out
    assert "labels: label_299 0.7%" in said
    assert ", … 280 more; 0 missing" in said
    assert "… 280 rarer labels: with --json, or --out FILE.html or FILE.csv" in said
    assert said.count(" in (all):") == 20
