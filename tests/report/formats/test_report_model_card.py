"""model-card.md: metadata that the Hugging Face loader accepts."""

from __future__ import annotations

import pytest
from huggingface_hub import ModelCard

from harness.report.formats.model_card import model_card
from harness.report.sections.summary.decision import decision
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import markdown
from harness.storage.run_dir import RunDir


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_the_hub_reads_it(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    card = ModelCard((run.path / "model-card.md").read_text("utf-8"))
    results = run.read_results()
    assert card.data.model_name == "finetuned"
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in card.data.eval_results}
    wanted = {
        (row.evaluation, row.metric): row.interval.value
        for row in results.metrics
        if row.model == "finetuned" and row.slice is None
    }
    assert len(found) == len(wanted)
    assert found["reviews", "accuracy"] == pytest.approx(wanted["reviews", "accuracy"], abs=1e-7)


def test_f1_is_named_as_the_hub_names_it(plain: RunDir) -> None:
    card = ModelCard((plain.path / "model-card.md").read_text("utf-8"))
    f1 = next(one for one in card.data.eval_results if one.metric_name == "f1_macro")
    assert f1.metric_type == "f1"
    assert f1.metric_args["average"] == "macro"


def test_tiny_numbers_stay_numbers(plain: RunDir) -> None:
    results = plain.read_results()
    for row in results.metrics:
        row.interval = row.interval.with_value(1e-6)
    card = ModelCard(model_card(results, None))
    assert all(isinstance(one.metric_value, float) for one in card.data.eval_results)


def test_two_release_models_get_an_entry_each(plain: RunDir) -> None:
    results = plain.read_results()
    results.release = ["finetuned", "lora"]
    text = model_card(results, None)
    assert text.count('  - name: "finetuned"') == text.count('  - name: "lora"') == 1
    ModelCard(text)


def test_without_release_models_it_says_so(plain: RunDir) -> None:
    results = plain.read_results()
    results.release = []
    text = model_card(results, None)
    assert "This suite releases no model" in text
    ModelCard(text)


def test_it_says_the_words_and_figures_of_the_first_screen(plain: RunDir) -> None:
    """Decision and the four lines of cards stand in summary.md, comment.md and the card alike."""
    card, summary, comment = (
        (plain.path / name).read_text("utf-8") for name in ("model-card.md", "summary.md", "comment.md")
    )
    lines = [line for line in summary.splitlines() if line.startswith("- **")]
    assert [line.split("**")[1] for line in lines] == ["Gained", "Forgotten", "Bias", "Cost"]
    view = RunView.open(plain)
    for line in [*lines, markdown(decision(view, gate_rows(view)).sentence, 400)]:
        assert line in card
        assert line in summary
        assert line in comment
