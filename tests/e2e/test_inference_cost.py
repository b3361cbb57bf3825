"""Gates on cost, by the command line: timed in turn, on one machine; never a pass by what was not measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness_support.release_desk import ReleaseDesk

from harness.pipeline import provenance
from harness.schema.results.results_file import Results

PROBE = "probes: {speed: {inference_cost: {on: mood, items: 20, blocks: 10}}}\ngates:\n"
GATES = """\
  - {id: fast, metric: speed.latency_median, kind: non_inferiority, margin: {ratio: 1000}}
  - {id: slow, metric: speed.latency_median, kind: absolute, max: 1e-6}
  - {id: small, metric: speed.disk_size, kind: absolute, max: 1}
  - {id: lean, metric: speed.parameter_count, kind: non_inferiority, margin: {ratio: 1.01}}
  - {id: tokens, metric: speed.token_throughput, kind: absolute, min: 1}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> ReleaseDesk:
    monkeypatch.chdir(tmp_path)
    desk = ReleaseDesk(tmp_path, capfd)
    path = desk.suite("mood.yaml", ("gates:\n", PROBE))
    path.write_text(path.read_text("utf-8") + GATES, "utf-8")
    return desk


def _verdicts(results: Results) -> dict[str, str]:
    return {gate.id: gate.verdict for gate in results.gates}


def _session(desk: ReleaseDesk, run: Path, model: str) -> object:
    from harness.storage.run_dir import RunDir

    return RunDir(run).records("speed", model).head.facts["timing"]["session"]


@pytest.mark.slow
def test_costs_are_timed_judged_and_explained(desk: ReleaseDesk) -> None:
    planned = desk("plan", "mood.yaml").out
    assert "time speed: to do" in planned
    assert "10 blocks × 20 inputs × 2 models, in turn" in planned
    assert "counted exactly" in planned
    run = desk.run("mood.yaml")
    results = run.read_results()
    verdicts = _verdicts(results)
    assert verdicts == {
        "kept": "pass",
        "fast": "pass",
        "slow": "fail",
        "small": "pass",
        "lean": "fail",
        "tokens": "error",
    }
    (evaluation,) = (entry for entry in results.evaluations if entry.role == "cost")
    assert any(text.startswith("Timed on ") and "another machine" in text for text in evaluation.caveats)
    # What nobody counts is said, and is no zero.
    (tokens,) = (row for row in results.metrics if row.id == "speed.token_throughput" and row.model == "large")
    assert (tokens.interval.value, tokens.status) == (None, "undefined")
    assert "not counted" in str(tokens.reason)
    said = desk("explain", "fast", "--run", run.path).out
    assert re.search(r"sample +10 blocks", said)
    assert "items" not in said.split("sample")[1].split("\n")[0]
    report = (run.path / "summary.md").read_text("utf-8")
    assert "latency_median on speed" in report
    # The same models on the same machine: the timings of before, and so the same results.
    again = desk.run("mood.yaml")
    assert again.read_results() == results
    assert "time speed: cached" in desk("plan", "mood.yaml").out


@pytest.mark.slow
def test_running_again_times_anew_and_holds_no_timing_to_the_stored_one(desk: ReleaseDesk) -> None:
    run = desk.run("mood.yaml")
    made = desk("rerun", run.path, "--json")
    assert made.code == 0, made.out
    assert "speed.latency_median" in made.json["timings"]
    assert "speed.parameter_count" not in made.json["timings"]
    assert "Timings are not expected to be equal" in made.json["sentence"]
    assert _session(desk, desk.folder / made.json["run_dir"], "large") != _session(desk, run.path, "large")


@pytest.mark.slow
def test_timings_of_another_run_or_machine_decide_nothing_and_what_is_counted_does(
    desk: ReleaseDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.run("mood.yaml")
    hardware = {**provenance.hardware(), "processor": "another processor"}
    monkeypatch.setattr(provenance, "hardware", lambda: hardware)
    results = desk.run("mood.yaml", "--baseline-run", run.path, "--fresh").read_results()
    gates = {gate.id: gate for gate in results.gates}
    assert gates["fast"].verdict == "inconclusive"
    assert "timed on different machines (processor: " in gates["fast"].sentence
    assert (gates["lean"].verdict, gates["small"].verdict) == ("pass", "pass")


def test_too_few_inputs_and_unknown_tasks_are_errors_before_anything_runs(desk: ReleaseDesk) -> None:
    text = (desk.folder / "mood.yaml").read_text("utf-8")
    (desk.folder / "few.yaml").write_text(text.replace("data: notes,", "data: notes, limit: 12,"), "utf-8")
    said = desk("run", "few.yaml")
    assert said.code == 2
    assert "has 12 different ones in the test split; at least 20 are needed" in said.err
    (desk.folder / "none.yaml").write_text(text.replace("on: mood", "on: mod"), "utf-8")
    said = desk("validate", "none.yaml")
    assert said.code == 2
    assert "mod" in said.err
