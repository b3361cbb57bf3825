"""Adapters of every kind of peft on bases of several shapes: how each is made, and what plain peft says of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from harness.core.requests import Continuations, PseudoLikelihood, Request, RollingLikelihood
from harness_support import adapter_zoo, model_zoo
from harness_support.plain_reference import logprobs


@dataclass(frozen=True)
class Shape:
    """A shape of model.

    Attributes:
        kind: of `model_zoo`.
        options: of its configuration.
        names: what its modules are called in place of Llama's.
    """

    kind: str
    options: Mapping[str, Any]
    names: Mapping[str, str]

    @property
    def task(self) -> str | None:
        """The task of its adapters; peft has none for masked models."""
        return {"bert": None, "t5": "SEQ_2_SEQ_LM"}.get(self.kind, "CAUSAL_LM")

    def auto(self) -> Any:
        """The class of its language model."""
        return {"bert": AutoModelForMaskedLM, "t5": AutoModelForSeq2SeqLM}.get(self.kind, AutoModelForCausalLM)

    def base(self, folder: Path) -> Path:
        """Writes a base with random weights."""
        return model_zoo.language_model(self.kind, folder, **self.options)

    def config(self, make: Callable[[], Any]) -> Any:
        """A configuration of peft for this shape's modules and tokens."""
        config = make()
        for key in ("target_modules", "modules_to_save", "feedforward_modules"):
            value = getattr(config, key, None)
            if isinstance(value, (list, set)):
                setattr(config, key, sorted({self.names.get(name, name) for name in value}))
        ids = model_zoo.TOKENIZERS[self.kind]()(adapter_zoo.TEXT, add_special_tokens=False)["input_ids"]
        for key in ("trainable_token_indices", "token_indices", "alora_invocation_tokens"):
            if getattr(config, key, None):
                setattr(config, key, ids[3:5])
        return config

    def adapter(self, folder: Path, base: Path, make: Callable[[], Any]) -> Path:
        """Writes an adapter with noise on all that it trains."""
        return adapter_zoo.write_adapter(
            folder, base, self.config(make), task=self.task, model=self.auto().from_pretrained(base)
        )

    def plain(self, base: Path, adapter: Path) -> Any:
        """What plain transformers and peft make of a base and an adapter."""
        return peft.PeftModel.from_pretrained(self.auto().from_pretrained(base), str(adapter)).eval()

    def request(self, text: str) -> Request:
        """The question after the likelihood of a text."""
        if self.kind == "bert":
            return PseudoLikelihood(text, "pll")
        if self.kind == "t5":
            return Continuations(text, (" ".join(text.split()[:4]),))
        return RollingLikelihood(text)

    @torch.no_grad()
    def likelihood(self, model: Any, base: Path, text: str) -> float:
        """The answer to `request`, in nats, by plain forward passes."""
        tokenizer = AutoTokenizer.from_pretrained(base)
        if self.kind == "bert":
            ids = tokenizer(text)["input_ids"]
            return sum(_masked(model, ids, place, tokenizer.mask_token_id) for place in range(1, len(ids) - 1))
        if self.kind == "t5":
            source = tokenizer(text, return_tensors="pt", truncation=True)["input_ids"]
            labels = tokenizer(text_target=" ".join(text.split()[:4]), return_tensors="pt")["input_ids"]
            return -float(model(input_ids=source, labels=labels).loss) * labels.shape[1]
        return adapter_zoo.text_likelihood(model, base, text)


def _masked(model: Any, ids: list[int], place: int, mask: int) -> float:
    masked = [*ids[:place], mask, *ids[place + 1 :]]
    return float(logprobs(model, masked)[-len(ids) :][place, ids[place]])


def answered(answer: Any) -> float:
    """The number in an answer of harness to `Shape.request`."""
    return float(answer.values[0] if hasattr(answer, "values") else answer.total)


_GPT2 = {**dict.fromkeys(("q_proj", "k_proj", "v_proj"), "c_attn"), "down_proj": "mlp.c_proj"}
_GPT2 |= {"embed_tokens": "wte", "norm": "ln_f", "input_layernorm": "ln_1"}
_NEOX = {**dict.fromkeys(("q_proj", "k_proj", "v_proj"), "query_key_value"), "down_proj": "dense_4h_to_h"}
_NEOX |= {"embed_tokens": "embed_in", "lm_head": "embed_out", "norm": "final_layer_norm"}
_BERT = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "down_proj": "output.dense"}
_BERT |= {"embed_tokens": "word_embeddings", "lm_head": "predictions.decoder", "norm": "embeddings.LayerNorm"}
_BERT |= {"input_layernorm": "attention.output.LayerNorm"}
_T5 = {"q_proj": "q", "k_proj": "k", "v_proj": "v", "down_proj": "wo", "embed_tokens": "shared"}
_T5 |= {"norm": "final_layer_norm", "input_layernorm": "layer.0.layer_norm"}
SHAPES: Mapping[str, Shape] = {
    "Llama, biases": Shape("llama", {"length": 64, "attention_bias": True, "tie_word_embeddings": False}, {}),
    "Qwen2, tied": Shape("qwen", {"length": 64, "tie_word_embeddings": True}, {}),
    "Mistral": Shape("mistral", {"length": 64}, {}),
    "Gemma 2": Shape("gemma2", {"length": 64}, {}),
    "GPT-2": Shape("gpt2", {"length": 64}, _GPT2),
    "GPT-NeoX": Shape("neox", {"length": 64}, _NEOX),
    "BERT": Shape("bert", {"length": 64}, _BERT),
    "T5": Shape("t5", {}, _T5),
}
