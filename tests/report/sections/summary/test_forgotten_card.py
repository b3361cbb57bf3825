"""What the four cards read where a suite asks what a model kept of several abilities."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.sections.metrics.slice_tables import slice_tables
from harness.report.sections.models_and_cost.prompting_advice import advice
from harness.report.sections.summary.decision import lead_of, lead_pair
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.sections.summary.summary_cards import Card, cards
from harness.report.view.kept_abilities import kept_tasks
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.executive_summary import brief
from harness.schema.results.verdicts import GateResult
from harness.storage.run_dir import RunDir

QUIZZES = ("quiz", "riddles", "facts")


def gate(**facts: Any) -> GateResult:
    base: dict[str, Any] = {"id": "kept", "kind": "non_inferiority", "model": "finetuned", "baseline": "base"}
    base |= {"severity": "error", "blocking": True, "verdict": "pass", "sentence": "s", "alpha": 0.05}
    return GateResult(**{**base, **facts})


def together(**facts: Any) -> GateResult:
    figures = {"observed": -0.02, "low": -0.031, "high": -0.009, "margin": "≥ −0.05", "n": 7200}
    return gate(metric=", ".join(f"{name}.accuracy" for name in QUIZZES), **{**figures, **facts})


def benchmarks(run: RunDir, *gates: GateResult, kind: str = "multiple_choice", only: bool = False) -> RunView:
    """The run's reviews, asked three times more under other names, ahead of them."""
    results = run.read_results()
    reviews = next(known for known in results.evaluations if known.name == "reviews")
    own = [row for row in results.comparisons if row.evaluation == "reviews" and row.slice is None]
    evaluations = [
        reviews.model_copy(update={"name": name, "kind": kind, "data": [name], "labels": []}) for name in QUIZZES
    ]
    comparisons = [
        row.model_copy(update={"evaluation": name, "id": f"{name}.{row.metric}"}) for name in QUIZZES for row in own
    ]
    if not only:
        evaluations += results.evaluations
        comparisons += results.comparisons
    update = {"evaluations": evaluations, "comparisons": comparisons, "gates": list(gates)}
    return RunView(results.model_copy(update=update))


def lead(view: RunView) -> ModelPair:
    pair = lead_pair(view)
    assert pair is not None
    return pair


def card(view: RunView, title: str) -> Card:
    return next(known for known in cards(view, lead(view)) if known.title == title)


def test_what_is_unlike_the_training_is_kept_and_never_the_gain(plain: RunDir) -> None:
    view = benchmarks(plain)
    assert kept_tasks(view, lead(view)) == ["general", *QUIZZES]
    assert "on reviews" in card(view, "Gained").lines[0]
    row = lead_of(view, lead(view))
    assert row is not None
    assert row.evaluation == "reviews"
    assert "3 other abilities" in brief(view, lead(view))


@pytest.mark.parametrize(("kind", "kept"), [("non_inferiority", True), ("equivalence", True), ("superiority", False)])
def test_a_gate_says_whether_a_task_is_to_be_gained_or_kept(plain: RunDir, kind: str, kept: bool) -> None:
    view = benchmarks(plain, gate(kind=kind, metric="quiz.accuracy"), kind="classification")
    assert ("quiz" in kept_tasks(view, lead(view))) is kept
    other = benchmarks(plain, gate(kind="superiority", metric="general.pseudo_bits_per_byte"), kind="classification")
    assert "general" not in kept_tasks(other, lead(other))


def test_a_joint_gate_is_the_figure_of_what_was_forgotten(plain: RunDir) -> None:
    view = benchmarks(plain, together())
    shown = card(view, "Forgotten")
    assert shown.figure == "−2.0 pts"
    assert shown.tone == "bad"
    assert shown.lines[:2] == ["kept: improvement of 3 abilities together vs base", "90% interval −3.1 … −0.9"]
    assert "of 3 tasks clearly worse" in shown.lines[-1]


def test_a_suite_of_kept_abilities_alone_has_no_gain_and_one_plain_task_is_no_memory(plain: RunDir) -> None:
    view = benchmarks(plain, together(), only=True)
    assert card(view, "Gained").figure == "–"
    assert card(view, "Forgotten").figure == "−2.0 pts"
    plain_task = benchmarks(plain, gate(metric="quiz.accuracy"), kind="classification", only=True)
    assert card(plain_task, "Forgotten").figure == "–"
    assert "on quiz" in card(plain_task, "Gained").lines[0]


def test_a_gate_that_its_figures_would_pass_says_why_it_did_not(plain: RunDir) -> None:
    from harness.report.sections.summary.decision import decision

    open_gate = together(verdict="inconclusive", low=-0.01, observed=0.0, high=0.01, sentence="Only two clusters.")
    view = benchmarks(plain, open_gate)
    assert decision(view, gate_rows(view)).reasons == [("inconclusive", "kept: Only two clusters.")]


def test_what_could_not_be_compared_shows_no_absence_of_harm(plain: RunDir) -> None:
    results = plain.read_results()
    nothing = {"value": None, "low": None, "high": None}
    rows = [
        row.model_copy(
            update={
                "status": "undefined",
                "reason": "all answers failed.",
                "ratio": None,
                "improvement": None,
                "delta": row.delta.model_copy(update=nothing),
            }
        )
        for row in results.comparisons
    ]
    view = RunView(results.model_copy(update={"comparisons": rows, "gates": []}))
    pair = next(pair for pair in view.contests if pair.candidate == "finetuned")
    said = brief(view, pair)
    assert "No probe shows" not in said
    assert "Bias could not be compared on pairs, names." in said
    assert "finetuned could not be compared with base on a task: all answers failed." in said
    lines = [known.lines[0] for known in cards(view, pair)]
    assert lines[:3] == ["Not comparable: all answers failed."] * 3


def test_a_rule_is_no_model_to_prompt_and_an_undefined_slice_is_not_too_small(plain: RunDir) -> None:
    results = plain.read_results()
    models = [
        model.model_copy(update={"made_by": "heuristic"}) if model.name == "base" else model for model in results.models
    ]
    assert advice(RunView(results))
    assert advice(RunView(results.model_copy(update={"models": models}))) == []
    undefined = {"status": "undefined", "n": 0, "improvement": None}
    rows = [
        row.model_copy(update=undefined) if row.slice is not None and row.metric == "accuracy" else row
        for row in results.comparisons
    ]
    view = RunView(results.model_copy(update={"comparisons": rows}))
    assert "accuracy" not in {metric for table in slice_tables(view, lead(view), "task") for metric in table.metrics}
