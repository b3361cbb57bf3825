"""A base and its adapters from one load: each answers as if it were alone in memory."""

from __future__ import annotations

import pytest
import torch
from harness_support.model_zoo import TEXTS
from harness_support.plain_reference import close

from harness.core.requests import Classify, Continuations, Generate, Likelihood, PseudoLikelihood, RollingLikelihood
from harness.models.local.base_cache import BasePool

LABELS = ("a", "b", "c")


def adapter_on(folder, path, seed, *, head=False, labels=3, targets=("query", "value")):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    torch.manual_seed(seed)
    if head:
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels)
        options = {"task_type": "SEQ_CLS", "modules_to_save": ["classifier", "pooler"]}
    else:
        model, options = AutoModelForCausalLM.from_pretrained(folder), {"task_type": "CAUSAL_LM"}
    model = get_peft_model(model, LoraConfig(r=2 + seed, target_modules=list(targets), **options))
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.4)
    model.save_pretrained(path)
    return path


def values(answer):
    return [answer.total] if isinstance(answer, Likelihood) else list(getattr(answer, "values", ()))


def same(found, expected):
    assert found.keys() == expected.keys()
    for request, answer in found.items():
        assert type(answer) is type(expected[request])
        if isinstance(request, Generate):
            assert answer.text == expected[request].text
        else:
            assert all(map(close, values(answer), values(expected[request]))), request


CAUSAL = [
    *map(RollingLikelihood, TEXTS[:2]),
    Continuations("The film", (" good", " very bad")),
    Generate("The", max_tokens=5),
]
MASKED = [*(PseudoLikelihood(text) for text in TEXTS[:2]), *(Classify(text, LABELS[:2]) for text in TEXTS)]


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_each_answers_as_from_a_load_of_its_own(kind, tmp_path, zoo, opened):
    base = zoo(kind)
    if kind == "bert":
        folders = [
            adapter_on(base, tmp_path / "1", 1, head=True),
            adapter_on(base, tmp_path / "2", 2, head=True, labels=2),
        ]
        requests = MASKED
    else:
        folders = [adapter_on(base, tmp_path / "1", 1, targets=("q_proj", "v_proj"))]
        folders.append(adapter_on(base, tmp_path / "2", 2, targets=("k_proj", "up_proj")))
        requests = CAUSAL
    resolve = {"resolve": lambda key: base}
    names = {"labels": LABELS}
    everything = [
        (base, {}),
        *((folder, names if i == 0 else {"labels": LABELS[:2]}) for i, folder in enumerate(folders)),
    ]
    expected = [dict(opened(folder, **resolve, **more).answer(requests)) for folder, more in everything]
    pool = BasePool()
    models = [opened(folder, pool=pool, **resolve, **more) for folder, more in everything]
    assert pool.loads == 1
    assert len({id(model.backend.network.base) for model in models}) == 1
    for turn in (0, 1, 2, 0, 2, 1):
        same(dict(models[turn].answer(requests)), expected[turn])
    streams = [model.answer(requests) for model in models]
    mixed = [{} for _ in models]
    for _ in requests:
        for answers, stream in zip(mixed, streams, strict=True):
            request, answer = next(stream)
            answers[request] = answer
    for found, wanted in zip(mixed, expected, strict=True):
        same(found, wanted)
    facts = [model.facts for model in models]
    alone = [opened(folder, **resolve, **more).facts for folder, more in everything]
    assert [fact.parameters for fact in facts] == [fact.parameters for fact in alone]
    assert [fact.labels for fact in facts] == [fact.labels for fact in alone]
    assert len({fact.digest for fact in facts}) == 3


@pytest.mark.parametrize("labels", [2, 3])
def test_an_adapter_is_on_as_soon_as_it_is_opened(labels, tmp_path, zoo, opened):
    """Opened and asked one after the other, as a run does it; the second one brings the same modules as the first."""
    base, names = zoo("bert"), {"labels": LABELS[:labels]}
    pool, requests = BasePool(), [Classify(text, LABELS[:labels]) for text in TEXTS]
    for seed in (1, 2, 3):
        folder = adapter_on(base, tmp_path / str(seed), seed, head=True, labels=labels)
        given = {"resolve": lambda key: base, **names}
        expected = dict(opened(folder, **given).answer(requests))
        same(dict(opened(folder, pool=pool, **given).answer(requests)), expected)
    assert pool.loads == 1


def test_another_base_takes_the_place(zoo, opened):
    pool = BasePool()
    opened(zoo("bert"), pool=pool)
    opened(zoo("gpt2"), pool=pool)
    model = opened(zoo("bert"), pool=pool)
    assert pool.loads == 3
    ((_, answer),) = model.answer([PseudoLikelihood("one")])
    assert isinstance(answer, Likelihood)
