"""Tiny texts and stages for the tests of training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.core.examples import AnswerSpan, LabeledText, PlainText, PreferencePair, PromptTarget, TaggedWords
from harness.core.model_kind import ModelSpec, StageCost, kinds
from harness.core.reporter import Reporter
from harness.model_kinds.align_kind import AlignSpec
from harness.model_kinds.finetune_kind import FinetuneSpec
from harness.model_kinds.pretrain_kind import PretrainSpec
from harness.training import run_stage as stages
from harness.training.stage_inputs import StageInputs

THINGS = ("kettle", "lamp", "garden", "soup", "train", "window")
GOOD = ("good", "lovely", "great", "fine")
BAD = ("bad", "dull", "poor", "awful")
LABELS = ("negative", "positive")
VERDICTS = ("bad", "good")


def examples(count: int = 96, seed: int = 0) -> list[tuple[str, int]]:
    """Sentences of different lengths whose adjective decides the label."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        label = number % 2
        words = chance.choice(GOOD if label else BAD)
        tail = " and the ".join(chance.choice(THINGS) for _ in range(chance.randint(1, 3)))
        made.append((f"the {chance.choice(THINGS)} was {words} with the {tail}.", label))
    return made


def labeled(pairs: Sequence[tuple[str, int]]) -> list[LabeledText]:
    """The same as examples of a task."""
    return [LabeledText(text, (label,)) for text, label in pairs]


def tagged(count: int = 96, seed: int = 0) -> list[TaggedWords]:
    """Sentences whose adjectives and things are tagged."""
    made = []
    for text, _ in examples(count, seed):
        words = tuple(text.rstrip(".").split())
        tags = ("B-mood" if word in GOOD + BAD else "B-thing" if word in THINGS else "O" for word in words)
        made.append(TaggedWords(words, tuple(tags)))
    return made


def spans(count: int = 96, seed: int = 0) -> list[AnswerSpan]:
    """Questions for the adjective; every sixth has no answer."""
    made = []
    for number, (text, _) in enumerate(examples(count, seed)):
        word = next(word for word in text.split() if word in GOOD + BAD)
        if number % 6 == 5:
            made.append(AnswerSpan("where was the train?", text))
        else:
            made.append(AnswerSpan("how was it?", text, ((text.index(word), word),)))
    return made


def prompts(count: int = 96, seed: int = 0) -> list[PromptTarget]:
    """A sentence, and whether it praises."""
    return [PromptTarget(f" {VERDICTS[label]}", prompt=f"{text} It was") for text, label in examples(count, seed)]


def chats(count: int = 96, seed: int = 0) -> list[PromptTarget]:
    """The same as a conversation."""
    return [PromptTarget(VERDICTS[label], messages=(("user", text),)) for text, label in examples(count, seed)]


def preferences(count: int = 48, seed: int = 0) -> list[PreferencePair]:
    """The kind answer is preferred, whatever the sentence."""
    return [
        PreferencePair(" a good lamp.", " a bad lamp.", prompt=f"{text} It was") for text, _ in examples(count, seed)
    ]


def pretrain_spec(steps: int = 24, **changes: Any) -> PretrainSpec:
    settings: dict[str, Any] = {
        "data": ["tales"],
        "architecture": {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 64},
        "tokenizer": {"vocabulary": 150},
        "budget": {"steps": steps},
        "sequence_length": 16,
        "batch_size": 4,
    }
    return PretrainSpec.model_validate({**settings, **changes})


TINY = {
    "mlm": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32},
    "mlm_nsp": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32},
    "gpt": {"model_type": "gpt2", "hidden_size": 32, "num_attention_heads": 2},
    "llama": {"model_type": "llama", "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    "span_corruption": {"d_model": 32, "num_heads": 2, "d_kv": 16, "d_ff": 32},
}
"""Small architectures: an objective's, and the two causal families."""


def pretraining(kind: str = "gpt", steps: int = 12, **changes: Any) -> PretrainSpec:
    """A tiny pretraining by a key of `TINY`."""
    objective = "causal" if kind in {"gpt", "llama"} else kind
    vocabulary = 150 if objective.startswith("mlm") else 360
    settings = {"objective": objective, "architecture": TINY[kind], "tokenizer": {"vocabulary": vocabulary}}
    return pretrain_spec(steps, **{**settings, "sequence_length": 24, **changes})


def passages(count: int = 60) -> list[str]:
    """Texts of several sentences each."""
    sentences = [text for text, _ in examples(4 * count)]
    return [" ".join(sentences[4 * number : 4 * number + 4]) for number in range(count)]


def passage_inputs(seed: int = 0, **changes: Any) -> StageInputs:
    return StageInputs(**{"texts": {"tales": passages()}, "seed": seed, "data": {"tales": "e" * 64}, **changes})


def finetune_spec(**changes: Any) -> FinetuneSpec:
    return FinetuneSpec.model_validate(
        {"from": "base", "task": "mood", "epochs": 3, "batch_size": 8, "learning_rate": 3e-3, **changes}
    )


def text_inputs(seed: int = 0) -> StageInputs:
    return StageInputs(texts={"tales": [text for text, _ in examples()]}, seed=seed, data={"tales": "f" * 64})


def label_inputs(parent: Path | None, seed: int = 0, **changes: Any) -> StageInputs:
    settings: dict[str, Any] = {
        "train": labeled(examples()),
        "validation": labeled(examples(24, seed=9)),
        "labels": LABELS,
        "parent": parent,
        "parent_key": "a" * 64,
        "parent_digest": "b" * 64,
        "seed": seed,
        "data": {"mood": "c" * 64},
    }
    return StageInputs(**{**settings, **changes})


def stage(kind: str, parent: Path) -> tuple[Any, StageInputs]:
    """A stage of each kind, and what it is given."""
    if kind == "mlm":
        return pretrain_spec(), text_inputs()
    if kind in TINY:
        return pretraining(kind, steps=24), passage_inputs()
    if kind == "align":
        spec = AlignSpec.model_validate({"from": "base", "task": "kind", "epochs": 3, "batch_size": 6})
        return spec, label_inputs(parent, train=preferences(), validation=preferences(12, 9), labels=())
    given = {
        "tags": (tagged(), tagged(12, 9), ("O", "B-mood", "B-thing")),
        "spans": (spans(), spans(12, 9), ()),
        "prompts": (prompts(), prompts(12, 9), ()),
        "texts": ([PlainText(text) for text in passages()], [], ()),
        "full": (labeled(examples()), labeled(examples(24, seed=9)), LABELS),
        "lora": (labeled(examples()), labeled(examples(24, seed=9)), LABELS),
    }
    train, validation, labels = given[kind]
    method = {"lora": {"rank": 2}} if kind == "lora" else "full"
    inputs = label_inputs(parent, train=train, validation=validation, labels=labels)
    return finetune_spec(method=method, max_length=32), inputs


def model_of(options: BaseModel) -> ModelSpec:
    """The model that options of a kind describe."""
    return next(ModelSpec(kind, options) for kind in kinds() if isinstance(options, kind.Options))


def run_stage(
    options: BaseModel, inputs: StageInputs, work: Path, reporter: Reporter, *, save_every: int | None = None
) -> dict[str, Any]:
    """Carries out the stage that options describe."""
    return stages.run_stage(model_of(options), inputs, work, reporter, save_every=save_every)


def resolved(options: BaseModel, examples: int, type_: str = "labeled_text") -> dict[str, Any]:
    """What the options leave open, resolved."""
    return stages.resolved(model_of(options), examples, type_)


def estimate_cost(options: BaseModel, rows: int) -> StageCost:
    """What the stage takes."""
    model = model_of(options)
    return model.kind.estimate(options, rows, None)
