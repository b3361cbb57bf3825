"""Effect and cost of each mitigation, beside the same model without it."""

from __future__ import annotations

from typing import Any

import pytest
from harness_support.page_reader import whole_page

from harness.report.formats.html_page import render_view
from harness.report.sections.bias.mitigation_table import mitigations, twin_of
from harness.report.view.comparison_reading import classify_change
from harness.report.view.run_view import RunView
from harness.storage.run_dir import RunDir

STAGES: dict[str, dict[str, Any]] = {
    "finetuned": {"task": "reviews", "epochs": 3, "mitigate": None, "dropout": None},
    "linear": {"task": "reviews", "epochs": 3, "mitigate": {"augment": "gender"}, "dropout": None},
    "scratch": {"task": "reviews", "epochs": 3, "mitigate": None, "dropout": 0.3},
}


def _view(run: RunDir, **changes: Any) -> RunView:
    """`lora` is the base with a projection, `linear` is fine-tuned with augmentation, `scratch` with dropout."""
    results = run.read_results()
    models = []
    for model in results.models:
        update: dict[str, Any] = {}
        if model.name == "lora":
            update = {"made_by": "project", "parent": "base"}
        if model.name in STAGES:
            update = {"training": {**model.training, "stage": STAGES[model.name]}}
        models.append(model.model_copy(update={**update, **changes.get(model.name, {})}))
    return RunView(results.model_copy(update={"models": models}), None)


def test_twins_are_the_same_models_without_the_mitigation(plain: RunDir) -> None:
    view = _view(plain)
    twins = {name: twin.name for name, model in view.models.items() if (twin := twin_of(view, model)) is not None}
    # `scratch` starts from random weights, so `finetuned` is not the same stage.
    assert twins == {"lora": "base", "linear": "finetuned"}
    other = _view(plain, linear={"training": {"stage": {**STAGES["linear"], "epochs": 9}}})
    assert twin_of(other, other.models["linear"]) is None


def test_every_figure_is_that_of_the_comparison(plain: RunDir) -> None:
    view = _view(plain)
    table = mitigations(view)
    assert table is not None
    row = next(row for row in table.rows if row.model == "lora")
    assert row.twin == "base"
    assert row.tokens == "not retrained"
    seen = set()
    for (says, name, id_, metric), cell in zip(table.columns, row.cells, strict=True):
        assert id_ == f"{name}.{metric}"
        compared = view.overall.get((id_, "base", "lora"))
        if compared is None or compared.status != "ok":
            assert not cell.change
            continue
        seen.add(says)
        kind = classify_change(compared)
        if compared.direction != "target":
            assert cell.kind == kind
        elif kind == "drifted":
            before, after = view.metric(id_, "base"), view.metric(id_, "lora")
            assert before is not None
            assert after is not None
            assert before.interval.value is not None
            assert after.interval.value is not None
            ideal = after.ideal or 0.0
            nearer = abs(after.interval.value - ideal) < abs(before.interval.value - ideal)
            assert (cell.kind, cell.word) == (
                ("better", "closer to the ideal") if nearer else ("worse", "farther from the ideal")
            )
    assert seen == {"Bias", "Capability", "Forgotten"}
    order = [says for says, *_ in table.columns]
    assert order == sorted(order, key=["Bias", "Capability", "Forgotten"].index)


def test_pairs_that_were_not_compared_show_levels_and_say_so(plain: RunDir) -> None:
    view = _view(plain)
    table = mitigations(view)
    assert table is not None
    row = next(row for row in table.rows if row.model == "linear")
    assert any(" → " in cell.text for cell in row.cells)
    assert not any(cell.change for cell in row.cells)
    assert table.uncompared
    page = whole_page(render_view(view))
    assert "Effect and cost of each mitigation" in page
    assert "not retrained" in page
    assert "list the two models in" in page


@pytest.mark.parametrize("made_by", ["finetune", "load"])
def test_runs_without_mitigation_have_no_such_table(plain: RunDir, made_by: str) -> None:
    results = plain.read_results()
    view = RunView(results, None)
    assert mitigations(view) is None
    assert "What each mitigation bought" not in whole_page(render_view(view))
    # A projected model whose parent is no model of the run has nothing to stand beside.
    alone = _view(plain, lora={"made_by": "project", "parent": None}, linear={"made_by": made_by, "training": {}})
    assert mitigations(alone) is None
