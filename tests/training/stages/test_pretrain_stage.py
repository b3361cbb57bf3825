import json
from pathlib import Path

import numpy as np
import pytest
import torch
from harness_support.training_samples import pretrain_spec, run_stage, text_inputs

from harness.core.digests import file_digest
from harness.core.errors import DataError, IncompleteError
from harness.core.reporter import Silent
from harness.training.stage_inputs import StageInputs


def test_the_checkpoint_is_safetensors_a_tokenizer_and_a_page(base: Path) -> None:
    names = {path.name for path in base.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "checkpoint.json", "training.jsonl"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".pth"))]
    page = json.loads((base / "checkpoint.json").read_text())
    assert (page["kind"], page["parent"], page["labels"], page["format"]) == ("transformers", None, None, 1)
    assert page["cost"]["steps"] == 24
    assert page["cost"]["tokens"] == 24 * 4 * 16
    assert page["cost"]["flops"] > 0


def test_it_loads_as_a_masked_model_and_as_a_classifier(base: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

    _, facts = AutoModelForMaskedLM.from_pretrained(base, output_loading_info=True)
    assert not facts["missing_keys"]
    AutoModelForSequenceClassification.from_pretrained(base)
    tokenizer = AutoTokenizer.from_pretrained(base)
    assert tokenizer.mask_token == "[MASK]"
    assert tokenizer("the lamp").input_ids[0] == tokenizer.cls_token_id


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(base: Path, tmp_path: Path) -> None:
    run_stage(pretrain_spec(), text_inputs(), tmp_path / "again", Silent())
    run_stage(pretrain_spec(), text_inputs(seed=1), tmp_path / "other", Silent())
    assert file_digest(tmp_path / "again" / "model.safetensors") == file_digest(base / "model.safetensors")
    assert file_digest(tmp_path / "again" / "tokenizer.json") == file_digest(base / "tokenizer.json")
    assert file_digest(tmp_path / "other" / "model.safetensors") != file_digest(base / "model.safetensors")


def test_the_random_state_of_the_process_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    run_stage(pretrain_spec(steps=1), text_inputs(), tmp_path / "a", Silent())
    assert torch.equal(torch.randn(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_log_says_loss_rate_and_speed(base: Path) -> None:
    lines = [json.loads(line) for line in (base / "training.jsonl").read_text().splitlines()]
    assert set(lines[0]) == {"step", "tokens", "loss", "learning_rate", "seconds", "tokens_per_second"}
    assert [line["step"] for line in lines] == list(range(1, 25))
    assert all(0 < line["loss"] < 10 for line in lines)
    assert lines[-1]["tokens"] == 24 * 4 * 16


def test_random_embeddings_and_small_heads_train_too(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 16, "num_hidden_layers": 1}
    for embeddings in ("random", "ppmi_svd"):
        spec = pretrain_spec(steps=2, embeddings=embeddings, architecture=sizes)
        assert run_stage(spec, text_inputs(), tmp_path / embeddings, Silent())["cost"]["steps"] == 2


def test_a_budget_in_tokens_is_kept(tmp_path: Path) -> None:
    made = run_stage(pretrain_spec(budget={"tokens": 200}), text_inputs(), tmp_path / "a", Silent())
    assert made["cost"]["tokens"] == 200 // 16 * 16


@pytest.mark.parametrize("texts", [{}, {"tales": []}, {"tales": ["  ", ""]}])
def test_without_text_there_is_a_clear_error(texts: dict[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pretrain"):
        run_stage(pretrain_spec(), StageInputs(texts=texts), tmp_path / "a", Silent())


def test_divergence_is_refused_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.training.objectives import masked_objective

    monkeypatch.setattr(masked_objective, "masked_loss", lambda model, batch: torch.tensor(np.nan, requires_grad=True))
    with pytest.raises(IncompleteError, match="the loss became nan at step 1") as caught:
        run_stage(pretrain_spec(), text_inputs(), tmp_path / "a", Silent())
    assert "learning_rate" in (caught.value.hint or "")
    assert not (tmp_path / "a" / "checkpoint.json").exists()
