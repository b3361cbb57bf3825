"""`harness audit`: it writes the suite that it made, and its messages speak of what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.cli.app import invoke
from harness.cli.as_typed import as_typed
from harness.schema.results.results_file import HIDDEN_TEXT
from harness.storage.items_file import read_items
from harness.storage.run_dir import RunDir
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


def test_an_audit_keeps_texts_out_of_its_run(pair: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke([*pair, "--limit", "5", "--quiet", "--no-texts"]) != 2
    said = capfd.readouterr()
    (info,) = Path("reports").glob("audit/*/run.json")
    run = RunDir(info.parent)
    assert run.read_results().texts == "none"
    items = [item for path in run.path.glob("items/*.parquet") for item in read_items(path)]
    assert {text for item in items for text in item.texts.values()} == {HIDDEN_TEXT}
    pages = [path.read_text("utf-8") for path in run.path.iterdir() if path.suffix in {".html", ".md", ".xml", ".json"}]
    assert not any("the lady said that it was" in text.lower() for text in [*pages, said.out, said.err])
    assert load_suite(str(run.path / "suite.yaml")).texts == "none"


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


def test_labels_say_what_a_numbered_head_means(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("base", "tuned")):
        model_zoo.both_heads("bert", tmp_path / f"{name}-head", ("LABEL_0", "LABEL_1"), seed=seed)
    rows = "".join(f"a {word} film number {k},{word}\n" for k in range(4) for word in ("good", "bad"))
    Path("rows.csv").write_text(f"body,mood\n{rows}", "utf-8")
    audit = ["audit", "base-head", "tuned-head", "--prose", "prose.txt", "--held-out", "--limit", "8", "--quiet"]
    task = ["--task-data", "rows.csv", "--text", "body", "--label", "mood"]
    assert invoke([*audit, *task, "--labels", "LABEL_0=bad,LABEL_1=good"]) != 2
    (written,) = Path("reports").glob("audit/*/suite.yaml")
    assert load_suite(str(written)).tasks["task"].options.head_labels == {"LABEL_0": "bad", "LABEL_1": "good"}
    capsys.readouterr()
    assert invoke([*audit, *task, "--labels", "LABEL_0=bad"]) == 2
    assert "one label for each of LABEL_0, LABEL_1" in capsys.readouterr().err
    assert invoke([*audit, "--labels", "bad,good"]) == 2
    assert "--task-data, which is missing" in capsys.readouterr().err
