"""NeMo Evaluator's own results (`make_logs/nemo_*`): of `nel`, BYOB, its containers' samples, and totals alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness_support.imported_logs import LOGS, imported_metrics, imported_results

from harness.cli.app import invoke
from harness.commands.imported_runs.import_logs import importer
from harness.core.errors import DataError


def logs(kind: str) -> list[str]:
    return ["nemo", *(f"{name}={LOGS}/{kind}/{name}" for name in ("base", "tuned"))]


def test_nel_rewards_are_recomputed_and_failures_counted(tmp_path: Path) -> None:
    results = imported_results(logs("nemo_nel"), tmp_path)
    values = {(entry.model, entry.metric): entry for entry in results.metrics if not entry.slice}
    (bundle,) = (LOGS / "nemo_nel" / "tuned" / "sums").glob("eval-*.json")
    theirs = json.loads(bundle.read_text("utf-8"))["benchmark"]["scores"]["summary"]["mean"]
    assert values["tuned", "exact_match_strict"].interval.value == pytest.approx(theirs, abs=1e-12)
    # nel grades two answers that the endpoint refused as 0; here they failed, and are in no mean.
    base = values["base", "exact_match_strict"]
    assert (base.interval.value, base.n) == (10 / 22, 22)
    (evaluation,) = results.evaluations
    assert evaluation.counts["base"]["failed"] == 2
    assert any("mean reward is 0.416667" in caveat for caveat in evaluation.caveats)
    assert {entry.slice for entry in results.metrics} >= {"category=even", "category=odd"}


def test_byob_scores_equal_its_totals(tmp_path: Path) -> None:
    metrics = imported_metrics(logs("nemo_byob"), tmp_path)
    for model in ("base", "tuned"):
        page = json.loads((LOGS / "nemo_byob" / model / "sums" / "byob_results.json").read_text("utf-8"))
        scores = page["tasks"]["sums"]["metrics"]["pass@1"]["scores"]
        for name, metric in (("correct", "exact_match_strict"), ("length", "as_logged[length]")):
            entry = metrics[model, "sums", metric]
            assert round(entry.interval.value, 4) == scores[name]["value"]
            assert (entry.n, entry.clusters) == (scores[name]["stats"]["count"], 11 if model == "base" else 12)


def test_a_byob_total_that_the_scores_do_not_give_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "tuned"
    shutil.copytree(LOGS / "nemo_byob" / "tuned", changed)
    file = changed / "sums" / "byob_results.json"
    file.write_text(file.read_text("utf-8").replace('"value": 0.75', '"value": 0.76'), "utf-8")
    base = LOGS / "nemo_byob" / "base"
    assert invoke(["import", "nemo", f"base={base}", f"tuned={changed}", "--out", str(tmp_path / "out")]) == 2


def test_normalized_samples(tmp_path: Path) -> None:
    metrics = imported_metrics(logs("nemo_samples"), tmp_path)
    assert metrics["tuned", "sums", "exact_match_strict"].interval.value == 9 / 12


def test_totals_alone_are_refused_with_what_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["import", *logs("nemo_totals"), "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "found only its totals (results.yml, byob_results.json)" in said
    assert "save_predictions=true" in said


def test_a_run_that_did_not_end_and_damaged_lines(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "sums"
    folder.mkdir(parents=True)
    lines = (LOGS / "nemo_nel" / "base" / "sums" / "results.jsonl").read_text("utf-8").splitlines()
    (folder / "results.jsonl").write_text("\n".join(lines[:5]), "utf-8")
    (read,) = importer("nemo").read(tmp_path / "run", {})
    assert (read.model, list(read.evaluations)) == ("run", ["sums"])
    assert "did not end" in read.evaluations["sums"].notes[0]
    for line, said in (
        ('{"problem_idx": 1}', "reward is missing"),
        ('{"problem_idx": 1, "reward": 1, "repeat": "x"}', "whole number in `repeat`"),
        ("{", "JSON"),
    ):
        (folder / "results.jsonl").write_text(line + "\n", "utf-8")
        with pytest.raises(DataError, match=said):
            importer("nemo").read(tmp_path / "run", {})


def test_samples_of_lm_eval_are_named(tmp_path: Path) -> None:
    (tmp_path / "samples_arc_2026-01-01T00-00-00.0.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(DataError) as caught:
        importer("nemo").read(tmp_path, {})
    assert "harness import lm-eval" in str(caught.value)
