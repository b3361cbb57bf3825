"""Fine-tuning by every type of example: what is learned, written, and answered by the harness' own models."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_support.training_samples import (
    BAD,
    GOOD,
    LABELS,
    VERDICTS,
    chats,
    examples,
    finetune_spec,
    label_inputs,
    passage_inputs,
    pretraining,
    prompts,
    run_stage,
    spans,
    tagged,
)

from harness.core.errors import DataError, SuiteError
from harness.core.examples import AnswerSpan, LabeledText, PlainText, PreferencePair, PromptTarget, TaggedWords
from harness.core.reporter import Silent
from harness.core.requests import Classify, Continuations, ExtractSpan, Generate, Tag
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model

TAGS = ("O", "B-mood", "B-thing")
_EAGER = {
    "epochs": 10,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "embedding_lr_multiplier": 1.0,
    "head_lr_multiplier": 1.0,
}


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny bases that write."""
    folders = {kind: tmp_path_factory.mktemp("writers") / kind for kind in ("gpt", "llama", "span_corruption")}
    for kind, folder in folders.items():
        run_stage(pretraining(kind, steps=150, batch_size=8, learning_rate=1e-2), passage_inputs(), folder, Silent())
    return folders


def _tuned(parent: Path, work: Path, train: Any, validation: Any = (), labels: Any = (), **changes: Any) -> Any:
    digest = checkpoint_digest(parent) if (parent / "config.json").exists() else None
    inputs = label_inputs(parent, parent_digest=digest, train=train, validation=validation, labels=labels)
    return run_stage(finetune_spec(**{**_EAGER, **changes}), inputs, work, Silent())


def _opened(folder: Path, base: Path) -> Any:
    return open_model(folder, OpenContext(resolve=lambda key: base, responses=None))


def _answers(folder: Path, base: Path, requests: Any) -> list[Any]:
    asked = list(requests)
    found = dict(_opened(folder, base).answer(asked))
    return [found[request] for request in asked]


@pytest.mark.parametrize("method", ["full", "frozen", {"lora": {"rank": 4}}])
def test_tags_are_learned_and_answered(method: Any, base: Path, tmp_path: Path) -> None:
    made = _tuned(base, tmp_path, tagged(), tagged(24, 9), TAGS, method=method)
    assert made["validation"]["n"] == sum(len(example.words) for example in tagged(24, 9))
    assert made["validation"]["accuracy"] > (0.5 if method == "frozen" else 0.9)
    requests = [Tag(example.words, TAGS) for example in tagged(24, 9)]
    found = [tags.labels for tags in _answers(tmp_path, base, requests)]
    pairs = [
        (one, other)
        for labels, example in zip(found, tagged(24, 9), strict=True)
        for one, other in zip(labels, example.tags, strict=True)
    ]
    share = sum(one == other for one, other in pairs) / len(pairs)
    assert share == pytest.approx(made["validation"]["accuracy"]), "training and asking read words alike"


def test_frozen_leaves_all_but_the_head(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    made = _tuned(base, tmp_path, tagged(), labels=TAGS, method="frozen", epochs=1)
    before, after = load_file(base / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    for name, tensor in before.items():
        assert after[name].equal(tensor)
    assert made["cost"]["trainable"] == sum(after[name].numel() for name in set(after) - set(before))


def test_spans_are_learned_and_answered(base: Path, tmp_path: Path) -> None:
    settings = {"epochs": 25, "max_length": 64, "learning_rate": 2e-3}
    made = _tuned(base, tmp_path, spans(), spans(24, 9), **settings)
    assert made["validation"]["accuracy"] > 0.6
    asked = [example for example in spans(24, 9) if example.answers]
    found = _answers(tmp_path, base, [ExtractSpan(example.question, example.context, 4) for example in asked])
    right = [answer.text == example.answers[0][1] for answer, example in zip(found, asked, strict=True)]
    assert sum(right) / len(right) > 0.5
    assert {answer.text for answer in found} <= {"", *GOOD, *BAD} or sum(right) / len(right) > 0.6


def test_long_contexts_are_learned_in_windows(base: Path, tmp_path: Path) -> None:
    long = [AnswerSpan("how?", f"{example.context} " * 12 + "the end was good", ()) for example in spans(6)]
    context = long[0].context
    long[0] = AnswerSpan("how?", context, ((context.rindex("good"), "good"),))
    made = _tuned(base, tmp_path, long, epochs=1, max_length=32)
    assert made["cost"]["tokens"] > 6 * 32


@pytest.mark.parametrize("kind", ["gpt", "llama", "span_corruption"])
def test_targets_after_prompts_are_learned(kind: str, writers: dict[str, Path], tmp_path: Path) -> None:
    epochs = 24 if kind == "span_corruption" else 12
    made = _tuned(writers[kind], tmp_path, prompts(), prompts(24, 9), epochs=epochs)
    assert made["validation"]["loss"] < 0.8 * math.log(360)
    options = tuple(f" {word}" for word in VERDICTS)
    requests = [Continuations(example.prompt, options) for example in prompts(24, 9)]
    for scores in _answers(tmp_path, writers[kind], requests):
        assert all(math.isfinite(value) and value < 0 for value in scores.values)
        assert max(scores.values) > math.log(0.2), "the two answers have most of the probability"
    written = _answers(tmp_path, writers[kind], [Generate(example.prompt, max_tokens=12) for example in prompts(4, 9)])
    assert all(answer.finish == "end" and answer.text.strip() in VERDICTS for answer in written)


def test_the_validation_loss_is_what_the_model_answers(writers: dict[str, Path], tmp_path: Path) -> None:
    made = _tuned(writers["llama"], tmp_path, prompts(), prompts(24, 9), epochs=2)
    requests = [Continuations(example.prompt, (example.target,)) for example in prompts(24, 9)]
    total = sum(scores.values[0] for scores in _answers(tmp_path, writers["llama"], requests))
    # The end of the target is learned too, but no option holds it: the answer's total is the smaller one.
    assert -total < made["validation"]["loss"] * made["validation"]["n"]


def test_conversations_give_a_base_a_chat_template(writers: dict[str, Path], tmp_path: Path) -> None:
    _tuned(writers["gpt"], tmp_path, chats(), chats(24, 9), epochs=12)
    model = _opened(tmp_path, writers["gpt"])
    assert model.facts.chat
    requests = [Generate(messages=example.messages, max_tokens=12) for example in chats(4, 9)]
    found = dict(model.answer(requests))
    assert all(found[request].text.strip() in VERDICTS for request in requests)
    assert not _opened(writers["gpt"], writers["gpt"]).facts.chat
    with pytest.raises(SuiteError, match="only causal models can learn conversations"):
        _tuned(writers["span_corruption"], tmp_path / "other", chats())


@pytest.mark.parametrize("kind", ["gpt", "span_corruption"])
def test_adapters_of_writers_are_adapters(kind: str, writers: dict[str, Path], tmp_path: Path) -> None:
    settings = {"method": {"lora": {"rank": 8}}, "learning_rate": 1e-2, "epochs": 12}
    made = _tuned(writers[kind], tmp_path, prompts(), prompts(24, 9), **settings)
    assert made["validation"]["loss"] < 1.5
    assert made["kind"] == "adapter"
    assert not (tmp_path / "model.safetensors").exists()
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == "a" * 64
    written = _answers(tmp_path, writers[kind], [Generate(example.prompt, max_tokens=12) for example in prompts(4, 9)])
    assert all(answer.tokens > 0 for answer in written)


@pytest.mark.parametrize("kind", ["gpt", "span_corruption", "masked"])
def test_whole_texts_go_on_with_the_parents_objective(
    kind: str, writers: dict[str, Path], base: Path, tmp_path: Path
) -> None:
    texts = [PlainText(text) for text, _ in examples()]
    parent = base if kind == "masked" else writers[kind]
    made = _tuned(parent, tmp_path, texts, texts[:24], epochs=4, max_length=16)
    assert made["validation"]["loss"] < 4
    assert made["cost"]["steps"] % 4 == 0


def test_whole_texts_by_an_adapter(writers: dict[str, Path], base: Path, tmp_path: Path) -> None:
    texts = [PlainText(text) for text, _ in examples()]
    for name, parent in (("masked", base), ("causal", writers["llama"])):
        method = {"lora": {"rank": 2}}
        assert _tuned(parent, tmp_path / name, texts, epochs=1, max_length=16, method=method)["kind"] == "adapter"


def test_independent_labels_are_learned(base: Path, tmp_path: Path) -> None:
    def multi(count: int, seed: int) -> list[LabeledText]:
        made = []
        for text, label in examples(count, seed):
            places = (*((0,) if label else ()), *((1,) if "lamp" in text else ()))
            made.append(LabeledText(text, places, independent=True))
        return made

    made = _tuned(base, tmp_path, multi(96, 0), multi(24, 9), ("good", "lamp"), epochs=16)
    assert made["validation"]["loss"] < 0.6
    assert json.loads((tmp_path / "config.json").read_text())["problem_type"] == "multi_label_classification"
    requests = [Classify(example.text, ("good", "lamp"), independent=True) for example in multi(24, 9)]
    right = [
        (value > math.log(0.5)) == (place in example.places)
        for scores, example in zip(_answers(tmp_path, base, requests), multi(24, 9), strict=True)
        for place, value in enumerate(scores.values)
    ]
    assert sum(right) / len(right) > 0.7


def test_pairs_are_learned_and_answered(base: Path, tmp_path: Path) -> None:
    texts = [text for text, _ in examples(200)]

    def pairs(first: int, count: int) -> list[LabeledText]:
        return [
            LabeledText(f"the {GOOD[n % 4] if n % 2 else BAD[n % 4]}", (n % 2,), pair=texts[n])
            for n in range(first, first + count)
        ]

    made = _tuned(base, tmp_path, pairs(0, 150), pairs(150, 40), ("no", "yes"), epochs=6)
    requests = [Classify(example.text, ("no", "yes"), pair=example.pair) for example in pairs(150, 40)]
    found = _answers(tmp_path, base, requests)
    right = [
        scores.values.index(max(scores.values)) == example.places[0]
        for scores, example in zip(found, pairs(150, 40), strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(made["validation"]["accuracy"])


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_a_causal_model_learns_labels(kind: str, writers: dict[str, Path], tmp_path: Path) -> None:
    train, held = ([LabeledText(text, (label,)) for text, label in examples(*part)] for part in ((96, 0), (24, 9)))
    made = _tuned(writers[kind], tmp_path, train, held, LABELS)
    assert made["validation"]["accuracy"] > 0.8
    found = _answers(tmp_path, writers[kind], [Classify(example.text, LABELS) for example in held])
    right = [
        scores.values.index(max(scores.values)) == example.places[0]
        for scores, example in zip(found, held, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(made["validation"]["accuracy"])


@pytest.mark.parametrize(
    ("train", "changes", "error", "said"),
    [
        (prompts(4), {}, SuiteError, "prompt_target.* need a generative model .*; the parent model is masked"),
        ([PreferencePair("a", "b", prompt="c")], {}, SuiteError, "need a generative model"),
        ([PlainText("a"), LabeledText("b", (0,))], {}, DataError, "several types"),
        ([PromptTarget("", prompt="a")], {}, DataError, "text of example 1 is empty"),
        ([TaggedWords(("a", "b"), ("O",))], {"labels": TAGS}, DataError, "2 words and 1 tags"),
        ([TaggedWords(("a",), ("X",))], {"labels": TAGS}, DataError, "unknown tag 'X'"),
        ([AnswerSpan("a", "b c", ((1, "c"),))], {}, DataError, "is not at character 1"),
        (tagged(4), {"labels": TAGS, "method": "linear"}, DataError, "single texts with one label each"),
        ([PlainText("a b c")], {"method": "frozen"}, SuiteError, "trains only a new head"),
        (tagged(4), {"labels": TAGS, "method": "frozen", "weights": "random"}, SuiteError, "frozen on random weights"),
    ],
)
def test_what_does_not_fit_is_refused(
    train: Any, changes: dict[str, Any], error: type, said: str, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        _tuned(base, tmp_path, train, **changes)


def test_an_adapter_is_no_start(base: Path, tmp_path: Path) -> None:
    from harness.core.errors import CheckpointError

    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="starts from a whole model"):
        _tuned(tmp_path, tmp_path / "work", tagged(4), labels=TAGS)


def test_the_head_at_wanted_places_gives_the_plain_logits(writers: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM

    from harness.training.learners.prompted_generation_learner import target_loss

    ids = torch.randint(3, 300, (3, 10), generator=torch.Generator().manual_seed(1))
    labels = ids.clone()
    labels[:, :4] = -100
    batch = {"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)}
    for kind in ("gpt", "llama"):
        model = AutoModelForCausalLM.from_pretrained(writers[kind]).eval()
        with torch.inference_mode():
            total, count = target_loss(model, batch)
            assert count == 18
            assert float(total) / count == pytest.approx(float(model(**batch).loss), rel=1e-5)
