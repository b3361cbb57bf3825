"""Operations of evaluations as they are counted, against torch's own counter; the peak of memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from harness_support import model_zoo
from harness_support.model_zoo import TEXTS
from torch.utils.flop_counter import FlopCounterMode

from harness.core.requests import (
    Classify,
    Continuations,
    Embed,
    ExtractSpan,
    Generate,
    PseudoLikelihood,
    RollingLikelihood,
    Tag,
    TopCompletions,
)
from harness.models.peak_memory import Memory

LABELS = ("a", "b", "c")
ASKED = {
    "bert": [PseudoLikelihood(text[:30]) for text in TEXTS] + [TopCompletions("a {mask}", 2)],
    "roberta": [PseudoLikelihood(text[:30], "pll") for text in TEXTS],
    "distilbert": [PseudoLikelihood(text[:30], "pll") for text in TEXTS],
    "gpt2": [RollingLikelihood(text) for text in TEXTS] + [Continuations("The film", (" was good", " was"))],
    "llama": [RollingLikelihood(text) for text in TEXTS] + [Generate("The film", max_tokens=4)],
    "neox": [RollingLikelihood(text) for text in TEXTS],
    "qwen": [Continuations(TEXTS[0], (" was good", " was bad and long"))],
    "t5": [Continuations(text, ("a film", "one")) for text in TEXTS],
    "bart": [Continuations(text, ("a film", "one")) for text in TEXTS] + [Embed("a")],
}


def plain_attention(model) -> None:
    network = model.backend.network
    for module in (network.base, network.language_model, *network.heads.values()):
        if module is not None:
            module.set_attn_implementation("eager")


@pytest.mark.parametrize("kind", ASKED)
def test_operations_are_those_that_torch_counts(kind, zoo, opened):
    model = opened(zoo(kind))
    plain_attention(model)
    before = model.work
    with FlopCounterMode(display=False) as counter:
        answers = dict(model.answer(ASKED[kind]))
    work = model.work.since(before)
    assert len(answers) == len(ASKED[kind])
    assert work.flops == pytest.approx(counter.get_total_flops(), rel=0.02)
    assert work.tokens > len(answers)
    assert work.from_cache == 0


@pytest.mark.parametrize("head", ["sequence", "token", "span"])
@pytest.mark.parametrize("kind", ["bert", "t5"])
def test_operations_of_heads(kind, head, tmp_path, opened):
    asked = {
        "sequence": [Classify(text, LABELS) for text in TEXTS],
        "token": [Tag(tuple(text.split()), LABELS) for text in TEXTS],
        "span": [ExtractSpan("who", text[:40]) for text in TEXTS],
    }[head]
    model = opened(model_zoo.with_head(kind, head, tmp_path, () if head == "span" else LABELS))
    plain_attention(model)
    before = model.work
    with FlopCounterMode(display=False) as counter:
        list(model.answer(asked))
    assert model.work.since(before).flops == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_operations_of_an_adapter_and_of_its_base_are_told_apart(tmp_path, zoo, opened):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from harness.models.local.base_cache import BasePool

    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(zoo("llama")),
        LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj"]),
    )
    adapted.save_pretrained(tmp_path / "adapter")
    pool = BasePool()
    base = opened(zoo("llama"), pool=pool)
    adapter = opened(tmp_path / "adapter", resolve=lambda key: zoo("llama"), pool=pool)
    found = []
    for model in (base, adapter):
        before = model.work
        list(model.answer([RollingLikelihood(TEXTS[0])]))
        found.append(model.work.since(before))
    assert found[0].tokens == found[1].tokens
    layers, rank, width = 2, 4, 32
    assert found[1].flops - found[0].flops == 2 * found[0].tokens * layers * rank * (width + width)


def test_known_answers_cost_nothing(tmp_path, zoo, opened):
    request = RollingLikelihood(TEXTS[0])
    list(opened(zoo("gpt2"), responses=tmp_path / "r.sqlite").answer([request]))
    again = opened(zoo("gpt2"), responses=tmp_path / "r.sqlite")
    before = again.work
    list(again.answer([request]))
    work = again.work.since(before)
    assert (work.tokens, work.flops, work.from_cache) == (0, 0.0, 1)


def test_the_peak_of_memory_begins_anew():
    memory = Memory("cpu")
    memory.start()
    first = memory.peak()
    if first is None:
        pytest.skip("this system keeps no peak that can be reset")
    block = torch.ones(50_000_000)
    assert memory.peak() >= first + block.numel() * 3
    del block
    memory.start()
    assert memory.peak() < first + 150_000_000


REUSE = """
import resource, sys
import torch
from harness.cli.process_settings import keep_freed
torch.set_num_threads(1)
told = keep_freed()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        one = torch.zeros(5 * 2**20)
        other = torch.zeros(5 * 2**20)
        del other
        del one
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(told, faults())
"""


def test_freed_memory_is_kept_for_the_next_layer():
    """Otherwise the system clears thousands of pages anew here."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    found = subprocess.run([sys.executable, "-c", REUSE], capture_output=True, text=True, check=True, env=plain)
    told, faults = found.stdout.split()
    if told != "True":
        pytest.skip("this system's memory is not glibc's")
    assert int(faults) < 1_000
    own = {**plain, "MALLOC_TRIM_THRESHOLD_": "131072"}
    found = subprocess.run([sys.executable, "-c", REUSE], capture_output=True, text=True, check=True, env=own)
    assert found.stdout.split()[0] == "False"
