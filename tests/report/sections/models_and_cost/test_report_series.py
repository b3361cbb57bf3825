"""Learning and dose-response curves: which models share a line, which lines share a chart."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.charts.point_charts import PointChart
from harness.report.sections.models_and_cost.dose_curves import _shared, series
from harness.report.view.run_view import RunView
from harness.storage.run_dir import RunDir


def _charts(
    plain: RunDir,
    stages: dict[str, dict[str, Any]],
    made_by: dict[str, str] | None = None,
    parents: dict[str, str | None] | None = None,
) -> list[PointChart]:
    """The charts of a run whose models were made by these stages."""
    results = plain.read_results()
    models = [
        model.model_copy(
            update={
                "parent": (parents or {}).get(model.name, model.parent),
                "made_by": (made_by or {}).get(model.name, model.made_by),
                "training": {"stage": stages[model.name], "data": ["reviews"]} if model.name in stages else {},
            }
        )
        for model in results.models
    ]
    found = series(RunView(results.model_copy(update={"models": models})))
    return [chart for chart in found if "accuracy" in chart.title.lower()]


def test_groups_that_differ_in_the_same_number_share_a_chart(plain: RunDir) -> None:
    stages = {
        "finetuned": {"labels": 100, "weights": "pretrained"},
        "lora": {"labels": 10_000, "weights": "pretrained"},
        "scratch": {"labels": 100, "weights": "random"},
        "linear": {"labels": 10_000, "weights": "random"},
    }
    (chart,) = _charts(plain, stages)
    assert [line.name for line in chart.lines] == ["finetuned to lora", "scratch to linear"]
    assert len({line.style for line in chart.lines}) == 2
    assert len({mark.shape for mark in chart.marks}) == 2
    assert chart.title.startswith("Learning curve")
    # Every model of the lines stands in the table, and the base as a level across.
    assert [level.name for level in chart.levels] == ["base"]
    assert sorted(row[0] for row in chart.rows) == ["base", "finetuned", "linear", "lora", "scratch"]


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        (["base_100", "base_1k"], "base"),
        (["base_100", "base_300"], "base"),
        (["words", "words_1k"], "words"),
        (["lora-4", "lora-16"], "lora"),
        (["finetuned", "frozen"], "finetuned to frozen"),
    ],
)
def test_a_line_is_called_by_the_words_that_its_models_share(names: list[str], shared: str) -> None:
    assert _shared(names) == shared


def test_wide_doses_stand_on_a_logarithmic_axis(plain: RunDir) -> None:
    doses = {"finetuned": 100, "lora": 1000, "scratch": 10_000}
    (wide,) = _charts(plain, {name: {"labels": dose} for name, dose in doses.items()})
    low, middle, high = (place for place, _ in wide.x_ticks)
    assert abs((middle - low) - (high - middle)) < 0.1
    assert wide.x_label == "labeled rows (log scale)"
    (narrow,) = _charts(plain, {name: {"labels": dose} for name, dose in zip(doses, (1000, 2000, 3000), strict=True)})
    assert narrow.x_label == "labeled rows"


def test_a_dose_that_is_no_amount_of_data_has_no_levels(plain: RunDir) -> None:
    (chart,) = _charts(plain, {"finetuned": {"beta": 0.1}, "lora": {"beta": 0.3}})
    assert chart.title.startswith("Dose-response")
    assert chart.levels == []
    assert [line.name for line in chart.lines] == ["finetuned to lora"]


def test_trivial_rivals_and_prompts_are_levels(plain: RunDir) -> None:
    stages = {"finetuned": {"labels": 100}, "lora": {"labels": 300}}
    (chart,) = _charts(plain, stages, {"tfidf": "baseline", "linear": "prompt"})
    assert {level.name for level in chart.levels} == {"base", "tfidf", "linear"}


def test_models_that_differ_in_two_settings_have_no_curve(plain: RunDir) -> None:
    assert _charts(plain, {"finetuned": {"labels": 100, "epochs": 3}, "lora": {"labels": 300, "epochs": 8}}) == []


def test_what_a_model_starts_from_is_a_setting_of_it(plain: RunDir) -> None:
    small, large = ({"objective": "mlm", "budget": {"tokens": tokens}} for tokens in (1000, 4000))
    stages = {"base": small, "tfidf": large, "finetuned": {"from": "base", "labels": 9}}
    stages["lora"] = {"from": "tfidf", "labels": 9}
    (pretrained, tuned) = _charts(plain, stages, {"tfidf": "pretrain"}, {"lora": "tfidf", "tfidf": None})
    assert {row[0] for row in tuned.rows} == {"finetuned", "lora", "base"}
    assert [row[0] for row in pretrained.rows] == ["base", "tfidf"]
    assert pretrained.x_label == tuned.x_label == "pretraining tokens"
    stages["lora"]["labels"] = 10
    assert len(_charts(plain, stages, {"tfidf": "pretrain"}, {"lora": "tfidf", "tfidf": None})) == 1, "two differ"
