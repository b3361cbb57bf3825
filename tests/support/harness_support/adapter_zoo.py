"""Adapters of every kind that peft writes, with random weights, on tiny bases; and what plain peft says of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from peft import LoraConfig
from peft.tuners import SupertuningConfig
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from harness_support import model_zoo
from harness_support.plain_reference import logprobs

TEXT = model_zoo.TEXTS[0]
TARGETS = ["q_proj", "v_proj"]
_CPT = {"cpt_mask": [1, 1, 1], "cpt_tokens_type_mask": [1, 2, 4], "task_type": "CAUSAL_LM"}


def lora(**more: Any) -> LoraConfig:
    return LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": TARGETS, **more})


def read_tokens() -> list[int]:
    """Two tokens of `TEXT` that follow each other."""
    ids: list[int] = model_zoo.llama_tokenizer()(TEXT, add_special_tokens=False)["input_ids"]
    return ids[3:5]


LORA: Mapping[str, Callable[[], Any]] = {
    "lora": lora,
    "rslora": lambda: lora(use_rslora=True),
    "dora": lambda: lora(use_dora=True),
    "all-linear": lambda: lora(target_modules="all-linear"),
    "patterns": lambda: lora(rank_pattern={"layers.0.self_attn.q_proj": 2}, alpha_pattern={"v_proj": 32}),
    "one layer": lambda: lora(layers_to_transform=[1]),
    "update with bias": lambda: lora(lora_bias=True, bias="none"),
    "saved norm": lambda: lora(modules_to_save=["norm"]),
    "saved head": lambda: lora(modules_to_save=["lm_head"]),
    "saved embedding": lambda: lora(modules_to_save=["embed_tokens"]),
    "head": lambda: lora(target_modules=[*TARGETS, "lm_head"]),
    "embedding": lambda: lora(target_modules=[*TARGETS, "embed_tokens"]),
    "bias all": lambda: lora(bias="all"),
    "bias lora_only": lambda: lora(bias="lora_only"),
    "layer replication": lambda: lora(layer_replication=[[0, 2], [1, 2]]),
    "tokens": lambda: lora(trainable_token_indices=list(read_tokens())),
    "activated": lambda: lora(alora_invocation_tokens=list(read_tokens())),
}
"""LoRA and what its configuration adds."""
IN_PLACE: Mapping[str, Callable[[], Any]] = {
    "adalora": lambda: peft.AdaLoraConfig(init_r=4, target_r=2, total_step=10, target_modules=TARGETS),
    "adamss": lambda: peft.AdamssConfig(target_modules=TARGETS),
    "beft": lambda: peft.BeftConfig(target_modules=TARGETS),
    "boft": lambda: peft.BOFTConfig(boft_block_size=4, target_modules=TARGETS),
    "c3a": lambda: peft.C3AConfig(block_size=8, target_modules=TARGETS),
    "deft": lambda: peft.DeftConfig(target_modules=TARGETS),
    "delora": lambda: peft.DeloraConfig(r=4, target_modules=TARGETS),
    "fourierft": lambda: peft.FourierFTConfig(n_frequency=50, target_modules=TARGETS),
    "frod": lambda: peft.FrodConfig(target_modules=TARGETS),
    "glora": lambda: peft.GloraConfig(r=4, target_modules=TARGETS),
    "gralora": lambda: peft.GraloraConfig(r=4, target_modules=TARGETS),
    "hira": lambda: peft.HiraConfig(r=4, target_modules=TARGETS),
    "hra": lambda: peft.HRAConfig(r=4, target_modules=TARGETS),
    "ia3": lambda: peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "lily": lambda: peft.LilyConfig(r=4, target_modules=TARGETS),
    "ln tuning": lambda: peft.LNTuningConfig(target_modules=["input_layernorm"]),
    "loha": lambda: peft.LoHaConfig(r=4, target_modules=TARGETS),
    "lokr": lambda: peft.LoKrConfig(r=4, target_modules=TARGETS),
    "miss": lambda: peft.MissConfig(r=4, target_modules=TARGETS),
    "oft": lambda: peft.OFTConfig(r=0, oft_block_size=8, target_modules=TARGETS),
    "osf": lambda: peft.OSFConfig(target_modules=TARGETS),
    "peanut": lambda: peft.PeanutConfig(r=4, target_modules=TARGETS),
    "psoft": lambda: peft.PsoftConfig(r=4, target_modules=TARGETS),
    "pvera": lambda: peft.PveraConfig(r=4, target_modules=["q_proj"]),
    "randlora": lambda: peft.RandLoraConfig(r=4, target_modules=["q_proj"]),
    "road": lambda: peft.RoadConfig(group_size=8, target_modules=TARGETS),
    "shira": lambda: peft.ShiraConfig(r=2, target_modules=TARGETS),
    "supertuning": lambda: SupertuningConfig(target_modules=TARGETS),
    "tinylora": lambda: peft.TinyLoraConfig(r=2, target_modules=TARGETS),
    "trainable tokens": lambda: peft.TrainableTokensConfig(
        token_indices=list(read_tokens()), target_modules=["embed_tokens"]
    ),
    "unilora": lambda: peft.UniLoraConfig(r=4, target_modules=TARGETS),
    "vblora": lambda: peft.VBLoRAConfig(r=2, num_vectors=16, vector_length=8, target_modules=TARGETS),
    "vera": lambda: peft.VeraConfig(r=4, target_modules=["q_proj"]),
    "waveft": lambda: peft.WaveFTConfig(n_frequency=50, target_modules=TARGETS),
    "adaption prompt": lambda: peft.AdaptionPromptConfig(adapter_len=4, adapter_layers=2),
}
"""The other kinds that peft puts into a model's modules."""
AROUND: Mapping[str, Callable[[], Any]] = {
    "prompt tuning": lambda: peft.PromptTuningConfig(num_virtual_tokens=4),
    "p-tuning": lambda: peft.PromptEncoderConfig(num_virtual_tokens=4, encoder_hidden_size=16),
    "prefix tuning": lambda: peft.PrefixTuningConfig(num_virtual_tokens=4),
    "cpt": lambda: peft.CPTConfig(cpt_token_ids=[4, 5, 6], **_CPT),
    "cartridge": lambda: peft.CartridgeConfig(num_virtual_tokens=4),
    "shadow": lambda: peft.ShadowConfig(),
}
"""Those that act around a model, in peft's own forward pass."""
REFUSED: Mapping[str, Callable[[], Any]] = {
    "poly": lambda: peft.PolyConfig(r=4, n_tasks=2, target_modules=TARGETS),
    "multitask prompt tuning": lambda: peft.MultitaskPromptTuningConfig(num_virtual_tokens=4, num_tasks=2),
}
"""Those that ask for the number of a task."""
EVERY = {**LORA, **IN_PLACE, **AROUND, **REFUSED}
PEFT_TYPES = frozenset(kind.value for kind in peft.PeftType) - {"XLORA"}
"""All that peft has, but for one that names further adapters by their paths."""


def write_adapter(
    folder: Path,
    base: Path,
    config: Any,
    *,
    task: str | None = "CAUSAL_LM",
    seed: int = 3,
    model: Any = None,
    **save: Any,
) -> Path:
    """An adapter with noise on every weight that it trains, saved by peft.

    Args:
        model: what it is put on instead of the base's language model.
        save: more arguments of `save_pretrained`.
    """
    torch.manual_seed(seed)
    config.task_type = task
    adapted = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base) if model is None else model, config)
    shake(adapted, seed)
    adapted.save_pretrained(folder, **save)
    return folder


def shake(model: Any, seed: int, size: float = 0.1) -> Any:
    """Noise on every trainable weight."""
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad and weight.is_floating_point():
                weight.add_(size * torch.randn(weight.shape, generator=noise).to(weight.dtype))
    return model


def change_config(adapter: Path, **page: Any) -> None:
    """Other settings in adapter_config.json."""
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **page}))


def on_base(base: Path, adapter: Path | None) -> Any:
    """What plain transformers and peft make of a base and an adapter."""
    model = AutoModelForCausalLM.from_pretrained(base)
    return (model if adapter is None else peft.PeftModel.from_pretrained(model, str(adapter))).eval()


def text_likelihood(model: Any, tokenizer_folder: Path, text: str) -> float:
    """Nats of a text after BOS, by one plain forward pass; logits of virtual tokens are left out."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    values = logprobs(model, ids)[-len(ids) :]
    return sum(values[place - 1, ids[place]].item() for place in range(1, len(ids)))


def written(model: Any, tokenizer_folder: Path, prompt: str, count: int) -> str:
    """The likeliest next tokens, each by one plain forward pass over all before it."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    start = ids = [tokenizer.bos_token_id, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    for _ in range(count):
        token = int(logprobs(model, ids)[-1].argmax())
        ids = [*ids, token]
        if token == tokenizer.eos_token_id:
            break
    return str(tokenizer.decode(ids[len(start) :], skip_special_tokens=True))


@dataclass(frozen=True)
class Form:
    """A folder of an adapter as trainers leave it.

    Attributes:
        base: what it stands on.
        adapter: the folder.
        reference: makes what plain transformers and peft make of the two.
    """

    base: Path
    adapter: Path
    reference: Callable[[], Any]


def grown(base: Path, rows: int) -> Any:
    """A base with more tokens, as one resizes it before training; new rows are drawn anew each time."""
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(rows, mean_resizing=False)
    return model


def more_tokens(folder: Path) -> int:
    """A tokenizer with two more tokens and a chat template; how many tokens it has."""
    tokenizer = model_zoo.llama_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def _form(folder: Path, *, config: Any = None, tied: bool = False, **save: Any) -> Form:
    base = model_zoo.language_model("llama", folder / "base", length=64, tie_word_embeddings=tied)
    adapter = write_adapter(folder / "adapter", base, config or lora(), **save)
    return Form(base, adapter, lambda: on_base(base, adapter))


def added_tokens(folder: Path, form: str, *, tied: bool = False) -> Form:
    """An adapter that was trained with two more tokens: `embeddings` saved, in `modules` or trained as `tokens`."""
    base = model_zoo.language_model("llama", folder / "base", length=64, tie_word_embeddings=tied)
    rows = more_tokens(folder / "adapter")
    saved = {"modules_to_save": ["embed_tokens", "lm_head"]}
    if tied:
        saved = {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True}
    options = {"embeddings": {}, "modules": saved, "tokens": {"trainable_token_indices": [rows - 2, rows - 1]}}
    adapter = write_adapter(folder / "adapter", base, lora(**options[form]), model=grown(base, rows))
    return Form(base, adapter, lambda: peft.PeftModel.from_pretrained(grown(base, rows), str(adapter)).eval())


def _below_the_head(folder: Path) -> Form:
    base = model_zoo.language_model("llama", folder / "base", length=64)
    bare = AutoModel.from_pretrained(base)
    adapter = write_adapter(folder / "adapter", base, lora(), task="FEATURE_EXTRACTION", model=bare)

    def reference() -> Any:
        whole = AutoModelForCausalLM.from_pretrained(base)
        peft.PeftModel.from_pretrained(whole.model, str(adapter))
        return whole.eval()

    return Form(base, adapter, reference)


def _with_config(folder: Path) -> Form:
    form = _form(folder)
    shutil.copy(form.base / "config.json", form.adapter)
    return form


def _with_merged_weights(folder: Path) -> Form:
    form = _form(folder)
    reference = on_base(form.base, form.adapter)
    on_base(form.base, form.adapter).merge_and_unload().save_pretrained(form.adapter)
    return Form(form.base, form.adapter, lambda: reference)


def _renamed(folder: Path) -> Form:
    form = _form(folder)
    change_config(form.adapter, base_model_name_or_path="owner/another-base")
    return form


FORMS: Mapping[str, Callable[[Path], Form]] = {
    "another name for its base": _renamed,
    "tied embeddings": lambda folder: _form(folder, tied=True, config=lora(target_modules="all-linear")),
    "embeddings saved beside LoRA": lambda folder: _form(folder, save_embedding_layers=True),
    "added tokens, embeddings saved": lambda folder: added_tokens(folder, "embeddings"),
    "added tokens, whole modules saved": lambda folder: added_tokens(folder, "modules"),
    "added tokens, trained as token indices": lambda folder: added_tokens(folder, "tokens"),
    "added tokens, tied embeddings": lambda folder: added_tokens(folder, "tokens", tied=True),
    "of the bare model (FEATURE_EXTRACTION)": _below_the_head,
    "config.json of the base beside it": _with_config,
    "merged weights beside it": _with_merged_weights,
}
"""Folders that hold more, or something else, than an adapter and its configuration."""
