"""Today's candidate against yesterday's release: a stored run as baseline, tags of blessed runs, two runs judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness_support.release_desk import ReleaseDesk, rows

from harness.core.records import SKIPPED

CANDIDATE = ("large: {classical: {task: mood}}", "large: {classical: {task: mood, ngrams: 1}}")
FROM_STORED = ("{baseline: small, release", "{baseline: {run: production, model: large}, release")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    return ReleaseDesk(tmp_path, capfd)


def test_a_blessed_run_is_the_baseline_of_a_suite_and_gates_judge_against_its_records(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    blessed = desk("bless", first.path, "--as", "production")
    assert blessed.code == 0, blessed.err
    registry = json.loads((desk.folder / "blessed-runs.json").read_text("utf-8"))
    assert registry["runs"]["production"]["run"] == f"reports/mood/{first.path.name}"
    assert registry["runs"]["production"]["model"] == "large"
    desk.suite("next.yaml", CANDIDATE, FROM_STORED)
    assert desk("validate", "next.yaml").code == 0
    second = desk.run("next.yaml")
    results = second.read_results()
    assert results.baseline == "production"
    stored = next(model for model in results.models if model.name == "production")
    assert stored.made_by == "stored"
    assert stored.training["seal"] == registry["runs"]["production"]["seal"]
    records = second.records("mood", "production")
    earlier = first.records("mood", "large")
    assert records.item_ids == earlier.item_ids
    assert records.texts("prediction") == earlier.texts("prediction")
    (gate,) = results.gates
    assert gate.verdict == "pass"
    assert "production" in gate.sentence
    refused = desk("export", second.path, "production", "out")
    assert (refused.code, "is a model of a stored run" in refused.err) == (2, True)
    # judged, explained, and compared again from the run's own files
    assert desk("gate", second.path).code == 0
    assert "production" in desk("explain", "kept", "--run", second.path).out


def test_a_run_given_on_the_command_line_takes_the_baselines_place(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    desk.suite("next.yaml", CANDIDATE)
    second = desk.run("next.yaml", "--baseline-run", first.path, "--baseline-model", "small")
    results = second.read_results()
    assert results.baseline == "stored"
    assert results.candidates == ["large"]
    assert {(row.baseline, row.candidate) for row in results.comparisons if row.metric == "accuracy"} >= {
        ("stored", "large")
    }
    assert second.read_info().overrides["baseline_run"]["model"] == "small"
    assert desk("gate", second.path).code == second.read_results().verdict.exit_code
    assert "which is missing" in desk("run", "next.yaml", "--baseline-model", "small").err
    assert "no run and no tag 'nowhere'" in desk("run", "next.yaml", "--baseline-run", "nowhere").err


def test_items_that_the_stored_run_lacks_are_asked_again_where_the_model_is_at_hand(
    desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.run("mood.yaml", "--limit", "20")
    desk("bless", first.path, "--as", "production", "--allow-failed")
    desk.suite("next.yaml", CANDIDATE, FROM_STORED)
    second = desk.run("next.yaml")
    assert set(second.records("mood", "production").texts("status")) == {"ok"}
    assert any("20 of 40 items are not in the stored run" in text for text in second.read_info().warnings)
    whole = desk.run("mood.yaml").records("mood", "large")
    assert second.records("mood", "production").texts("prediction") == whole.texts("prediction")
    # on another machine, whose cache holds no such model
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(desk.folder / "other-cache"))
    third = desk.run("next.yaml")
    status = third.records("mood", "production").texts("status")
    assert status.count(SKIPPED) == 20
    results = third.read_results()
    assert results.evaluations[0].coverage["production"] == 0.5
    assert results.verdict.overall == "error"
    assert any("count as skipped" in text for text in third.read_info().warnings)


def test_a_stored_run_that_asked_differently_or_was_changed_is_refused(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    desk("bless", first.path, "--as", "production")
    desk.suite("other.yaml", CANDIDATE, FROM_STORED, ("{data: notes,", "{data: notes, labels: [good, bad, plain],"))
    refused = desk("run", "other.yaml")
    assert refused.code == 2
    assert "the stored run asked differently" in refused.err
    assert "labels: stored" in refused.err
    copy = Path(shutil.copytree(first.path, desk.folder / "copy"))
    (copy / "records/mood/large.parquet").write_bytes(b"changed")
    assert "changed since it was sealed" in desk("run", "mood.yaml", "--baseline-run", copy).err
    # sealed again by hand, the run is still not the one that was blessed
    tampered = first.read_results().model_copy(update={"title": "other"})
    first.write(tampered)
    desk.suite("next.yaml", CANDIDATE, FROM_STORED)
    refused = desk("run", "next.yaml")
    assert refused.code == 2
    assert "is not the one that was blessed" in refused.err


def test_a_text_that_changed_is_another_item(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    desk("bless", first.path, "--as", "production")
    made = rows()
    made[3]["body"] = "Something else is here now."
    desk.write_rows(made)
    second = desk.run(desk.suite("next.yaml", FROM_STORED))
    assert any("1 of 40 items are not in the stored run" in text for text in second.read_info().warnings)


def test_a_lock_holds_the_stored_baseline(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    desk("bless", first.path, "--as", "production")
    desk.suite("next.yaml", CANDIDATE, FROM_STORED)
    assert desk("lock", "next.yaml").code == 0
    assert desk("run", "next.yaml", "--locked").code == 0
    assert "the baseline is locked" in desk("run", "next.yaml", "--locked", "--baseline-run", first.path).err
    other = desk.run("mood.yaml", "--limit", "30")
    desk("bless", other.path, "--as", "production", "--allow-failed")
    refused = desk("run", "next.yaml", "--locked")
    assert refused.code == 13
    assert "baseline production: locked" in refused.err


def test_compare_judges_two_runs_by_the_gates_of_a_suite(desk: ReleaseDesk) -> None:
    first = desk.run("mood.yaml")
    second = desk.run(desk.suite("next.yaml", CANDIDATE))
    strict = ("{id: kept, metric: mood.accuracy, kind: non_inferiority, margin: 0.2, min_n: 20}",)
    desk.suite("strict.yaml", (strict[0], "{id: better, metric: mood.accuracy, kind: superiority, min_n: 20}"))
    judged = desk("compare", first.path, second.path, "--suite", "next.yaml", "--json")
    assert judged.code == 0, judged.err
    assert judged.json["verdict"] == "pass"
    (gate,) = judged.json["gates"]
    assert gate["baseline"] == f"large@{first.path.name}"
    judged = desk("compare", first.path, second.path, "--suite", "strict.yaml", "--model", "large=large")
    assert judged.code in (10, 11)
    assert f"large@{first.path.name}" in judged.out
    # the figures are those of a run with the stored baseline
    third = desk.run("next.yaml", "--baseline-run", first.path)
    assert third.read_results().gates[0].observed == gate["observed"]


def test_bless_refuses_what_did_not_pass_and_tags_stand_for_runs_in_every_command(desk: ReleaseDesk) -> None:
    failing = desk.run(desk.suite("mood.yaml", ("margin: 0.2, min_n: 20", "margin: 0.2, min_n: 500")))
    refused = desk("bless", failing.path, "--as", "production")
    assert refused.code == 2
    assert "expected 'pass'" in refused.err
    assert "expected a tag" in desk("bless", failing.path, "--as", "../x", "--allow-failed").err
    assert "unknown model" in desk("bless", failing.path, "--as", "x", "--allow-failed", "--model", "huge").err
    passing = desk.run(desk.suite("mood.yaml"))
    assert desk("bless", passing.path, "--as", "production").code == 0
    assert desk("gate", "production").code == 0
    assert desk("bless", failing.path, "--as", "production", "--allow-failed").out.startswith("production stood for")
    assert desk("gate", "production").code == 11
    (desk.folder / "blessed-runs.json").write_text("{", "utf-8")
    assert "registry of blessed runs" in desk("gate", "production").err


def test_a_stored_baseline_has_no_variants_and_starts_no_training(desk: ReleaseDesk) -> None:
    desk.suite("next.yaml", ("{baseline: small, release", "{baseline: {run: x}, base_variants: [small], release"))
    assert "a stored baseline has no variants" in desk("validate", "next.yaml").err
    desk.suite("next.yaml", ("{baseline: small, release", "{baseline: {runn: x}, release"))
    said = desk("validate", "next.yaml")
    assert said.code == 2
    assert "runn" in said.err
