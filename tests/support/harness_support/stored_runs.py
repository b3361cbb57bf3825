"""A small finished run, written by hand: one evaluation, two models, sealed."""

from __future__ import annotations

from pathlib import Path

from harness.core.records import Record, Records, RecordsHead
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import VerdictResult
from harness.schema.run_info import RunInfo
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir


def small_results(*evaluations: EvaluationResult) -> Results:
    """Results of two models without any figure."""
    return Results(
        suite="s", suite_digest="d", title="t", seed=0, baseline="base", candidates=["new"], release=["new"],
        models=[], data=[], evaluations=list(evaluations), metrics=[], comparisons=[], flips=[], tables=[], gates=[],
        verdict=VerdictResult(overall="pass", exit_code=0, sentence="ok"),
    )  # fmt: skip


def small_info(state: str = "finished", attempts: int = 1) -> RunInfo:
    """run.json of this version."""
    return RunInfo(
        run_id="r", suite="s", suite_text="name: s\n", command=[], started="2026-01-01", state=state, attempts=attempts
    )


def small_run(path: Path) -> RunDir:
    """A sealed run with records of two models on one evaluation."""
    run = RunDir(path)
    for model in ("base", "new"):
        target = run.records_path("reviews", model)
        target.parent.mkdir(parents=True, exist_ok=True)
        records = [Record(str(n), str(n), stats={"correct": 1.0}) for n in range(3)]
        write_records(target, Records.of(RecordsHead("reviews", model, "head"), records))
    protocols = {"base": "head", "new": "head"}
    evaluation = EvaluationResult(
        name="reviews", role="task", kind="classification", summary="", data=[], split="test", n=3, protocols=protocols
    )
    run.write(small_results(evaluation), small_info())
    return run
