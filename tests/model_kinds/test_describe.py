from __future__ import annotations

from harness.model_kinds.classical_kind import ClassicalModel
from harness.model_kinds.describe import label_of, made_by, parent_of
from harness.model_kinds.finetune_kind import FinetuneModel
from harness.model_kinds.load_kind import LoadModel
from harness.model_kinds.pretrain_kind import PretrainModel
from harness.model_kinds.projection_kind import ProjectModel
from harness.model_kinds.self_debias_kind import SelfDebiasModel


def test_what_a_model_is_called_and_where_it_comes_from() -> None:
    tuned = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "reviews", "max_train_rows": 1000}})
    scratch = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "reviews", "weights": "random"}})
    lora = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "t", "method": {"lora": {"rank": 2}}}})
    classical = ClassicalModel.model_validate({"classical": {"task": "reviews"}})
    base = PretrainModel.model_validate({"pretrain": {"data": ["prose"], "budget": {"tokens": "2M"}}})
    loaded = LoadModel(load="some/folder")
    assert [made_by(spec) for spec in (tuned, classical, base, loaded)] == [
        "finetune",
        "classical",
        "pretrain",
        "load",
    ]
    assert parent_of(tuned) == "base"
    assert parent_of(base) is None
    assert label_of(tuned) == "full fine-tuning of base on 1000 labels"
    assert "random weights (no pretraining)" in label_of(scratch)
    assert label_of(lora).startswith("LoRA")
    assert "TF-IDF" in label_of(classical)
    assert "mlm on prose" in label_of(base)
    assert label_of(loaded) == "loaded from some/folder"


def test_mitigations_are_named() -> None:
    care = {"augment": "gender", "reweigh": "gender"}
    tuned = FinetuneModel.model_validate({"finetune": {"from": "base", "task": "t", "mitigate": care, "dropout": 0.2}})
    projected = ProjectModel.model_validate({"project": {"from": "tuned", "data": ["prose"]}})
    damped = SelfDebiasModel.model_validate({"self_debias": {"from": "base"}})
    assert label_of(tuned).endswith("with counterfactual augmentation, with reweighed rows, with dropout 0.2")
    assert label_of(projected) == "tuned with gender projected out (INLP)"
    assert label_of(damped) == "base, self-debiased at decoding"
    assert [made_by(one) for one in (projected, damped)] == ["project", "selfdebias"]
    assert [parent_of(one) for one in (projected, damped)] == ["tuned", "base"]
