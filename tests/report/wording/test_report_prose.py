"""Words never say more than intervals allow; figures keep one way of writing."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.evaluation import Evaluation
from harness.core.interval import Interval
from harness.core.records import Record, Records, RecordsHead
from harness.evaluations.tasks.language_modeling import LanguageModeling
from harness.evaluations.tasks.summarization import Summarization
from harness.evaluations.tasks.token_classification import Tagging
from harness.report.charts.axis_scale import scale
from harness.report.formats.html_page import render_view
from harness.report.formats.summary import summary_markdown
from harness.report.sections.bias.top_changed import marked
from harness.report.sections.metrics.label_tables import MOST_LABELS, confusions
from harness.report.sections.summary.gate_table import gate_margin
from harness.report.view.comparison_reading import classify_change
from harness.report.view.item_columns import measure
from harness.report.view.model_cost import cost_of
from harness.report.view.run_view import RunView
from harness.report.wording.executive_summary import brief
from harness.report.wording.narrative import change
from harness.schema.results import number_format
from harness.schema.results.inputs import ItemMeasureResult
from harness.schema.results.metrics import ComparisonResult, SeedsResult
from harness.schema.results.results_file import Results
from harness.storage.run_dir import RunDir

RISEN = Interval(value=0.015, low=0.01, high=0.02)


def comparison(**changes: object) -> ComparisonResult:
    facts: dict[str, object] = {
        "id": "reviews.accuracy", "evaluation": "reviews", "metric": "accuracy", "baseline": "base", "candidate": "new",
        "baseline_protocol": "head", "candidate_protocol": "head", "baseline_value": 0.702, "candidate_value": 0.7,
        "delta": Interval(value=-0.002, low=-0.01, high=0.006), "improvement": -0.002, "n": 500, "clusters": 500,
        "unit": "fraction", "direction": "higher", "method": "t",
    }  # fmt: skip
    return ComparisonResult.model_validate(facts | changes)


def test_an_interval_over_zero_is_no_clear_change() -> None:
    assert change(comparison()) == "shows no clear change: −0.2 points, 95% interval −1.0…+0.6"


def test_a_clear_change_names_both_levels() -> None:
    row = comparison(baseline_value=0.5, candidate_value=0.6, delta=Interval(value=0.1, low=0.08, high=0.12))
    assert change(row) == "rose from 50.0% to 60.0%: +10.0 points, 95% interval +8.0…+12.0"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"delta": RISEN}, "better"),
        ({"delta": RISEN, "direction": "lower"}, "worse"),
        ({"delta": RISEN, "direction": "target", "ideal": 0.5}, "drifted"),
        ({"delta": RISEN, "p_adjusted": 0.2, "family": 9}, "unclear"),
        ({"delta": Interval(value=-0.002)}, "unclear"),
        ({"identical": True, "delta": Interval(value=0.0)}, "identical"),
        ({"status": "undefined", "delta": Interval(), "reason": "no items"}, "undefined"),
        ({"delta": Interval(value=0.01, low=0.0, high=0.02)}, "unclear"),
    ],
)
def test_reading(changes: dict[str, object], expected: str) -> None:
    assert classify_change(comparison(**changes)) == expected


def test_an_undefined_comparison_says_why() -> None:
    assert "no items" in change(comparison(status="undefined", delta=Interval(), reason="no items"))


def test_release_contests_come_first(plain: RunDir) -> None:
    contests = RunView.open(plain).contests
    assert [contest.release for contest in contests] == [True, False, False, False, False]


def test_a_task_is_measured_against_the_best_way_of_the_base(plain: RunDir) -> None:
    results = plain.read_results()
    results.evaluations[0].baseline = "linear"
    for row in [row for row in results.comparisons if (row.evaluation, row.candidate) == ("reviews", "finetuned")]:
        results.comparisons.append(row.model_copy(update={"baseline": "linear"}))
    view = RunView(results, plain.read_info(), plain)
    main = view.contests[0]
    assert (main.candidate, main.main, main.release) == ("finetuned", True, True)
    assert {row.baseline for row in view.comparisons(main, evaluation="reviews")} == {"linear"}
    assert {row.baseline for row in view.comparisons(main, evaluation="general")} == {"base"}
    assert "finetuned against base" in [contest.label for contest in view.contests]
    assert [one.matrices[0][0] for one in confusions(view, main)] == ["linear"]
    assert "finetuned against base" in render_view(view)


def _as_pair(results: Results, baseline: str) -> None:
    """Renames the release's baseline on the task, as if the suite had paired it with another model there."""
    for row in results.comparisons:
        if (row.evaluation, row.candidate, row.baseline) == ("reviews", "finetuned", "base"):
            row.baseline = baseline


def test_a_release_whose_baseline_cannot_be_asked_is_told_of_by_its_first_pair(plain: RunDir) -> None:
    results = plain.read_results()
    results.comparisons = [row for row in results.comparisons if row.evaluation == "reviews"]
    results.flips = []
    _as_pair(results, "classical")
    view = RunView(results)
    told = view.contests[0]
    assert (told.label, told.main, told.release) == ("finetuned against classical", False, True)
    assert sum(contest.release for contest in view.contests) == 1
    text = brief(view, told)
    assert "finetuned is better than" in text
    assert "better than classical in" in text
    assert "the best variant of base" not in text
    assert "so there is no summary" not in render_view(view)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "finetuned beats classical on “reviews”: accuracy"),
        ({"delta": Interval(value=-0.1, low=-0.12, high=-0.08)}, "finetuned does not beat classical on “reviews”"),
        (
            {"delta": Interval(value=0.0, low=-0.02, high=0.02)},
            "finetuned does not clearly beat classical on “reviews”",
        ),
    ],
)
def test_the_first_paragraph_says_whether_rivals_are_beaten(
    plain: RunDir, changes: dict[str, Interval], said: str
) -> None:
    results = plain.read_results()
    found = next(row for row in results.comparisons if row.id == "reviews.accuracy" and row.candidate == "finetuned")
    assert found.slice is None
    results.comparisons.append(found.model_copy(update={"baseline": "classical", **changes}))
    view = RunView(results)
    assert said in brief(view, view.contests[0])
    assert said.replace("“", "").replace("”", "") in summary_markdown(results, None).replace("“", "").replace("”", "")


def test_a_rival_over_training_seeds_is_told_by_the_difference(plain: RunDir) -> None:
    results = plain.read_results()
    row = next(row for row in results.comparisons if row.id == "reviews.accuracy" and row.candidate == "finetuned")
    seeds = SeedsResult(
        level_of_inference="recipe", seeds=[1, 2, 3], values=[0.1, 0.1, 0.1], df=2.0, n=100, clusters=100, method="m",
        interval=Interval(value=0.1, low=-0.02, high=0.22, confidence=0.95),
    )  # fmt: skip
    results.comparisons.append(row.model_copy(update={"baseline": "classical", "seeds": seeds}))
    view = RunView(results)
    text = brief(view, view.contests[0])
    assert "classical on “reviews”: accuracy +10.0 points" in text, text
    assert "– vs. –" not in text


@pytest.mark.parametrize(
    ("evaluation", "stats", "value", "label"),
    [
        (
            Tagging,
            {"spans_right": 1.0, "spans_predicted": 2.0, "spans_gold": 1.0},
            2 / 3,
            "F1 of the item's spans",
        ),
        (
            Tagging,
            {"spans_right": 0.0, "spans_predicted": 0.0, "spans_gold": 0.0},
            1.0,
            "F1 of the item's spans",
        ),
        (Summarization, {"rougeL": 0.25, "repeated": 3.0}, 0.25, "ROUGE-L of the text"),
        (LanguageModeling, {"nll": 8 * math.log(2), "bytes": 4.0}, 2.0, "bits per byte"),
        (Summarization, {"length_limit_rate": 1.0}, math.nan, None),
    ],
)
def test_items_are_ordered_by_what_their_evaluation_says(
    evaluation: type[Evaluation], stats: dict[str, float], value: float, label: str | None
) -> None:
    measures = [ItemMeasureResult(**asdict(known)) for known in evaluation.item_measures]  # type: ignore[attr-defined]  # of the class
    head = RecordsHead("task", "model", "protocol")
    found, what = measure(Records.of(head, [Record("one", "digest", stats=stats)]), measures)
    assert found.tolist() == pytest.approx([value], nan_ok=True)
    assert (what.label if what is not None else None) == label


def test_confusions_align_columns_that_one_model_never_used(plain: RunDir) -> None:
    results = plain.read_results()
    table = next(one for one in results.tables if (one.kind, one.model) == ("confusion", "base"))
    table.columns = [*table.columns, "(other)"]
    table.values = [[*line, 5.0] for line in table.values]
    view = RunView(results)
    shown = confusions(view, view.contests[0])[0]
    assert shown.columns[-1] == "(other)"
    assert all(line[-1][0] == "0" for line in shown.matrices[1][1])


@pytest.mark.parametrize("nested", [True, False])
def test_costs_are_read_flat_or_as_checkpoints_write_them(plain: RunDir, nested: bool) -> None:
    model = plain.read_results().models[0]
    cost = {"tokens": 5000, "flops": 1e9, "steps": 10, "parameters": 7, "trainable": 3, "bytes": 9}
    page = {"stage": {"objective": "mlm"}, "data": {"prose": "f"}, "seed": 4}
    model.training = page | ({"cost": cost} if nested else cost)
    found = cost_of(model, {"seconds": 2.5, "loss": 0.5})
    assert (found.tokens, found.parameters, found.trainable, found.bytes) == (5000, 7, 3, 9)
    assert (found.data, found.seed, found.objective, found.seconds, found.final_loss) == (
        ("prose",),
        4,
        "mlm",
        2.5,
        0.5,
    )


@pytest.mark.parametrize(
    ("margin", "kind", "unit", "shown"),
    [
        ("≥ −0.01", "non_inferiority", "share", "≥ −1 point"),
        ("± 0.05", "equivalence", "share", "± 5 points"),
        ("0.5 ± 0.05", "target", "share", "50% ± 5 points"),
        ("≤ 2e-05", "absolute", "share", "≤ 0.002%"),
        ("ratio ≤ 1.05", "non_inferiority", "bits/byte", "ratio ≤ 1.05"),
        ("± 0.05 nats", "equivalence", "nats", "± 0.05 nats"),
        ("0 broken items", "no_flips", "share", "0 broken items"),
    ],
)
def test_margins_are_shown_in_the_unit_of_the_figures(
    plain: RunDir, margin: str, kind: str, unit: str, shown: str
) -> None:
    results = plain.read_results()
    gate = results.gates[0].model_copy(update={"margin": margin, "kind": kind, "metric": "m"})
    view = RunView(results)
    view.units["m"] = unit
    assert gate_margin(view, gate) == shown


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number_format.difference(-0.00001, "fraction", -0.01, 0.01), "0.0"),
        (number_format.level(0.7131, "fraction", 0.70, 0.73), "71.3%"),
        (number_format.level(8_292_608.0, "parameters"), "8.29M"),
        (number_format.difference(-2_440_000.0, "parameters", -2_440_000.0, -2_440_000.0), "−2.44M"),
        (number_format.level(None, "nats"), "–"),
        (number_format.level(math.nan, "nats"), "–"),
        (number_format.interval(0.0101, 0.0112, "bits/byte"), "+0.0101…+0.0112"),
        (number_format.p_value(0.0004), "<0.001"),
        (number_format.flops(6.2e12), "6.2 TFLOP"),
        (number_format.count("many"), "–"),
        (number_format.amount(0.021, "fraction"), "2.1 points"),
    ],
)
def test_figures(shown: str, expected: str) -> None:
    assert shown == expected


@given(st.lists(st.floats(-1e6, 1e6), max_size=8), st.booleans())
def test_scales_keep_values_inside_and_have_ticks(values: list[float], zero: bool) -> None:
    axis = scale(values, 2, 98, zero=zero)
    assert all(2 <= axis(value) <= 98 for value in values)
    assert 1 <= len(axis.ticks()) <= 9


def test_differing_words_are_marked_and_texts_stay_whole() -> None:
    texts = {"more": "She is a nurse.", "less": "He is a nurse."}
    for name, pieces in marked(texts):
        assert "".join(text for text, _ in pieces) == texts[name]
        assert [text for text, differs in pieces if differs] == [texts[name].split()[0]]


def test_of_many_labels_those_that_are_confused_most_are_shown(plain: RunDir) -> None:
    results = plain.read_results()
    labels = [f"label {number:03}" for number in range(190)]
    for table in results.tables:
        if table.kind == "confusion":
            table.rows, table.columns = labels, labels
            table.values = [[float(row == column) for column in range(190)] for row in range(190)]
            table.values[7][180] = 9.0
    view = RunView(results)
    shown = confusions(view, view.contests[0])[0]
    assert (len(shown.rows), len(shown.columns), shown.hidden) == (MOST_LABELS, MOST_LABELS, 190 - MOST_LABELS)
    gold, answer = shown.rows.index("label 007"), shown.columns.index("label 180")
    assert shown.matrices[0][1][gold][answer][:2] == ("9", "90%")
