"""`harness audit`: it writes the suite that it made, and its messages speak of what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.cli.app import invoke
from harness.cli.as_typed import as_typed
from harness.suite.load_suite import load_suite

PROSE = "The lady said that it was a good day for the man.\n\nThey were here and she was not, which was fine.\n" * 3


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    Path("prose.txt").write_text(PROSE, "utf-8")
    Path("rows.csv").write_text("body,mood\na good film,good\na bad film,bad\n", "utf-8")
    for seed, name in enumerate(("base", "tuned")):
        model_zoo.language_model("gpt2", tmp_path / name, seed=seed)
    return ["audit", "base", "tuned", "--prose", "prose.txt"]


def test_the_suite_that_it_made_can_be_edited_and_run(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = invoke([*pair, "--limit", "5", "--quiet"])
    captured = capsys.readouterr()
    assert code != 2
    assert "pass --held-out; else pass --trained-on FILE" in captured.err
    assert "held_out: true" not in captured.err
    (written,) = Path("reports").glob("audit/*/suite.yaml")
    assert str(written) in captured.out
    assert set(load_suite(str(written)).models) == {"base", "finetuned"}
    assert invoke(["run", str(written), "--limit", "5", "--quiet"]) == code


def test_errors_name_options_and_no_suite(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*pair, "--task-data", "rows.csv", "--label", "mood"]) == 2
    told = capsys.readouterr().err
    assert "unknown column 'text'" in told
    assert "pass --text COLUMN and --label COLUMN" in told
    assert "suite" not in told


def test_words_of_a_suite_become_options() -> None:
    assert as_typed('set `delimiter: ";"` to confirm it') == "pass --delimiter to confirm it"
    assert as_typed("read as cp1252; set `encoding` to confirm or correct it").endswith(
        "pass --encoding to confirm or correct it"
    )
