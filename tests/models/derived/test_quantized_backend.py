"""Weights in 4 and 8 bits: equal to the plain call of transformers on the same quantized weights (extra `qlora`)."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pytest
import torch
from harness_support import model_zoo
from harness_support.model_zoo import LENGTH, TEXTS
from harness_support.plain_reference import close, logprobs

from harness.core.errors import CheckpointError, IncompleteError
from harness.core.requests import Classify, Continuations, PseudoLikelihood, RollingLikelihood
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.checkpoint.inspection import inspect
from harness.models.derived.quantized_backend import write_quantized
from harness.models.local.base_cache import BasePool

HERE = importlib.util.find_spec("bitsandbytes") is not None
needs = pytest.mark.skipif(not HERE, reason="bitsandbytes is not installed")
LABELS = ("a", "b", "c")


def page(folder: Path, parent: Path, bits: str) -> Path:
    folder.mkdir()
    write_quantized(folder, parent, parent_key="b" * 64, parent_digest=checkpoint_digest(parent), bits=bits)
    return folder


def plain(auto, folder: Path, bits: str, keep: list[str]):
    """The checkpoint as transformers itself holds it in few bits."""
    from transformers import BitsAndBytesConfig

    config = (
        BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
            llm_int8_skip_modules=keep,
        )
        if bits == "4bit"
        else BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=keep)
    )
    model = auto.from_pretrained(folder, quantization_config=config, dtype=torch.float32, device_map={"": "cpu"})
    for module in model.modules():
        module.support_avx512bf16_for_cpu = False
    return model.eval()


def test_another_number_of_bits_is_another_checkpoint(zoo, tmp_path):
    four, eight = (page(tmp_path / bits, zoo("gpt2"), bits) for bits in ("4bit", "8bit"))
    digests = {
        checkpoint_digest(zoo("gpt2")),
        *(checkpoint_digest(one, lambda key: zoo("gpt2")) for one in (four, eight)),
    }
    assert len(digests) == 3
    assert (inspect(four).kind, inspect(four).family) == ("quantized", "parent")


def test_what_cannot_be_quantized_is_refused(zoo, tmp_path, opened):
    folder = page(tmp_path / "four", zoo("gpt2"), "4bit")
    with pytest.raises(CheckpointError, match="no weights to quantize"):
        write_quantized(tmp_path, folder, parent_key="x", parent_digest="", bits="4bit")
    content = json.loads((folder / "checkpoint.json").read_text())
    (folder / "checkpoint.json").write_text(json.dumps({**content, "quantize": "2bit"}))
    with pytest.raises(CheckpointError, match="found the text '2bit'"):
        opened(folder, resolve=lambda key: zoo("gpt2"))


@pytest.mark.skipif(HERE, reason="bitsandbytes is installed")
def test_without_bitsandbytes_it_says_what_to_install(zoo, tmp_path, opened):
    with pytest.raises(IncompleteError, match=r"8 bits .* needs bitsandbytes"):
        opened(page(tmp_path / "q", zoo("gpt2"), "8bit"), resolve=lambda key: zoo("gpt2"))


@needs
def test_a_device_that_it_does_not_run_on_is_refused():
    from harness.models.local.quantization import quantized_options

    with pytest.raises(IncompleteError, match="'mps'"):
        quantized_options("4bit", "mps", torch.float32)


@needs
@pytest.mark.parametrize("bits", ["4bit", "8bit"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "t5"])
def test_likelihoods_are_those_of_the_plain_quantized_model(kind, bits, zoo, tmp_path, opened):
    import transformers

    folder = zoo(kind)
    model = opened(page(tmp_path / "q", folder, bits), resolve=lambda key: folder)
    whole = opened(folder)
    facts = model.facts
    assert facts.dtype == f"{bits}, sums in float32"
    assert facts.parameters == whole.facts.parameters
    assert facts.digest != whole.facts.digest
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = TEXTS[0][:36]
    if kind == "bert":
        request = PseudoLikelihood(text, "pll")
        reference = plain(transformers.AutoModelForMaskedLM, folder, bits, ["cls"])
        ids = tokenizer(text)["input_ids"]
        expected = 0.0
        for place in range(1, len(ids) - 1):
            masked = [*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :]]
            expected += logprobs(reference, masked)[place, ids[place]].item()
    elif kind == "t5":
        request = Continuations(text, ("a film",))
        reference = plain(transformers.AutoModelForSeq2SeqLM, folder, bits, ["lm_head"])
        labels = tokenizer("a film", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            source = tokenizer(text, return_tensors="pt", truncation=True, max_length=LENGTH)["input_ids"]
            loss = reference(input_ids=source, labels=labels).loss
        expected = -loss.item() * labels.shape[1]
    else:
        request = RollingLikelihood(text)
        reference = plain(transformers.AutoModelForCausalLM, folder, bits, ["lm_head"])
        start = tokenizer.bos_token_id
        ids = [start, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        rows = logprobs(reference, ids[:-1])
        expected = sum(rows[place - 1, ids[place]].item() for place in range(1, len(ids)))
    (_, answer), (_, full) = (next(iter(one.answer([request]))) for one in (model, whole))
    found = answer.values[0] if kind == "t5" else answer.total
    assert found == pytest.approx(expected, rel=1e-3)
    assert not close(found, full.values[0] if kind == "t5" else full.total)


@needs
@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_neighbors_do_not_matter(bits, zoo, tmp_path, opened):
    """LLM.int8() looks for outliers over a whole batch, so that its rows are read one by one."""
    folder = zoo("llama")
    page(tmp_path / "q", folder, bits)
    requests = [*map(RollingLikelihood, TEXTS), *(Continuations(text, (" a film", " one")) for text in TEXTS)]
    model = opened(tmp_path / "q", resolve=lambda key: folder, batch_tokens=4096)
    together = dict(model.answer(requests))
    for request in requests:
        ((_, alone),) = opened(tmp_path / "q", resolve=lambda key: folder).answer([request])
        for name in ("total", "values"):
            if hasattr(alone, name):
                assert getattr(together[request], name) == pytest.approx(getattr(alone, name), rel=1e-5)


@needs
def test_a_head_keeps_its_weights_and_a_base_is_held_once_a_form(tmp_path, opened):
    folder = model_zoo.with_head("bert", "sequence", tmp_path / "head", LABELS)
    pool = BasePool()
    model = opened(page(tmp_path / "q", folder, "4bit"), resolve=lambda key: folder, pool=pool)
    opened(tmp_path / "q", resolve=lambda key: folder, pool=pool)
    assert pool.loads == 1
    head = model.backend.network.heads["sequence"]
    assert type(head.classifier).__name__ == "Linear"
    assert type(head.base_model.encoder.layer[0].attention.self.query).__name__ == "Linear4bit"
    ((_, answer),) = model.answer([Classify(TEXTS[0], LABELS)])
    assert sum(map(math.exp, answer.values)) == pytest.approx(1.0)
    opened(folder, pool=pool)
    assert pool.loads == 2


@needs
@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_an_adapter_on_a_quantized_base(bits, zoo, tmp_path, opened):
    """With an adapter whose second factor is zero the answers are the base's; with another one they are not."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = zoo("llama")
    request = RollingLikelihood(TEXTS[0])

    def answer(name: str, parents: dict[str, Path]) -> float:
        ((_, found),) = opened(tmp_path / name, resolve=lambda key: parents.get(key, base)).answer([request])
        return found.total

    page(tmp_path / "base", base, bits)
    plain_base = answer("base", {})
    for name, spread in (("none", 0.0), ("some", 0.3)):
        torch.manual_seed(5)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base),
            LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj", "v_proj"]),
        )
        for weight_name, weight in model.named_parameters():
            if "lora_B" in weight_name:
                torch.nn.init.normal_(weight, std=spread) if spread else torch.nn.init.zeros_(weight)
        model.save_pretrained(tmp_path / name)
        key = checkpoint_digest(tmp_path / name, lambda key: base)
        (tmp_path / f"q-{name}").mkdir()
        write_quantized(tmp_path / f"q-{name}", tmp_path / name, parent_key="c" * 64, parent_digest=key, bits=bits)
        found = answer(f"q-{name}", {"c" * 64: tmp_path / name})
        assert close(found, plain_base) == (not spread)


SUITE = """
name: bits
data: {texts: {file: texts.csv, splits: {test: 1.0}}}
models: {base: {load: base}, four: {load: base, quantize: 4bit}}
compare: {baseline: base, candidates: [four]}
tasks: {lm: {language_modeling: {data: texts}}}
gates: []
"""


@needs
def test_a_suite_compares_a_model_with_itself_in_fewer_bits(zoo, tmp_path):
    from harness.core.reporter import Silent
    from harness.pipeline.run_suite import Settings, run_suite
    from harness.storage.store import Store
    from harness.suite.load_suite import load_suite

    (tmp_path / "base").symlink_to(zoo("llama"))
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(text[:40].replace(",", "") for text in TEXTS))
    (tmp_path / "suite.yaml").write_text(SUITE)
    settings = Settings(out=tmp_path / "out", device="cpu")
    suite = load_suite(tmp_path / "suite.yaml")
    results = run_suite(suite, Store(tmp_path / "cache"), Silent(), settings).results
    four = next(model for model in results.models if model.name == "four")
    assert four.label == "loaded from base, in 4 bits"
    assert four.training["quantize"] == "4bit"
    (found,) = (one for one in results.comparisons if one.metric == "bits_per_byte" and one.slice is None)
    assert found.delta != 0.0
    assert found.comparability == ["number format: baseline float32, candidate 4bit, sums in float32."]
