"""Scoring on all cores: what takes long goes to processes of their own, which read the run directory.

A worker is started anew and not forked: torch and BLAS hold threads that a fork would lose. It takes one line of JSON
for each job and gives one back; what it computes does not depend on who computes it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from harness.pipeline.results.scoring_jobs import Memo, ScoringJob
from harness.storage.run_dir import RunDir

_PATIENCE = 1.5
"""Seconds of computing before workers are worth their start, which takes about one."""

Compute = Callable[[ScoringJob], dict[str, Any]]


class WorkerPool:
    """Computes jobs in their order: the first ones here, and once that takes long on all cores.

    Args:
        run: the run whose records are read.
    """

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self._spent = 0.0
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._started:
            worker.kill()
            worker.communicate()

    def results(self, jobs: Sequence[ScoringJob], memo: Memo, here: Compute) -> Iterator[dict[str, Any]]:
        """The JSON of every job.

        Args:
            here: computes a job in this process.
        """

        def timed(job: ScoringJob) -> dict[str, Any]:
            started = time.monotonic()
            value = here(job)
            self._spent += time.monotonic() - started
            return value

        left = list(jobs)
        while left and (self._spent < _PATIENCE or len(left) < 2 or (os.cpu_count() or 1) < 2 or left[0].inline):
            job = left.pop(0)
            yield memo(job.parts, lambda job=job: timed(job))  # type: ignore[misc]  # bound now
        if not left:
            return
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
            waiting = [
                None if job.inline else threads.submit(memo, job.parts, lambda job=job: self._there(job, here))  # type: ignore[misc]  # bound now
                for job in left
            ]
            try:
                for job, future in zip(left, waiting, strict=True):
                    yield memo(job.parts, lambda job=job: timed(job)) if future is None else future.result()  # type: ignore[misc]  # bound now
            finally:
                for future in waiting:
                    if future is not None:
                        future.cancel()

    def _there(self, job: ScoringJob, here: Compute) -> dict[str, Any]:
        """Computes a job in a worker; here, where a worker cannot be started or was killed."""
        try:
            worker = self._worker()
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(json.dumps({"run": str(self._run.path), **_as_line(job)}) + "\n")
            worker.stdin.flush()
            value = json.loads(worker.stdout.readline())
        except (OSError, ValueError):
            return here(job)
        self._idle.put(worker)
        if not isinstance(value, dict):
            return here(job)
        return value

    def _worker(self) -> subprocess.Popen[str]:
        if not self._idle.empty():
            return self._idle.get()
        worker = subprocess.Popen(
            # Without the current folder, which may hold anything.
            [sys.executable, "-P", "-m", "harness.pipeline.results.scoring_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            # One thread each, and the modules of this process: plug-ins may lie anywhere on its path.
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._started.append(worker)
        return worker


def _as_line(job: ScoringJob) -> dict[str, Any]:
    wanted = job.wanted if isinstance(job.wanted, str) else asdict(job.wanted)
    return {
        "evaluation": asdict(job.evaluation),
        "wanted": wanted,
        "levels": job.levels,
        "anytime": job.anytime,
        "seed": job.seed,
    }
