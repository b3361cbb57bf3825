"""Scoring on all cores: the same results, whoever computes them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Silent
from harness.pipeline.results import scoring_pool, scoring_worker
from harness.pipeline.results.scoring import Pair, Scores, ScoringContext, ScoringSpec, score
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir

LABELS = ("bad", "good")
SPEC = ScoringSpec(
    "reviews", ("accuracy", "f1_macro", "f1_per_class"), "item", LABELS, protocols={"base": "head", "new": "head"}
)
PAIRS = [Pair("reviews", "base", "new"), Pair("reviews", "new", "base")]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = RunDir(tmp_path / "run")
    for model, correct in (("base", 30), ("new", 45)):
        rows = [
            Record(
                f"item{k:02}",
                f"item{k:02}",
                slices=(f"source={'ab'[k % 3 == 0]}",),
                target=LABELS[k % 2],
                prediction=LABELS[k % 2 if (k * 7) % 60 < correct else 1 - k % 2],
                stats={"correct": float((k * 7) % 60 < correct)},
            )
            for k in range(60)
        ]
        write_records(made.records_path("reviews", model), Records.of(RecordsHead("reviews", model, "head"), rows))
    return made


def scored(run: RunDir) -> Scores:
    return score(run, [SPEC], PAIRS, ScoringContext(lambda metric: (0.05, 0.01), 3, Silent()))


def test_workers_give_the_results_of_one_process(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scored(run)
    started: list[object] = []
    monkeypatch.setattr(scoring_pool, "_PATIENCE", -1.0)
    monkeypatch.setattr(scoring_pool.os, "cpu_count", lambda: 2)
    plain = scoring_pool.WorkerPool._worker
    monkeypatch.setattr(scoring_pool.WorkerPool, "_worker", lambda pool: started.append(None) or plain(pool))
    there = scored(run)
    assert started
    assert there == here
    assert {row.metric for row in there.comparisons} == {"accuracy", "f1_macro", "f1[bad]", "f1[good]"}


def test_what_no_worker_can_do_is_done_here(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scored(run)
    monkeypatch.setattr(scoring_pool, "_PATIENCE", -1.0)
    monkeypatch.setattr(scoring_pool.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(scoring_pool.sys, "executable", "/nowhere/python")
    assert scored(run) == here


def test_a_worker_answers_every_line(run: RunDir) -> None:
    """A job that cannot be computed is `null`, and the next one is computed all the same."""
    job = {
        "run": str(run.path),
        "evaluation": {"name": "reviews", "metrics": ["accuracy"], "cluster_unit": "item", "protocols": {}},
        "levels": {"accuracy": [0.05]},
        "anytime": [],
        "seed": 0,
    }
    out = io.StringIO()
    lines = [json.dumps({**job, "wanted": "missing"}), "no json", json.dumps({**job, "wanted": "new"})]
    scoring_worker.work(io.StringIO("\n".join(lines)), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert answers[:2] == [None, None]
    assert answers[2]["metrics"][0]["interval"]["value"] == 0.75
