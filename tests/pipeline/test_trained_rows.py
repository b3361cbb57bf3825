"""Rows that a compared model was trained on elsewhere: left out for all models, and counted."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from harness_support.page_reader import whole_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.app import invoke
from harness.core.errors import DataError, IncompleteError
from harness.core.reporter import Silent
from harness.pipeline.prepared_suite import prepare
from harness.pipeline.trained_rows import training_files
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.suite.load_suite import parse_suite
from harness.suite.suite import Suite

WORDS = [
    "amber",
    "brook",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "grove",
    "heath",
    "islet",
    "juniper",
    "knoll",
    "lagoon",
    "marsh",
    "nook",
    "oasis",
    "pine",
]
LEARN = """\
name: learn
data: {rows: {file: seen.csv, splits: {train: 1.0}}}
models: {words: {classical: {task: t}}, same: {heuristic: {task: t, rule: majority}}}
compare: {baseline: same, candidates: [words]}
tasks: {t: {classification: {data: rows, text: text, label: label, metrics: [accuracy], split: train}}}
"""
ASK = """\
name: ask
data: {{rows: {{file: all.csv, splits: fold{data}}}}}
models:
  same: {{heuristic: {{task: t, rule: majority}}}}
  seen: {{load: {folder}{model}}}
compare: {{baseline: same, candidates: [seen]}}
tasks: {{t: {{classification: {{data: rows, text: text, label: label, metrics: [accuracy]}}}}}}
gates: [{{id: high, metric: t.accuracy, kind: absolute, min: 0.6, min_n: 50}}]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """150 rows that a classifier learned by heart, 150 more, labels by coin; and the folder of the classifier."""
    folder = tmp_path_factory.mktemp("trained")
    draw = random.Random(7)
    rows = [f"{' '.join(draw.choices(WORDS, k=8))} number {n},{draw.choice(['yes', 'no'])}" for n in range(320)]
    (folder / "seen.csv").write_text("\n".join(["text,label", *rows[:150], ""]), "utf-8")
    folds = ["test"] * 300 + ["train"] * 20
    lines = [f"{row},{fold}" for row, fold in zip(rows, folds, strict=True)]
    (folder / "all.csv").write_text("\n".join(["text,label,fold", *lines, ""]), "utf-8")
    (folder / "learn.yaml").write_text(LEARN, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_CACHE_DIR", str(folder / "cache"))
        assert invoke(["run", "learn.yaml", "--quiet"]) == 0
        (run,) = (folder / "reports" / "learn").iterdir()
        assert invoke(["export", str(run), "words", "words"]) == 0
    return folder, "words"


def asked(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, *options: str, data: str = "", model: str = ""
) -> tuple[int, RunDir]:
    folder, words = place
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(folder / "cache"))
    (folder / "ask.yaml").write_text(ASK.format(folder=words, data=data, model=model), "utf-8")
    code = invoke(["run", "ask.yaml", "--fresh", "--quiet", *options])
    run = max((folder / "reports" / "ask").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return code, RunDir(run)


def accuracy(run: RunDir) -> float:
    (value,) = (row.interval.value for row in run.read_results().metrics if (row.model, row.slice) == ("seen", None))
    assert value is not None
    return value


def test_nothing_said_is_inconclusive_on_the_first_screen_and_in_the_verdict(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, run = asked(place, monkeypatch)
    output = capsys.readouterr()
    assert code == 11
    assert "warning: t: rows may have been trained on: nothing says what seen learned from." in output.err
    assert "add `held_out: true` to data rows" in output.err
    results = run.read_results()
    assert "rows may have been trained on" in results.verdict.sentence
    assert results.gates[0].doubt is not None
    page = whole_page((run.path / "report.html").read_text("utf-8"))
    first = page[page.index('id="summary"') : page.index('id="metrics"')]
    for text in (first, *((run.path / name).read_text("utf-8") for name in ("summary.md", "comment.md", "junit.xml"))):
        assert "rows may have been trained on" in text
    assert "Too few items to decide" not in first
    assert invoke(["gate", str(run.path)]) == 11
    assert invoke(["gate", str(run.path), "--from-records"]) == 11
    assert invoke(["explain", "--run", str(run.path)]) == 0
    assert "trained_on: [FILE]" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_a_word_that_rows_are_held_out_is_taken(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, run = asked(place, monkeypatch, data=", held_out: true")
    assert "may have been trained on" not in capsys.readouterr().err
    assert code == 0
    assert accuracy(run) > 0.7


@pytest.mark.parametrize("way", ["suite", "option"])
def test_rows_of_training_files_are_left_out_for_all_models_and_counted(
    place: tuple[Path, str], way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By heart it is right on most; on the rows that it never saw it is right on half, which is the truth."""
    if way == "suite":
        code, run = asked(place, monkeypatch, model=", trained_on: [seen.csv]")
    else:
        code, run = asked(place, monkeypatch, "--trained-on", "seen=seen.csv")
    said = "150 of 300 rows of test are left out for all models: they occur in what seen learned from"
    assert said in capsys.readouterr().err
    assert code in (10, 11)
    assert abs(accuracy(run) - 0.5) < 0.1
    results = run.read_results()
    assert {row.n for row in results.metrics} == {results.evaluations[0].n} == {150}
    assert results.data[0].left_out == {"test": 150}
    for name in ("report.html", "summary.md"):
        assert "left out" in (run.path / name).read_text("utf-8")
    assert "trained on" not in results.verdict.sentence
    assert invoke(["gate", str(run.path), "--from-records"]) == code


def test_nothing_left_is_said_before_anything_is_run(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = asked(place, monkeypatch, model=", trained_on: [all.csv]")
    assert code == 12
    assert "all 300 rows of test occur in what seen learned from (all.csv)" in capsys.readouterr().err


def test_a_missing_training_file_is_an_error_at_the_model(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = asked(place, monkeypatch, model=", trained_on: [sen.csv]")
    assert code == 2
    error = capsys.readouterr().err
    assert "Did you mean 'seen.csv'" in error
    assert "ask.yaml:5" in error


def test_a_plan_and_a_validation_print_the_lines_before_anything_is_run(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(place, monkeypatch)
    capsys.readouterr()
    for command in ("validate", "plan"):
        assert invoke([command, "ask.yaml"]) == 0
        error = capsys.readouterr().err
        assert "rows may have been trained on" in error
        assert "`held_out: true`" in error
        assert "`trained_on: [FILE]`" in error


ROWS = [f"row {n} tells of {WORDS[n % 16]} and {WORDS[n // 2 % 16]} by the {WORDS[n % 7]}" for n in range(24)]
LITTLE = """\
name: little
data: {rows: {file: rows.csv, splits: {test: 1.0}}}
models: {a: {load: x}, b: {load: y, trained_on: [train.FORM]}, c: {load: z, trained_on: [more.txt]}}
compare: {baseline: a, candidates: [b]}
tasks: {t: {language_modeling: {data: rows}}}
"""


def little(folder: Path, form: str = "csv") -> Suite:
    (folder / "rows.csv").write_text("\n".join(["text", *ROWS, ""]), "utf-8")
    (folder / "more.txt").write_text(f"{ROWS[0]}\n", "utf-8")
    return parse_suite(LITTLE.replace("FORM", form), folder / "little.yaml")


def written(form: str, texts: list[str]) -> str:
    """Training files as people have them: a table, chat messages, running text."""
    if form == "csv":
        return "\n".join(["id,body,label", *(f"{n},{text},x" for n, text in enumerate(texts)), "0,none of them,x", ""])
    if form == "jsonl":
        lines = [json.dumps({"messages": [{"role": "user", "content": f"Say: {text}!"}]}) for text in texts]
        return "\n".join([*lines, json.dumps({"messages": []}), ""])
    return "\n".join([*(f"It was said that {text}, and so on." for text in texts), "none of them", ""])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, 22)), st.sampled_from(["csv", "jsonl", "txt"]), st.booleans())
def test_exactly_the_shared_rows_are_left_out(tmp_path: Path, shared: set[int], form: str, loud: bool) -> None:
    suite = little(tmp_path, form)
    texts = [ROWS[n].upper() if loud else ROWS[n] for n in sorted(shared)]
    (tmp_path / f"train.{form}").write_text(written(form, texts), "utf-8")
    reporter = Silent()
    (data,) = prepare(suite, Store(tmp_path / "store"), reporter).datasets.values()
    kept = {row.fields["text"] for row in data.rows["test"]}
    assert kept == {row for n, row in enumerate(ROWS) if n not in shared | {0}}
    assert data.facts["left_out"] == {"test": len(shared) + 1}
    assert f"{len(shared) + 1} of 24 rows" in reporter.warnings[0]


def test_files_of_several_models_count_and_are_read_once(tmp_path: Path) -> None:
    suite = little(tmp_path)
    with pytest.raises(DataError, match="expected a file, found nothing"):
        training_files(suite)
    (tmp_path / "train.csv").write_text(written("csv", []), "utf-8")
    assert [(file.ref.file, file.models) for file in training_files(suite)] == [
        ("train.csv", ["b"]), ("more.txt", ["c"]),
    ]  # fmt: skip


def test_no_row_is_left_to_evaluate(tmp_path: Path) -> None:
    suite = little(tmp_path)
    (tmp_path / "train.csv").write_text(written("csv", ROWS), "utf-8")
    with pytest.raises(IncompleteError, match="nothing is left to evaluate"):
        prepare(suite, Store(tmp_path / "store"), Silent())
