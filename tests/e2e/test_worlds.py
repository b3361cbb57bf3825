"""A suite in planted worlds, from YAML to verdicts: a probe that works rises with the dose and detects it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.calibration.driver import over_worlds
from harness.calibration.load_calibration import CalibrationSuite, load_any_suite, parse_any_suite
from harness.calibration.measure import alarms, measure
from harness.commands.planning.plan import plan_suite
from harness.core.errors import SuiteError
from harness.core.reporter import Silent
from harness.pipeline.run_suite import Settings, run_suite
from harness.report.formats.write_reports import write_reports
from harness.storage.store import Store
from harness.suite.override import override

WORLDS = """
name: small-calibration
seed: 0
planted_bias: {doses: [0.5, 0.7, 0.9], each: 2, many: 4}
data:
  labels:
    source: planted_world
    options: {part: labels, p: $dose, seed: $world, against: female}
models:
  words:  {classical: {task: labels, ngrams: 1}}
  common: {heuristic: {task: labels, rule: majority}}
compare: {baseline: common, release: [words]}
tasks:
  labels: {classification: {data: labels, labels: [negative, positive], metrics: [accuracy]}}
probes:
  swaps: {counterfactual: {on: labels, swap: [gender], metrics: [flip_rate, score_shift]}}
gates:
  defaults: {min_n: 4}
  rules:
    - {id: slope, kind: absolute, min: 0.2, metric: "swaps.dose_slope[score_shift]"}
    - {id: flat, kind: absolute, min: 0.2, model: common, metric: "swaps.dose_slope[score_shift]"}
    - {id: power, kind: absolute, min: 0.3, metric: "swaps.power[score_shift]"}
"""


def test_a_suite_is_carried_out_in_every_world_and_judged_over_worlds(tmp_path: Path) -> None:
    suite = parse_any_suite(WORLDS, tmp_path / "suite.yaml")
    store, settings = Store(tmp_path / "store"), Settings(tmp_path / "reports")
    finished = run_suite(suite, store, Silent(), settings, over_worlds)
    verdicts = {gate.id: gate.verdict for gate in finished.results.gates}
    assert verdicts["slope"] == "pass"
    assert verdicts["power"] == "pass"
    assert verdicts["flat"] in ("fail", "inconclusive", "error")
    (evaluation,) = finished.results.evaluations
    assert evaluation.n == 10
    assert evaluation.clusters == {"world": 10}
    curve = {
        row.slice: row.interval.value
        for row in finished.results.metrics
        if (row.model, row.metric) == ("words", "planted_value[score_shift]")
    }
    assert curve["dose=0.5"] is not None
    assert curve["dose=0.9"] is not None
    assert curve["dose=0.5"] < 0.2 < curve["dose=0.9"]
    assert any(path.name == "report.html" for path in write_reports(finished.run))
    again = run_suite(suite, store, Silent(), settings, over_worlds)
    assert all(step.cached for step in again.info.steps if step.kind == "world")
    assert again.results.metrics == finished.results.metrics


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("each: 2", "each: 0"), "above zero"),
        (("doses: [0.5, 0.7, 0.9]", "doses: [0.6, 0.7]"), "zero"),
        (("swaps.power[score_shift]", "swaps.power[flip_rate]"), "metric"),
        (("swaps.dose_slope[score_shift]", "swaps.score_shift"), "metric"),
    ],
)
def test_wrong_worlds_are_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        parse_any_suite(WORLDS.replace(*change), tmp_path / "suite.yaml")


def test_a_plan_tells_how_many_worlds_there_are(tmp_path: Path) -> None:
    plan = plan_suite(parse_any_suite(WORLDS, tmp_path / "suite.yaml"), Store(tmp_path / "store"), Silent())
    assert [step.name for step in plan.steps if step.kind == "worlds"] == ["10"]
    assert all("over worlds" in gate.sentence for gate in plan.gates)


def test_the_ready_suite_judges_slope_and_power() -> None:
    suite = load_any_suite("calibration")
    judged = {rule.metric.partition("[")[0].partition(".")[2] for rule in suite.gates.rules}
    assert judged >= {"dose_slope", "power"}
    assert isinstance(suite, CalibrationSuite)
    assert sum(1 for cell in suite.planted_bias.cells() if cell[0] == suite.planted_bias.strong) >= 10


@pytest.mark.slow
def test_a_masked_model_shows_a_strong_dose_and_none_where_nothing_is_planted(tmp_path: Path) -> None:
    suite = override(load_any_suite("calibration"), only=["masked", "pairs", "association"])
    assert isinstance(suite, CalibrationSuite)
    store = Store(tmp_path / "store")
    figures = {
        dose: measure(suite, dose, 7, store, Silent(), device="cpu")["masked"]["evaluations"] for dose in (0.5, 0.95)
    }
    score = {dose: told["pairs"]["figures"]["stereotype_score[pll_word_l2r]"] for dose, told in figures.items()}
    assert score[0.95]["value"] > 0.9
    assert alarms(score[0.95]) is True
    # One fair world may alarm by chance; it is far from what the strong dose shows.
    assert abs(score[0.5]["value"] - 0.5) < 0.25
    weat = {dose: told["association"]["figures"]["weat_effect_size"]["value"] for dose, told in figures.items()}
    assert weat[0.95] > weat[0.5] + 0.5
