from __future__ import annotations

from pathlib import Path

import pytest
import torch
from harness_support.training_samples import TINY, finetune_spec, label_inputs, pretrain_spec, run_stage, text_inputs

from harness.core.digests import file_digest
from harness.core.errors import SuiteError
from harness.core.reporter import Silent
from harness.training.loop.dropout import set_dropout


def _model(kind: str) -> torch.nn.Module:
    import transformers

    objective = {"mlm": "bert", "gpt": "gpt2", "llama": "llama", "span_corruption": "t5"}[kind]
    config = transformers.AutoConfig.for_model(objective)
    for name, value in {**TINY[kind], "vocab_size": 50}.items():
        if name != "model_type":
            setattr(config, name, value)
    config.num_hidden_layers = 1
    config.decoder_start_token_id = 0
    if kind == "llama":
        config.num_key_value_heads = config.num_attention_heads
        config.head_dim = config.hidden_size // config.num_attention_heads
    torch.manual_seed(0)
    auto = {"mlm": "AutoModelForMaskedLM", "span_corruption": "AutoModelForSeq2SeqLM"}.get(kind, "AutoModelForCausalLM")
    model: torch.nn.Module = getattr(transformers, auto).from_config(config)
    return model.train()


@pytest.mark.parametrize("kind", ["mlm", "gpt", "llama", "span_corruption"])
def test_every_architecture_drops_what_it_is_told_to(kind: str) -> None:
    model = _model(kind)
    ids = torch.arange(1, 13)[None]
    asked = {"input_ids": ids, **({"labels": ids} if kind == "span_corruption" else {})}

    def twice() -> bool:
        torch.manual_seed(1)
        return bool(torch.equal(model(**asked).logits, model(**asked).logits))

    set_dropout(model, 0.0)
    assert twice()
    set_dropout(model, 0.5)
    assert not twice()


def test_a_model_without_dropout_is_told_so() -> None:
    plain = torch.nn.Linear(2, 2)
    plain.config = type("Config", (), {"model_type": "odd"})()  # type: ignore[assignment]
    set_dropout(plain, 0.0)
    with pytest.raises(SuiteError, match="no dropout"):
        set_dropout(plain, 0.1)


def test_stages_train_other_weights_with_dropout_and_say_so(base: Path, tmp_path: Path) -> None:
    weights = {}
    for name, changes in (("own", {}), ("none", {"dropout": 0.0}), ("high", {"dropout": 0.4})):
        made = run_stage(finetune_spec(epochs=1, **changes), label_inputs(base), tmp_path / name, Silent())
        weights[name] = file_digest(tmp_path / name / "model.safetensors")
        assert made["recipe"]["dropout"] == changes.get("dropout")
    assert len(set(weights.values())) == 3
    for name, changes in (("pretrained", {}), ("dropped", {"dropout": 0.3})):
        made = run_stage(pretrain_spec(steps=4, **changes), text_inputs(), tmp_path / name, Silent())
        weights[name] = file_digest(tmp_path / name / "model.safetensors")
        assert made["recipe"]["dropout"] == changes.get("dropout", 0.0)
    assert weights["pretrained"] != weights["dropped"]


def test_a_linear_head_has_none(base: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="a linear head has none"):
        run_stage(finetune_spec(method="linear", dropout=0.1), label_inputs(base), tmp_path / "a", Silent())
