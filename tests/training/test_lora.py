import json
from pathlib import Path

import pytest
from harness_support.training_samples import LABELS, finetune_spec, label_inputs, run_stage
from safetensors import safe_open

from harness.core.digests import file_digest
from harness.core.errors import SuiteError
from harness.core.reporter import Silent

_LORA = {"lora": {"rank": 2}}


@pytest.fixture(scope="module")
def adapted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("adapted") / "checkpoint"
    spec = finetune_spec(method=_LORA, epochs=12, batch_size=4, learning_rate=5e-3, head_lr_multiplier=1.0)
    return folder, run_stage(spec, label_inputs(base), folder, Silent())


def test_only_adapter_and_head_are_written(adapted: tuple[Path, dict]) -> None:
    folder, made = adapted
    with safe_open(folder / "adapter_model.safetensors", "pt") as opened:
        names = list(opened.keys())
    assert all("lora_" in name or "pooler" in name or "classifier" in name for name in names)
    assert not (folder / "model.safetensors").exists()
    assert made["kind"] == "adapter"
    assert made["cost"]["trainable"] < made["cost"]["parameters"] / 2
    assert made["validation"]["accuracy"] > 0.8


def test_the_base_is_named_by_key_and_no_path_is_kept(adapted: tuple[Path, dict], base: Path) -> None:
    folder, _ = adapted
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "a" * 64
    assert config["target_modules"] == ["dense", "key", "query", "value"]
    for path in folder.glob("*.json"):
        assert str(base.parent) not in path.read_text()


def test_peft_loads_the_adapter_onto_the_base(adapted: tuple[Path, dict], base: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    folder, _ = adapted
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(LABELS))
    loaded = PeftModel.from_pretrained(model, folder)
    with safe_open(folder / "adapter_model.safetensors", "pt") as opened:
        saved = opened.get_tensor("base_model.model.classifier.weight")
    assert loaded.base_model.model.classifier.modules_to_save["default"].weight.detach().equal(saved)


def test_the_same_seed_gives_the_same_files(base: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_stage(finetune_spec(method=_LORA, epochs=1), label_inputs(base), tmp_path / name, Silent())
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert file_digest(tmp_path / "one" / file) == file_digest(tmp_path / "two" / file)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": "random"}, "random weights learns nothing"),
        ({"mlm_loss_weight": 0.1}, "applies only to full fine-tuning"),
        ({"method": {"lora": {"rank": 2, "targets": ["nothing_of_it"]}}}, "cannot apply LoRA"),
    ],
)
def test_contradictions_are_refused(changes: dict, said: str, base: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=said):
        run_stage(finetune_spec(**{"method": _LORA, **changes}), label_inputs(base), tmp_path / "a", Silent())
