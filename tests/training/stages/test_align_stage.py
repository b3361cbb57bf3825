import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_support.training_samples import (
    estimate_cost,
    finetune_spec,
    label_inputs,
    preferences,
    prompts,
    resolved,
    run_stage,
)

from harness.core.digests import file_digest
from harness.core.errors import DataError, SuiteError
from harness.core.reporter import Silent
from harness.core.requests import Continuations
from harness.model_kinds.align_kind import AlignSpec
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.training.stages.align_stage import answer_likelihoods, dpo_loss


def _spec(**changes: Any) -> AlignSpec:
    return AlignSpec.model_validate(
        {"from": "base", "task": "kind", "epochs": 3, "batch_size": 8, "learning_rate": 1e-3, **changes}
    )


def _inputs(parent: Path, **changes: Any) -> Any:
    return label_inputs(
        parent,
        parent_digest=checkpoint_digest(parent),
        **{"train": preferences(), "validation": preferences(16, 9), "labels": (), **changes},
    )


@pytest.mark.parametrize("method", ["full", {"lora": {"rank": 4}}])
def test_preferred_answers_gain(method: Any, writer: Path, tmp_path: Path) -> None:
    made = run_stage(_spec(method=method), _inputs(writer), tmp_path, Silent())
    assert made["validation"]["accuracy"] > 0.9
    assert made["recipe"]["beta"] == 0.1
    assert made["kind"] == ("transformers" if method == "full" else "adapter")
    pair = preferences(1, 9)[0]
    request = Continuations(pair.prompt, (pair.chosen, pair.rejected))
    gaps = []
    for folder in (writer, tmp_path):
        (_, scores), *_ = open_model(folder, OpenContext(resolve=lambda key: writer, responses=None)).answer([request])
        gaps.append(scores.values[0] - scores.values[1])
    assert gaps[1] > gaps[0] + 0.3


def test_the_loss_begins_at_ln_2_and_is_the_papers(writer: Path, tmp_path: Path) -> None:
    run_stage(_spec(), _inputs(writer), tmp_path, Silent())
    first = json.loads((tmp_path / "training.jsonl").read_text().splitlines()[0])
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-4), "policy and reference are one at first"


def test_the_loss_by_hand(writer: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(writer).eval()
    ids = torch.randint(3, 300, (4, 9), generator=torch.Generator().manual_seed(2))
    labels = ids.clone()
    labels[:, :5] = -100
    batch = {
        "input_ids": ids,
        "labels": labels,
        "attention_mask": torch.ones_like(ids),
        "reference": torch.tensor([-20.0, -21.0, -19.0, -25.0]),
    }
    with torch.inference_mode():
        log_p = model(input_ids=ids).logits[:, :-1].log_softmax(-1)
        plain = [sum(float(log_p[row, place - 1, ids[row, place]]) for place in range(5, 9)) for row in range(4)]
        assert answer_likelihoods(model, batch).tolist() == pytest.approx(plain, rel=1e-4)
        gains = [value + reference for value, reference in zip(plain, (20.0, 21.0, 19.0, 25.0), strict=True)]
        margins = [0.3 * (gains[0] - gains[2]), 0.3 * (gains[1] - gains[3])]
        expected = sum(math.log(1 + math.exp(-margin)) for margin in margins) / 2
        assert float(dpo_loss(model, batch, 0.3)) == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_weights(writer: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = run_stage(_spec(epochs=1), _inputs(writer), tmp_path / name, Silent())
        assert made["validation"] is None, "there is no other epoch to choose"
    assert file_digest(tmp_path / "one" / "model.safetensors") == file_digest(tmp_path / "two" / "model.safetensors")


def test_what_does_not_fit_is_refused(writer: Path, base: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="needs preference pairs"):
        run_stage(_spec(), _inputs(writer, train=prompts(4), validation=()), tmp_path / "a", Silent())
    with pytest.raises(SuiteError, match="needs a causal language model"):
        run_stage(_spec(), _inputs(base), tmp_path / "b", Silent())


def test_pairs_of_equal_answers_are_refused(writer: Path, tmp_path: Path) -> None:
    pairs = preferences()
    pairs[3] = replace(pairs[3], rejected=pairs[3].chosen)
    with pytest.raises(DataError, match=r"1 of 48 preference pairs have identical .* the first: ' a good lamp.'"):
        run_stage(_spec(), _inputs(writer, train=pairs), tmp_path, Silent())


def test_its_key_and_its_estimate() -> None:
    assert resolved(_spec(learning_rate=None), 10)["learning_rate"] > 0
    one, two = (estimate_cost(_spec(epochs=epochs), 100) for epochs in (1, 2))
    assert two.flops == pytest.approx(2 * one.flops)


def test_epochs_that_rank_all_pairs_right_are_told_apart_by_the_loss(writer: Path, tmp_path: Path) -> None:
    made = run_stage(_spec(epochs=6, learning_rate=3e-3), _inputs(writer), tmp_path, Silent())
    assert made["validation"]["accuracy"] == 1.0
    assert made["validation"]["epoch"] > 3
    assert made["validation"]["loss"] < 0.3


def test_fine_tuning_on_preference_pairs_learns_the_better_answer(writer: Path, tmp_path: Path) -> None:
    spec = finetune_spec(epochs=4, learning_rate=3e-3)
    made = run_stage(spec, _inputs(writer), tmp_path / "better", Silent())
    better = [pair.better() for pair in preferences()]
    plain = _inputs(writer, train=better, validation=[pair.better() for pair in preferences(16, 9)])
    assert run_stage(spec, plain, tmp_path / "plain", Silent())["validation"] == made["validation"]
    pair = preferences(1, 9)[0]
    [(_, scores)] = open_model(tmp_path / "better", OpenContext(resolve=lambda key: writer, responses=None)).answer(
        [Continuations(pair.prompt, (pair.chosen, pair.rejected))]
    )
    assert scores.values[0] > scores.values[1]


def test_pairs_about_other_people_are_learned_too(writer: Path, tmp_path: Path) -> None:
    pairs = [replace(pair, prompt=f"she said {pair.prompt}") for pair in preferences(16)]
    spec = _spec(epochs=1, mitigate={"augment": "gender"})
    made = run_stage(spec, _inputs(writer, train=pairs), tmp_path, Silent())
    assert made["recipe"]["mitigation"]["augment"] == {"rows": 16, "swapped": 16, "used": 16, "left_by_label": 0}
    assert "mitigation" in resolved(spec, 16, pairs[0].kind)
    with pytest.raises(DataError, match="augmentation would change nothing"):
        run_stage(spec, _inputs(writer), tmp_path / "none", Silent())
