"""Every kind says of itself what the rest of harness asks."""

from __future__ import annotations

import pytest

from harness.core import registry
from harness.core.model_kind import TrainingNeed, formats, kind_named, kinds, model_spec

LORA = {"lora": {"rank": 2}}
CARE = {"augment": "gender", "reweigh": "gender"}


@pytest.mark.parametrize(
    ("kind", "options", "parent", "label"),
    [
        (
            "finetune",
            {"from": "base", "task": "t", "max_train_rows": 1000},
            "base",
            "full fine-tuning of base on 1000 rows",
        ),
        (
            "finetune",
            {"from": "base", "task": "t", "weights": "random"},
            "base",
            "full fine-tuning from random weights (no pretraining)",
        ),
        ("finetune", {"from": "base", "task": "t", "method": LORA}, "base", "LoRA fine-tuning of base"),
        (
            "finetune",
            {"from": "base", "task": "t", "mitigate": CARE, "dropout": 0.2},
            "base",
            "full fine-tuning of base, with counterfactual augmentation, with reweighed rows, with dropout 0.2",
        ),
        (
            "align",
            {"from": "base", "task": "t", "method": {"qlora": {}}, "max_train_rows": 5},
            "base",
            "base aligned by direct preference optimization (QLoRA) on 5 pairs",
        ),
        ("classical", {"task": "t"}, None, "TF-IDF and logistic regression"),
        ("pretrain", {"data": ["prose"], "budget": {"tokens": "2M"}}, None, "pretrained with mlm on prose"),
        (
            "pretrain",
            {"from": "base", "data": ["prose"], "budget": {"steps": 1}, "objective": "causal"},
            "base",
            "base pretrained further with causal on prose",
        ),
        ("heuristic", {"task": "t", "rule": "majority"}, None, "heuristic without training: majority"),
        ("prompt", {"from": "base", "task": "t", "num_fewshot": 2}, "base", "base behind 2 worked examples of t"),
        ("project", {"from": "tuned", "data": ["prose"]}, "tuned", "tuned with gender projected out (INLP)"),
        ("self_debias", {"from": "base"}, "base", "base, self-debiased at decoding"),
        ("load", {"load": "some/folder"}, None, "loaded from some/folder"),
        ("load", {"load": "some/folder", "quantize": "4bit"}, None, "loaded from some/folder, in 4 bits"),
        ("server", {"url": "http://localhost/v1", "model": "m"}, None, "m, asked over a network"),
    ],
)
def test_what_a_model_is_called_and_where_it_comes_from(
    kind: str, options: dict[str, object], parent: str | None, label: str
) -> None:
    spec = model_spec(kind, options)
    assert (spec.made_by, spec.parent, spec.label) == (kind, parent, label)


def test_a_kind_is_registered_by_its_own_name_and_complete() -> None:
    assert [kind.name for kind in kinds()] == registry.names("models")
    for kind in kinds():
        assert kind.goal
        assert kind.summary
        assert kind.Options.__doc__
        for path in [kind.train] if kind.train else []:
            assert callable(registry.imported(path))


def test_every_declared_format_can_be_opened_and_checked() -> None:
    assert {"transformers", "adapter", "linear", "classical", "baseline", "quantized"} <= set(formats())
    assert "server" not in formats()
    for declared in formats().values():
        assert callable(registry.imported(declared.opener))
        assert registry.imported(declared.page)
        assert set(declared.weights) <= set(declared.files)
        assert declared.reader is None or callable(registry.imported(declared.reader))


@pytest.mark.parametrize(
    ("kind", "options", "need"),
    [
        ("pretrain", {"data": ["prose"], "budget": {"steps": 1}}, TrainingNeed.TEXTS),
        ("project", {"from": "a", "data": ["prose"]}, TrainingNeed.TEXTS),
        ("finetune", {"from": "a", "task": "t"}, TrainingNeed.EXAMPLES),
        ("prompt", {"from": "a", "task": "t"}, TrainingNeed.DEMONSTRATIONS),
        ("self_debias", {"from": "a"}, TrainingNeed.NOTHING),
        ("load", {"load": "folder"}, TrainingNeed.NOTHING),
    ],
)
def test_what_a_kind_learns_from(kind: str, options: dict[str, object], need: TrainingNeed) -> None:
    assert model_spec(kind, options).need is need


def test_a_parent_refuses_what_cannot_start_from_it() -> None:
    held = model_spec("load", {"load": "folder", "quantize": "8bit"})
    assert held.kind.refuses_child(held.options, kind_named("finetune")) == "a model quantized to 8 bits"
    assert held.kind.refuses_child(held.options, kind_named("prompt")) is None
    linear = model_spec("finetune", {"from": "a", "task": "t", "method": "linear"})
    assert linear.kind.refuses_child(linear.options, kind_named("finetune")) is not None


def test_the_goal_of_pretraining_is_that_of_its_objective() -> None:
    options = {"data": ["prose"], "budget": {"steps": 1}}
    assert model_spec("pretrain", options).goal == "predict masked words"
    assert model_spec("pretrain", {**options, "objective": "causal"}).goal == "predict the next word"
