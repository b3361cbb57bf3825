"""Adapters on bases in few bits: as plain peft on the plain quantized model, all on one loaded base."""

from __future__ import annotations

import json
from pathlib import Path

import peft
import pytest
import transformers
from harness_support import adapter_zoo as zoo
from harness_support import model_zoo
from harness_support.plain_reference import close, logprobs

from harness.core.errors import CheckpointError
from harness.core.requests import RollingLikelihood
from harness.models.checkpoint.adapter_folder import write_pair
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.derived.quantized_backend import write_quantized
from harness.models.local.base_cache import BasePool

from .test_quantized_backend import needs, plain

PAIR = "c" * 64
KINDS = ("lora", "dora", "rslora", "all-linear", "saved head")


def quantized(folder: Path, adapter: Path, base: Path, bits: str) -> tuple[Path, Path]:
    """The page of a pair in few bits, and the pair."""
    pair = folder / f"{adapter.name} pair"
    pair.mkdir()
    write_pair(pair, adapter, checkpoint_digest(base), ())
    page = folder / f"{adapter.name} {bits}"
    page.mkdir()
    digest = checkpoint_digest(pair, lambda key: base)
    write_quantized(page, pair, parent_key=PAIR, parent_digest=digest, bits=bits)
    return page, pair


def likelihood(model, folder: Path, text: str) -> float:
    """Nats of a text after BOS; the last token is not read, as LLM.int8() looks for outliers in all that it reads."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    values = logprobs(model, ids[:-1])
    return sum(values[place - 1, ids[place]].item() for place in range(1, len(ids)))


@needs
@pytest.mark.parametrize("tied", [False, True], ids=["own head", "tied embeddings"])
@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_adapters_answer_as_peft_on_one_load_of_a_base_in_few_bits(bits, tied, tmp_path, opened):
    base = model_zoo.language_model("llama", tmp_path / "base", length=64, tie_word_embeddings=tied)
    pool, wrong = BasePool(), []
    for kind in KINDS if not tied else KINDS[:-1]:
        adapter = zoo.write_adapter(tmp_path / kind, base, zoo.EVERY[kind]())
        page, pair = quantized(tmp_path, adapter, base, bits)
        model = opened(page, pool=pool, resolve=lambda key, pair=pair: pair if key == PAIR else base)
        for request, answer in model.answer(map(RollingLikelihood, model_zoo.TEXTS[:3])):
            # A load for each text: with DoRA in 8 bits peft itself fails on a second pass on the CPU.
            alone = plain(transformers.AutoModelForCausalLM, base, bits, ["lm_head"])
            reference = peft.PeftModel.from_pretrained(alone, str(adapter)).eval()
            expected = likelihood(reference, base, request.text)
            if not close(answer.total, expected):
                wrong.append((kind, answer.total, expected))
    assert not wrong
    assert pool.loads == 1


@needs
def test_a_folder_that_was_saved_in_four_bits(tmp_path, opened):
    base = model_zoo.language_model("llama", tmp_path / "base", length=64)
    saved = tmp_path / "saved"
    plain(transformers.AutoModelForCausalLM, base, "4bit", ["lm_head"]).save_pretrained(saved)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(saved)
    model = opened(saved)
    reference = plain(transformers.AutoModelForCausalLM, base, "4bit", ["lm_head"])
    for request, answer in model.answer(map(RollingLikelihood, model_zoo.TEXTS)):
        assert close(answer.total, zoo.text_likelihood(reference, base, request.text))
    page = tmp_path / "again"
    page.mkdir()
    write_quantized(page, saved, parent_key=PAIR, parent_digest=checkpoint_digest(saved), bits="4bit")
    with pytest.raises(CheckpointError, match="quantized already"):
        opened(page, resolve=lambda key: saved)


@pytest.mark.parametrize("method", ["gptq", "awq", "torchao", "unheard-of"])
def test_other_quantizations_of_a_folder_are_refused_by_name(method, tmp_path, opened):
    base = model_zoo.language_model("llama", tmp_path / "base", length=64)
    config = json.loads((base / "config.json").read_text())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 128}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"weights are quantized .*{method}"):
        opened(base)
