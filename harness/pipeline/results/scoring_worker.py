"""A process that computes scoring jobs for another one: a line of JSON for each in, one out (see `scoring_pool`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any

from harness.comparisons.join import Pair
from harness.core.reporter import Silent
from harness.pipeline.results.scoring import ScoringContext, computed
from harness.pipeline.results.scoring_jobs import ScoringJob, ScoringSpec
from harness.storage.run_dir import RunDir


def _of_line(line: str) -> tuple[RunDir, ScoringJob]:
    job = json.loads(line)
    spec = ScoringSpec(**{**job["evaluation"], "metrics": tuple(job["evaluation"]["metrics"])})
    wanted = job["wanted"] if isinstance(job["wanted"], str) else Pair(**job["wanted"])
    levels = {metric: tuple(alphas) for metric, alphas in job["levels"].items()}
    return RunDir(Path(job["run"])), ScoringJob(spec, wanted, levels, job["anytime"], job["seed"], {}, inline=False)


def work(lines: IO[str], out: IO[str]) -> None:
    """Computes the job of every line; a fault of a job is `null`, and is met again and told by who asked."""
    kept: tuple[str, dict[str, Any]] = "", {}
    for line in lines:
        try:
            run, job = _of_line(line)
            if kept[0] != job.evaluation.name:
                kept = job.evaluation.name, {}
            for model in job.models:
                if model not in kept[1]:
                    kept[1][model] = run.replicates(job.evaluation.name, model)
            context = ScoringContext(alphas=lambda metric: (), seed=job.seed, reporter=Silent())
            answer = json.dumps(computed(job, kept[1], context), allow_nan=False)
        except Exception:  # computed again by the other side, where it is raised in its place
            answer = "null"
        out.write(answer + "\n")
        out.flush()


if __name__ == "__main__":
    work(sys.stdin, sys.stdout)
