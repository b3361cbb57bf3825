"""A run claims a folder, hands its steps a context, and closes the folder however they end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_support import model_zoo

from harness.core.errors import LockError
from harness.core.reporter import Silent
from harness.pipeline import carry_out as steps
from harness.pipeline import prepared_suite
from harness.pipeline.run_context import RunContext, Settings
from harness.pipeline.run_suite import Finished, run_suite
from harness.pipeline.suite_lock import write_lock
from harness.schema.results.results_file import Results
from harness.storage import seal
from harness.storage.run_dir import RunDir
from harness.storage.store import Store
from harness.suite.load_suite import load_suite
from harness.suite.override import override
from harness.suite.suite import Suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv, splits: {train: 0.6, validation: 0.1, test: 0.3}}
models:
  words: {classical: {task: notes, ngrams: 1}}
  common: {heuristic: {task: notes, rule: majority}}
compare: {baseline: common, release: [words]}
tasks:
  notes: {classification: {data: notes, metrics: [accuracy]}}
gates:
  - {id: better, kind: superiority, metric: notes.accuracy}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    words = {"good": ("lovely", "warm", "bright"), "bad": ("awful", "cold", "dull")}
    rows = [f"a {word} day number {k},{label}" for k in range(20) for label, those in words.items() for word in those]
    (tmp_path / "notes.csv").write_text("text,label\n" + "\n".join(rows) + "\n", "utf-8")
    return load_suite(str(tmp_path / "suite.yaml"))


@pytest.fixture
def run(suite: Suite, tmp_path: Path) -> Callable[..., Finished]:
    def carried_out(carry_out: Callable[[RunContext], Results] = steps.carry_out, **more: object) -> Finished:
        settings = Settings(tmp_path / "reports", device="cpu", **more)  # type: ignore[arg-type]
        return run_suite(suite, Store(tmp_path / "store"), Silent(), settings, carry_out)

    return carried_out


def state(tmp_path: Path) -> str:
    (folder,) = (tmp_path / "reports" / "little").iterdir()
    return RunDir(folder).read_info().state


def test_a_finished_run_holds_results_records_and_costs(run: Callable[..., Finished]) -> None:
    finished = run()
    assert finished.info.state == "finished"
    assert finished.run.read_results() == finished.results
    assert finished.results.evaluations[0].protocols.keys() == {"words", "common", "prior-notes"}
    assert seal.read(finished.run.path).files.keys() == {
        "results.json", "run.json", "records/notes/words.parquet", "records/notes/common.parquet",
        "records/notes/prior-notes.parquet",
    }  # fmt: skip
    assert (
        finished.info.asking["notes"].keys()
        == finished.info.requests["notes"].keys()
        == {"words", "common", "prior-notes"}
    )
    assert finished.info.training["words"]["energy_wh"] > 0
    assert [gate.id for gate in finished.results.gates] == ["better"]


def test_a_second_run_finds_everything_and_gives_the_same_results(run: Callable[..., Finished]) -> None:
    first, second = run(), run()
    assert [step.name for step in second.info.steps if step.kind == "evaluate" and not step.cached] == []
    assert second.run.results_path.read_bytes() == first.run.results_path.read_bytes()


@pytest.mark.parametrize(("error", "left"), [(KeyboardInterrupt, "interrupted"), (RuntimeError, "failed")])
def test_a_run_that_breaks_says_so(
    error: type[BaseException], left: str, run: Callable[..., Finished], tmp_path: Path
) -> None:
    def broken(context: RunContext) -> Results:
        raise error

    with pytest.raises(error):
        run(broken)
    assert state(tmp_path) == left


def test_a_locked_run_opens_its_data_once(
    suite: Suite, run: Callable[..., Finished], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "suite.lock"
    write_lock(suite, lock, Store(tmp_path / "store"), Silent())
    opened: list[Suite] = []
    bind = prepared_suite.open_data

    def counted(suite: Suite, *rest: object) -> object:
        opened.append(suite)
        return bind(suite, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(prepared_suite, "open_data", counted)
    finished = run(locked=True, lock=lock)
    assert len(opened) == 1
    assert finished.info.lock is not None
    assert finished.info.lock.attempts == 1


def test_a_locked_run_of_another_suite_starts_nothing(suite: Suite, tmp_path: Path) -> None:
    store, lock = Store(tmp_path / "store"), tmp_path / "suite.lock"
    write_lock(suite, lock, store, Silent())
    settings = Settings(tmp_path / "reports", locked=True, lock=lock, overrides={"seed": 5})
    with pytest.raises(LockError, match="1 difference from the lock file"):
        run_suite(override(suite, seed=5), store, Silent(), settings)
    assert not (tmp_path / "reports").exists()


def test_two_local_models_with_equal_weights_are_a_warning(tmp_path: Path) -> None:
    model_zoo.classifier("bert", tmp_path / "first", ("good", "bad"))
    model_zoo.classifier("bert", tmp_path / "other", ("good", "bad"), seed=1)
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    (tmp_path / "copy" / "generation_config.json").write_text('{"eos_token_id": 3}', "utf-8")
    (tmp_path / "notes.csv").write_text("text,label\na fine day,good\na bad day,bad\n", "utf-8")
    written = """\
name: twins
data: {notes: {file: notes.csv, splits: {test: 1.0}}}
models: {first: {load: first}, copy: {load: copy}, other: {load: other}}
compare: {baseline: first}
tasks: {notes: {classification: {data: notes, metrics: [accuracy]}}}
"""
    (tmp_path / "suite.yaml").write_text(written, "utf-8")
    reporter = Silent()
    settings = Settings(tmp_path / "reports", device="cpu")
    run_suite(load_suite(str(tmp_path / "suite.yaml")), Store(tmp_path / "store"), reporter, settings)
    assert [warning.split(":")[0] for warning in reporter.warnings if "equal weights" in warning] == [
        "first and copy have equal weights"
    ]


def test_a_model_s_first_figures_are_shown_as_soon_as_it_is_trained(suite: Suite, tmp_path: Path) -> None:
    def messages() -> list[str]:
        reporter = Silent()
        settings = Settings(tmp_path / "reports", device="cpu")
        finished = run_suite(suite, Store(tmp_path / "store"), reporter, settings)
        (words,) = (row for row in finished.results.metrics if (row.model, row.slice) == ("words", None))
        assert words.interval.value == 1.0
        return [text for text in reporter.messages if "accuracy" in text or "first figures" in text]

    first = messages()
    assert first[:2] == ["first figures, without intervals and verdicts:", "  words: notes accuracy 100.0%"]
    assert [row.split(":")[0].strip() for row in first[1:]] == ["words", "common", "prior-notes"]
    assert messages() == [], "what was known before the run is in the report at once"
