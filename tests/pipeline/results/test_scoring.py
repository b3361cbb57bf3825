"""Scoring reads the records of a run directory, and remembers what it computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.digests import digest
from harness.core.records import Record, Records, RecordsHead
from harness.core.reporter import Silent, Task
from harness.pipeline.results.scoring import (
    Pair,
    Scores,
    ScoringContext,
    ScoringSpec,
    content_digest,
    metrics_of,
    score,
    store_memo,
)
from harness.storage.records_file import write_records
from harness.storage.run_dir import RunDir
from harness.storage.store import Store

LABELS = ("bad", "good")
SPEC = ScoringSpec("reviews", ("accuracy",), "item", LABELS, protocols={"base": "head", "new": "head"})


def records(model: str, correct: int, n: int = 20) -> Records:
    """Records of which the first `correct` are right."""
    rows = [
        Record(
            f"item{k:02}",
            f"item{k:02}",
            clusters={"parent": f"item{k:02}"},
            target=LABELS[k % 2],
            prediction=LABELS[k % 2 if k < correct else 1 - k % 2],
            stats={"correct": float(k < correct)},
        )
        for k in range(n)
    ]
    return Records.of(RecordsHead("reviews", model, "head"), rows)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = RunDir(tmp_path / "run")
    write_records(made.records_path("reviews", "base"), records("base", 10))
    write_records(made.records_path("reviews", "new"), records("new", 18))
    return made


class Remembering:
    """A memo that counts what it computes."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.computed = 0

    def __call__(self, parts: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        key = digest(dict(parts))
        if key not in self.values:
            self.computed += 1
            self.values[key] = compute()
        return self.values[key]


def scored(run: RunDir, pairs: list[Pair], memo: Any, seed: int = 0) -> Scores:
    return score(run, [SPEC], pairs, ScoringContext(lambda metric: (0.05,), seed, Silent(), memo))


def test_every_model_is_scored_and_pairs_are_compared(run: RunDir) -> None:
    scores = scored(run, [Pair("reviews", "base", "new")], Remembering())
    assert {row.model: row.interval.value for row in scores.metrics if row.slice is None} == {"base": 0.5, "new": 0.9}
    (difference,) = [row for row in scores.comparisons if row.slice is None]
    assert difference.delta.value == pytest.approx(0.4)
    assert {table.model for table in scores.tables} == {"base", "new"}


def test_a_pair_without_records_is_left_out(run: RunDir) -> None:
    pairs = [Pair("reviews", "base", "third"), Pair("other", "base", "new")]
    assert scored(run, pairs, Remembering()).comparisons == []


def test_equal_records_are_scored_once_and_another_seed_again(run: RunDir, tmp_path: Path) -> None:
    memo, pairs = Remembering(), [Pair("reviews", "base", "new")]
    first = scored(run, pairs, memo)
    assert scored(run, pairs, memo) == first
    assert memo.computed == 3
    scored(run, pairs, memo, seed=1)
    assert memo.computed == 6
    store = Store(tmp_path / "store")
    assert scored(run, pairs, store_memo(store)) == scored(run, pairs, store_memo(store)) == first


def test_models_answer_to_the_metrics_of_their_protocol() -> None:
    spec = ScoringSpec("prose", ("bits_per_byte", "pseudo_bits_per_byte"), "item")
    assert [metric.id for metric in metrics_of(spec, "rolling_likelihood")] == ["bits_per_byte"]


def test_code_of_a_file_is_no_metric_where_none_is_loaded() -> None:
    spec = ScoringSpec("reviews", ("accuracy", "evaluate:./mine"), "item", LABELS)
    assert [metric.id for metric in metrics_of(spec, "head")] == ["accuracy"]


def test_the_digest_of_records_follows_their_content(tmp_path: Path) -> None:
    assert content_digest(records("base", 10)) == content_digest(records("other", 10))
    assert content_digest(records("base", 10)) != content_digest(records("base", 11))


class _Watching(Silent):
    """Remembers the tasks that it was told of, and how far they came."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, float | None]] = []
        self.steps: list[float] = []

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        self.seen.append((title, total))
        steps = self.steps

        class Counting(Task):
            def advance(self, units: float = 1) -> None:
                steps.append(units)

        yield Counting()


def test_long_scoring_says_how_far_it_is(run: RunDir) -> None:
    """One step for each model and each pair, so that 50 candidates move the bar a hundred times."""
    names = [f"new-{k}" for k in range(5)]
    for name in names:
        write_records(run.records_path("reviews", name), records(name, 12))
    spec = replace(SPEC, protocols={"base": "head"} | dict.fromkeys(names, "head"))
    watching = _Watching()
    score(run, [spec], [Pair("reviews", "base", name) for name in names], ScoringContext(lambda _: (), 0, watching))
    assert watching.seen == [("statistics", 11)]
    assert sum(watching.steps) == 11
    assert len([step for step in watching.steps if step]) > 5
