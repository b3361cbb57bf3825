from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from harness.commands.planning.plan import _training_seconds, plan_suite
from harness.commands.planning.plan_times import Machine
from harness.core.examples import LabeledText
from harness.core.reporter import Silent
from harness.model_kinds.flop_shapes import shape_of
from harness.models.checkpoint.sources import checkpoint_catalog
from harness.pipeline.checkpoints.training_data import DataInputs
from harness.schema.units import show_estimate
from harness.storage.store import Store
from harness.suite.load_suite import load_suite, parse_suite

SUITE = """\
name: little
data:
  notes: {file: notes.csv}
models:
  base: {load: "catalog:minilm-l6"}
  full: {finetune: {from: base, task: notes, epochs: 1}}
compare: {baseline: base}
tasks:
  notes: {classification: {data: notes, labels: [bad, good]}}
"""


class _AtHand:
    """A workshop that has the base's checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cached(self, model: str) -> bool:
        return True

    def checkpoint(self, model: str) -> _AtHand:
        return self

    def data_inputs(self, model: str) -> DataInputs:
        return DataInputs(texts={}, train=(), validation=(), labels=(), fingerprints={})


def test_a_stage_from_the_catalog_is_planned_with_its_own_size(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    suite = parse_suite(SUITE, tmp_path / "suite.yaml")
    seconds = []
    machine = Machine(1)
    machine.__dict__["rate"] = 1e9
    for layers in (2, 8):
        shape = {"model_type": "bert", "hidden_size": 128, "num_hidden_layers": layers, "intermediate_size": 512}
        shape |= {"num_attention_heads": 2, "vocab_size": 1000}
        (tmp_path / "config.json").write_text(json.dumps(shape), "utf-8")
        seconds.append(_training_seconds(suite, "full", 1000, machine, cast(Any, _AtHand(tmp_path))))
    assert seconds[1] > 2 * seconds[0]


def test_what_is_not_fetched_yet_is_planned_with_the_sizes_that_the_catalog_states(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    suite = parse_suite(SUITE, tmp_path / "suite.yaml")
    machine = Machine(1)
    machine.__dict__["rate"] = 1e9
    catalog = checkpoint_catalog.entry("minilm-l6")
    (tmp_path / "config.json").write_text(json.dumps(catalog.configuration), "utf-8")
    fetched = _training_seconds(suite, "full", 1000, machine, cast(Any, _AtHand(tmp_path)))
    assert _training_seconds(suite, "full", 1000, machine) == fetched
    for name in checkpoint_catalog.names():
        assert shape_of(checkpoint_catalog.entry(name).configuration) is not None


def test_rows_that_give_several_examples_take_as_long_as_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, "utf-8")
    suite = parse_suite(SUITE, tmp_path / "suite.yaml")
    (tmp_path / "config.json").write_text(json.dumps(checkpoint_catalog.entry("minilm-l6").configuration), "utf-8")
    machine = Machine(1)
    machine.__dict__["rate"] = 1e9
    workshop, seconds = _AtHand(tmp_path), []
    for each in (1, 4):
        examples = tuple(LabeledText(f"note {n}", (1,)) for n in range(1000 * each))
        inputs = DataInputs(texts={}, train=examples, validation=(), labels=(), fingerprints={})
        monkeypatch.setattr(workshop, "data_inputs", lambda model, inputs=inputs: inputs)
        seconds.append(_training_seconds(suite, "full", 1000, machine, cast(Any, workshop)))
    assert 3 < seconds[1] / seconds[0] <= 4


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "a few seconds"),
        (41, "about 40 s"),
        (58, "about 1 min"),
        (482, "about 8 min"),
        (3599, "about 1 h"),
        (5300, "about 1 h 30 min"),
    ],
)
def test_a_forecast_is_no_more_exact_than_it_can_be(seconds: float, shown: str) -> None:
    assert show_estimate(seconds) == shown


def test_forecasts_of_the_main_job_are_within_a_factor_of_two_of_a_measured_run() -> None:
    """A cold run of `sentiment` on two free cores whose products reach 108 GFLOP/s each: seconds per stage."""
    suite = load_suite("sentiment")
    machine = Machine(2)
    machine.__dict__["rate"] = 2 * 108e9
    rows = {"base": 202_700, "finetuned": 14_800, "linear": 14_800, "classical": 14_800}
    measured = {"base": 141.6, "finetuned": 93.2, "linear": 9.0, "classical": 3.3}
    for model, seconds in measured.items():
        forecast = _training_seconds(suite, model, rows[model], machine)
        assert seconds / 2 < forecast < 2 * seconds or abs(forecast - seconds) < 6, (model, forecast)


@pytest.mark.parametrize(
    ("name", "rows", "tokens", "measured"),
    [("summarization", 800, 240, {"small-tuned": 38.5})],
)
def test_rows_that_are_long_or_written_take_longer(
    name: str, rows: int, tokens: float, measured: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds per stage of three epochs on two free cores whose products reach 108 GFLOP/s each."""
    bundled = load_suite(name)
    suite = parse_suite(re.sub(r"(small-tuned:.* epochs: )\d", r"\g<1>3", bundled.text), bundled.path)
    machine = Machine(2)
    machine.__dict__["rate"] = 2 * 108e9
    for length in (tokens, None):
        monkeypatch.setattr("harness.commands.planning.plan._length", lambda *_, length=length: length)
        for model, seconds in measured.items():
            forecast = _training_seconds(suite, model, rows, machine)
            assert seconds / 2 < forecast < 2 * seconds, (model, length, forecast)


def test_what_is_made_on_this_machine_is_counted_while_other_data_is_fetched(tmp_path: Path) -> None:
    plan = plan_suite(load_suite("generation"), Store(tmp_path), Silent())
    assert {entry.name: entry.rows for entry in plan.data if entry.cached} == {"verses": 1438}


def test_other_work_on_the_machine_does_not_make_it_slower() -> None:
    """The fastest product counts: a second measurement agrees, whatever runs beside it."""
    first, second = Machine(1).rate, Machine(1).rate
    assert 0.4 < first / second < 2.5


def test_what_large_models_answer_takes_long_before_the_data_is_here(tmp_path: Path) -> None:
    """A fixed guess for every model promised two minutes for a quarter of an hour."""
    suite = load_suite("code")
    plan = plan_suite(suite, Store(tmp_path), Silent())
    seconds = {step.name: step.seconds or 0 for step in plan.steps if step.kind == "evaluate"}
    limited = plan_suite(suite, Store(tmp_path), Silent(), limit=10)
    few = {step.name: step.seconds or 0 for step in limited.steps if step.kind == "evaluate"}
    assert seconds["bodies"] > 3 * few["bodies"] > 0
    assert seconds["completions"] < seconds["bodies"], "four prompts of its own"
    small = plan_suite(load_suite("demo"), Store(tmp_path), Silent())
    assert max(step.seconds or 0 for step in small.steps if step.kind == "evaluate") < seconds["bodies"]


def test_busy_cores_do_not_make_the_forecast_a_day() -> None:
    """Products that OpenBLAS gives to all cores waited for one that was busy: a thousand times slower."""
    import threading

    stop = threading.Event()

    def work() -> None:
        import numpy as np

        left = np.ones((400, 400), dtype=np.float32)
        while not stop.is_set():
            np.matmul(left, left)

    others = [threading.Thread(target=work) for _ in range(4)]
    for other in others:
        other.start()
    try:
        assert Machine(1).rate > 1e9
    finally:
        stop.set()
        for other in others:
            other.join()
