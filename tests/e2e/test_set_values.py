"""`--set KEY=VALUE`: a value of the suite for one run, recorded wherever the run is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_support.page_reader import whole_page
from harness_support.release_desk import ReleaseDesk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    return ReleaseDesk(tmp_path, capfd)


def test_a_sweep_is_recorded_and_shown_and_can_be_rerun(desk: ReleaseDesk) -> None:
    values = []
    for rows in (10, 80):
        run = desk.run(
            "mood.yaml", "--set", f"models.small.classical.max_train_rows={rows}", "--set", "title=Sweep: {x}"
        )
        results = run.read_results()
        changed = {"models.small.classical.max_train_rows": rows, "title": "Sweep: {x}"}
        assert results.changed == run.read_info().overrides["set"] == changed
        assert results.title == "Sweep: {x}"
        values.append(next(row.interval.value for row in results.metrics if row.model == "small"))
        shown = f"models.small.classical.max_train_rows={rows}"
        assert f"Set by the command line: {shown}" in (run.path / "summary.md").read_text("utf-8").replace("\\", "")
        assert shown in whole_page((run.path / "report.html").read_text("utf-8"))
    assert values[0] != values[1]
    said = desk("rerun", run.path, "--json")
    assert said.json["reproduced"], said.err


def test_a_value_has_the_type_that_the_suite_gives_it(desk: ReleaseDesk) -> None:
    # a name that looks like a number, a list, an entry of a list by its id, and one by its place
    run = desk.run(
        "mood.yaml",
        *("--set", "title=2026", "--set", "tasks.mood.classification.metrics=[accuracy]"),
        *("--set", "gates.kept.margin=2 points", "--set", "gates.0.min_n=30", "--set", "compare.release.0=large"),
    )
    results = run.read_results()
    assert results.title == "2026"
    assert {row.metric for row in results.metrics} == {"accuracy"}
    assert results.gates[0].margin == "≥ −0.02"
    assert results.changed["gates.0.min_n"] == 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "models.large.classical.ngrams=two"], ["expected a whole number, found the text 'two'"]),
        (["--set", "models.large.classical.ngram=2"], ["unknown key 'ngram'", "Did you mean 'ngrams'?"]),
        (["--set", "modles.large=2"], ["unknown key 'modles'"]),
        (["--set", "name.x=2"], ["name is the text 'mood', which has no keys"]),
        (["--set", "gates.lost.margin=2"], ["unknown entry 'lost'", "kept"]),
        (["--set", "gates.7.margin=2"], ["unknown entry '7'"]),
        (["--set", "models.large"], ["expected KEY=VALUE"]),
        (["--set", "models..x=2"], ["expected KEY=VALUE"]),
        (["--set", "seed=1", "--set", "seed=2"], ["given twice"]),
        (["--set", "seed=1", "--seed", "2"], ["--set seed=… and --seed say the same thing"]),
        (["--set", "models.large.classical.seed=1", "--model", "large=x"], ["and --model large=…"]),
        (["--set", "seed=1e400"], ["--set seed=1e400: expected a whole number"]),
    ],
)
def test_a_wrong_value_is_refused_at_its_option(desk: ReleaseDesk, options: list[str], words: list[str]) -> None:
    said = desk("run", "mood.yaml", *options)
    assert said.code == 2
    for word in words:
        assert word in said.err
    assert not (desk.folder / "reports").exists()


def test_plan_and_train_take_it_too(desk: ReleaseDesk) -> None:
    assert desk("plan", "mood.yaml", "--set", "models.large.classical.ngrams=1").code == 0
    first = desk("train", "mood.yaml", "--json").json["large"]["key"]
    assert (
        desk("train", "mood.yaml", "--set", "models.large.classical.ngrams=1", "--json").json["large"]["key"] != first
    )
