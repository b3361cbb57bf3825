"""`--until-decided`: batches until the gates that may be judged at every look are decided."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.core.reporter import Silent
from harness.pipeline.run_context import Settings
from harness.pipeline.run_suite import Finished, run_suite
from harness.pipeline.suite_lock import write_lock
from harness.storage.store import Store
from harness.suite.load_suite import load_suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv, splits: {train: 0.2, validation: 0.1, test: 0.7}}
models:
  words: {classical: {task: notes, ngrams: 1}}
  common: {heuristic: {task: notes, rule: majority}}
compare: {baseline: common, release: [words]}
tasks:
  notes: {classification: {data: notes, metrics: [accuracy, nll]}}
gates:
  - {id: better, kind: superiority, metric: notes.accuracy, sequential: true, min_n: 50}
"""


def run(tmp_path: Path, text: str = SUITE, **more: object) -> Finished:
    (tmp_path / "suite.yaml").write_text(text, "utf-8")
    draw = random.Random(0)
    words = {"good": ("lovely", "warm", "bright"), "bad": ("awful", "cold", "dull")}
    rows = []
    for k in range(600):
        label = draw.choice(["good", "bad"])
        said = label if draw.random() < 0.9 else draw.choice(["good", "bad"])
        rows.append(f"a {draw.choice(words[said])} day number {k},{label}")
    (tmp_path / "notes.csv").write_text("text,label\n" + "\n".join(rows) + "\n", "utf-8")
    settings = Settings(tmp_path / "reports", device="cpu", **more)  # type: ignore[arg-type]
    return run_suite(load_suite(str(tmp_path / "suite.yaml")), Store(tmp_path / "store"), Silent(), settings)


def test_a_clear_gate_is_decided_by_few_items_and_says_how_many_were_saved(tmp_path: Path) -> None:
    finished = run(tmp_path, until_decided=True)
    looks = finished.results.looks
    assert looks is not None
    assert finished.results.verdict.overall == "pass"
    assert 50 <= looks.asked["notes"] < looks.available["notes"]
    models = len(finished.results.evaluations[0].protocols)
    assert looks.saved == (looks.available["notes"] - looks.asked["notes"]) * models
    assert finished.results.evaluations[0].n == looks.asked["notes"]
    assert f"{looks.saved:,} answers" in looks.sentence
    assert looks.sentence in finished.results.notes
    assert finished.results.gates[0].sequential
    assert "however often one looks" in finished.results.gates[0].sentence


def test_what_cannot_be_decided_is_asked_whole(tmp_path: Path) -> None:
    finished = run(tmp_path, SUITE.replace("min_n: 50", "min_n: 200, margin: 0.4"), until_decided=True)
    looks = finished.results.looks
    assert looks is not None
    assert looks.looks > 3
    assert looks.undecided == ["notes"]
    assert looks.asked == looks.available
    assert looks.saved == 0
    assert finished.results.verdict.overall == "inconclusive"


def test_looks_that_were_planned_share_alpha_and_are_not_more(tmp_path: Path) -> None:
    """The last one sees all items; the bounds are those of one look at a third of alpha."""
    text = SUITE.replace("sequential: true, min_n: 50", "sequential: {looks: 3}, min_n: 50, margin: 0.4")
    finished = run(tmp_path, text, until_decided=True)
    looks = finished.results.looks
    assert looks is not None
    assert looks.looks <= 3
    assert looks.asked == looks.available
    (gate,) = finished.results.gates
    assert gate.alpha == pytest.approx(0.05 / 3)
    assert not gate.sequential
    assert "One of at most 3 looks, which share alpha." in gate.sentence
    row = next(row for row in finished.results.comparisons if (row.id, row.candidate) == ("notes.accuracy", "words"))
    assert gate.low == row.delta.at(gate.alpha).low
    (tmp_path / "clear").mkdir()
    clear = run(tmp_path / "clear", text.replace("margin: 0.4", "margin: 0.1"), until_decided=True).results
    assert clear.looks is not None
    assert clear.looks.asked["notes"] == 50
    assert clear.verdict.overall == "pass"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (None, "none has `sequential`"),
        ("{id: sure, kind: superiority, metric: notes.nll, severity: warn}", "judged only once: sure"),
        ("{id: kept, kind: no_flips, metric: notes.accuracy}", "judged only once: kept"),
    ],
)
def test_gates_that_may_be_judged_once_are_refused(tmp_path: Path, other: str | None, message: str) -> None:
    text = SUITE.replace(", sequential: true", "") if other is None else f"{SUITE}  - {other}\n"
    with pytest.raises(SuiteError, match="until-decided") as error:
        run(tmp_path, text, until_decided=True)
    assert message in error.value.message


def test_attempts_share_alpha_and_run_out(tmp_path: Path) -> None:
    text = SUITE.replace("sequential: true, min_n: 50", "alpha_spending: {attempts: 2}")
    (tmp_path / "alone").mkdir()
    alone = run(tmp_path / "alone", text)
    (gate,) = alone.results.gates
    assert gate.verdict == "error"
    assert "no lock file counts" in gate.sentence
    lock = tmp_path / "suite.lock"
    write_lock(load_suite(str(tmp_path / "alone" / "suite.yaml")), lock, Store(tmp_path / "store"), Silent())
    verdicts = []
    for seed in (1, 2, 3):
        changed = text.replace("ngrams: 1", f"ngrams: {seed}")
        verdicts += run(tmp_path, changed, lock=lock, resume=False).results.gates
    assert [gate.verdict for gate in verdicts] == ["pass", "pass", "error"]
    assert [gate.attempt for gate in verdicts] == [1, 2, 3]
    assert verdicts[0].alpha == 0.025
    assert "Attempt 2 of 2 that share alpha" in verdicts[1].sentence
    assert "this is attempt 3" in verdicts[2].sentence
