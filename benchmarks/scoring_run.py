"""What scoring a stored run costs: every level and every difference from its records, as `gate --from-records` does.

    python benchmarks/scoring_run.py RUN [--profile OUT]     # one process: seconds of processor time by evaluation
    python benchmarks/scoring_run.py RUN --pool              # all cores, as a run does: time and processor time
    python benchmarks/scoring_run.py RUN --against FILE      # the largest difference to the figures in FILE
    python benchmarks/scoring_run.py RUN --keep FILE         # keeps the figures for that

Bounds are made at the levels that the run's own results hold.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.reporter import Silent
from harness.pipeline.results import scoring_pool
from harness.pipeline.results.scoring import Pair, Scores, ScoringContext, ScoringSpec, score
from harness.schema.results.results_file import Results
from harness.storage.run_dir import RunDir


def main() -> None:
    """Scores, and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--pool", action="store_true")
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    run = RunDir(options.run)
    results = run.read_results(figures=False)
    if not options.pool:
        scoring_pool._PATIENCE = math.inf  # this process alone
    profile = cProfile.Profile() if options.profile else None
    started, before = time.monotonic(), _spent()
    if profile is not None:
        profile.enable()
    scores = Scores()
    specs = [ScoringSpec.of(evaluation) for evaluation in results.evaluations]
    for asked in [specs] if options.pool else [[spec] for spec in specs]:
        since = time.process_time()
        part = _score(run, results, asked)
        if not options.pool:
            count = f"{len(part.comparisons)} differences, {len(part.metrics)} levels"
            sys.stdout.write(f"{asked[0].name}: {count}, {time.process_time() - since:.2f} s\n")
        scores.metrics += part.metrics
        scores.comparisons += part.comparisons
    if profile is not None:
        profile.disable()
        profile.dump_stats(options.profile)
    made = f"{len(scores.comparisons):,} differences and {len(scores.metrics):,} levels"
    wall, spent = time.monotonic() - started, _spent() - before
    sys.stdout.write(f"{made}: {wall:.1f} s, {spent:.1f} s of processor time\n")
    figures = {
        "comparisons": [entry.model_dump(mode="json") for entry in scores.comparisons],
        "metrics": [entry.model_dump(mode="json") for entry in scores.metrics],
    }
    if options.keep:
        options.keep.write_text(json.dumps(figures))
    if options.against:
        _compare(json.loads(options.against.read_text()), json.loads(json.dumps(figures)))


def _score(run: RunDir, results: Results, specs: list[ScoringSpec]) -> Scores:
    levels: dict[str, set[float]] = defaultdict(set)
    for change in results.comparisons:
        levels[change.id] |= {bound.alpha for bound in change.delta.bounds}
    for level in results.metrics:
        levels[level.id] |= {bound.alpha for bound in level.interval.bounds}
    names = {spec.name for spec in specs}
    wanted = dict.fromkeys(
        (entry.evaluation, entry.baseline, entry.candidate)
        for entry in results.comparisons
        if entry.evaluation in names
    )
    context = ScoringContext(lambda metric: tuple(sorted(levels[metric])) or (0.05,), results.seed, Silent())
    return score(run, specs, [Pair(*pair) for pair in wanted], context)


def _spent() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Prints for every field how far its numbers moved, and in how many rows something else differs."""
    moved: dict[str, tuple[float, str]] = {}
    other: dict[str, list[str]] = defaultdict(list)
    for kind in ("comparisons", "metrics"):
        for old, new in zip(before[kind], after[kind], strict=True):
            who = f"{old['id']} {old.get('candidate') or old.get('model')} {old['slice']}"
            flat = dict(_flat(old, kind)), dict(_flat(new, kind))
            for path in flat[0].keys() | flat[1].keys():
                was, now = (side.get(path) for side in flat)
                if isinstance(was, float) and isinstance(now, float):
                    apart = abs(now - was) / max(1.0, abs(was))
                    moved[path] = max(moved.get(path, (0.0, "")), (apart, who))
                elif was != now:
                    other[path].append(f"{who}: {was!r} → {now!r}")
    for path, (apart, who) in sorted(moved.items()):
        if apart > 0:
            sys.stdout.write(f"  {path}: {apart:.1e} ({who})\n")
    for path, lines in sorted(other.items()):
        sys.stdout.write(f"  {path}: {len(lines)} differ, such as {lines[0]}\n")


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inside:
            yield from _flat(part, f"{path}.{key}")
    else:
        yield path, value


if __name__ == "__main__":
    main()
