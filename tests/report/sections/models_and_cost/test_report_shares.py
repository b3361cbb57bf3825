"""What each specialization bears of a pretraining that several share."""

from __future__ import annotations

from typing import Any

import pytest
from harness_support.page_reader import whole_page

from harness.report.formats.html_page import render_view
from harness.report.sections.models_and_cost.shared_cost import shares
from harness.report.view.run_view import RunView
from harness.schema.results.inputs import ModelResult
from harness.storage.run_dir import RunDir


def _model(name: str, made_by: str, parent: str | None, flops: float | None, **stage: Any) -> ModelResult:
    training = {"stage": {made_by: True, **stage}, "cost": {"flops": flops}}
    return ModelResult(
        name=name, role="candidate", made_by=made_by, label=name, parent=parent, digest="0" * 64, training=training
    )


MODELS = (
    _model("base", "pretrain", None, 600.0),
    _model("adapted", "pretrain", "base", 60.0),
    _model("exam", "finetune", "adapted", 10.0),
    _model("notes", "finetune", "adapted", 20.0),
    _model("tagger", "finetune", "base", 5.0),
    _model("scratch", "finetune", "base", 7.0, weights="random"),
    _model("prompted", "prompt", "base", 0.0),
)


def _view(run: RunDir, models: tuple[ModelResult, ...]) -> RunView:
    results = run.read_results().model_copy(update={"models": list(models)})
    return RunView(results, None)


def test_each_stage_is_divided_by_those_who_start_from_it(plain: RunDir) -> None:
    found = {share.model: share for share in shares(_view(plain, MODELS))}
    assert set(found) == {"exam", "notes", "tagger"}, "no pretraining is in a random start or a prompted model"
    # base serves adapted and tagger, adapted serves exam and notes: 600 / 2 / 2 + 60 / 2.
    assert found["exam"].shared.flops == pytest.approx(180.0)
    assert found["exam"].before == ("base", "adapted")
    assert found["exam"].alone.flops == pytest.approx(670.0)
    assert found["tagger"].shared.flops == pytest.approx(300.0)
    together = sum(share.total.flops or 0.0 for share in found.values())
    assert together == pytest.approx(600 + 60 + 10 + 20 + 5), "all that was trained, once"
    assert found["tagger"].own.seconds is None


def test_a_cost_that_is_not_known_is_not_made_up(plain: RunDir) -> None:
    unknown = (_model("base", "pretrain", None, None), *MODELS[1:])
    assert all(share.shared.flops is None and share.total.flops is None for share in shares(_view(plain, unknown)))


def test_nothing_is_said_where_nothing_is_shared(plain: RunDir) -> None:
    assert shares(_view(plain, (MODELS[0], MODELS[4]))) == []


def test_the_page_shows_the_parts(plain: RunDir) -> None:
    view = RunView.open(plain)
    assert [share.model for share in shares(view)] == ["finetuned", "lora", "linear"]
    assert "Shared pretraining" in whole_page(render_view(view))
