"""Tiny random-weight checkpoints and tokenizers, made on the fly from own texts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BartConfig,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoConfig,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    RobertaConfig,
    T5Config,
)

from harness.models.encoding.row_encoder import name_inputs

TEXTS = [
    "The nurse told the doctor that she was happy with the long report.",
    "A short film about music can be good, bad or simply unremarkable!",
    "Don't worry: the carpenter's daughter repaired the wheelbarrow yesterday.",
    "Naïve café owners serve 🙂 emojis and crème brûlée, 12 at a time.",
    "Playing, played, players and playfulness are words of one family.",
]
LENGTH = 32


@cache
def _trained(kind: str, *special: str) -> str:
    """A trained tokenizer as JSON, made once: training breaks ties at random."""
    return {"wordpiece": _train_wordpiece, "bytes": _train_bytes, "llama": _train_llama}[kind](list(special)).to_str()


def _train_wordpiece(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def wordpiece() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_str(_trained("wordpiece", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]", **names)


def typed_wordpiece() -> PreTrainedTokenizerFast:
    """That of `wordpiece`, with token types of the two texts of a pair."""
    tokenizer = wordpiece()
    tokenizer.backend_tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    name_inputs(tokenizer, types=True)
    return tokenizer


def _train_bytes(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def roberta_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_str(_trained("bytes", "<s>", "<pad>", "</s>", "<unk>"))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "unk_token": "<unk>"}
    mask = AddedToken("<mask>", lstrip=True, special=True)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", mask_token=mask, **names)


def gpt2_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_str(_trained("bytes", "<|endoftext|>"))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


def _train_llama(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    alphabet = [f"<0x{value:02X}>" for value in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=[*special, *alphabet], show_progress=False)
    words = [word for text in TEXTS for word in text.split()]
    tokenizer.train_from_iterator([f" {word}" for word in words if word.isascii()] * 3, trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def llama_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_str(_trained("llama", "<unk>", "<s>", "</s>"))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", add_bos_token=True
    )


def t5_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_str(_trained("llama", "<pad>", "</s>", "<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>", pad_token="<pad>", model_max_length=LENGTH
    )


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WIDE = {"initializer_range": 0.35}
WINDOW = 8
_SIDE = {"layers": 2, "attention_heads": 4, "ffn_dim": 64}
_IDS = {"bos_token_id": 0, "eos_token_id": 2, "forced_eos_token_id": None}


def config_of(kind: str, tokenizer: PreTrainedTokenizerFast, length: int = LENGTH, **more: object) -> object:
    size = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, **WIDE, **more}
    if kind == "bert":
        return BertConfig(**SMALL, max_position_embeddings=length, **size)
    if kind == "albert":
        return AlbertConfig(**SMALL, embedding_size=16, max_position_embeddings=length, **size)
    if kind == "roberta":
        return RobertaConfig(**SMALL, max_position_embeddings=length + 2, **size)
    if kind == "distilbert":
        return DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=length, **size)
    if kind == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=length, bos_token_id=0, eos_token_id=0, **size)
    if kind == "deberta":
        more_of = {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["c2p", "p2c"]}
        return DebertaV2Config(**SMALL, max_position_embeddings=length, **more_of, **size)
    if kind == "gpt_neo":
        attention = {"attention_types": [[["global", "local"], 1]], "window_size": WINDOW}
        names = {"num_layers": 2, "num_heads": 4, "hidden_size": 32, "intermediate_size": 64}
        return GPTNeoConfig(
            **names, **attention, max_position_embeddings=length, bos_token_id=0, eos_token_id=0, **size
        )
    if kind in {"mistral", "qwen", "gemma2", "gemma3"}:
        kinds = {"mistral": MistralConfig, "qwen": Qwen2Config, "gemma2": Gemma2Config, "gemma3": Gemma3TextConfig}
        window = {} if kind == "qwen" else {"sliding_window": WINDOW, "head_dim": 8}
        ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
        rest = {"num_key_value_heads": 2, "max_position_embeddings": length, **ends}
        return kinds[kind](**SMALL, **window, **rest, **size)
    if kind == "t5":
        names = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
        return T5Config(**names, decoder_start_token_id=0, eos_token_id=1, initializer_factor=3.0, **size)
    if kind == "bart":
        names = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in _SIDE.items()}
        return BartConfig(
            d_model=32, max_position_embeddings=length, decoder_start_token_id=2, init_std=0.35, **names, **_IDS, **size
        )
    if kind == "llama":
        return LlamaConfig(**SMALL, num_key_value_heads=2, max_position_embeddings=length, **size)
    return GPTNeoXConfig(**SMALL, max_position_embeddings=length, bos_token_id=0, eos_token_id=0, **size)


TOKENIZERS = {
    "bert": wordpiece,
    "albert": typed_wordpiece,
    "distilbert": wordpiece,
    "roberta": roberta_tokenizer,
    "gpt2": gpt2_tokenizer,
    "neox": gpt2_tokenizer,
    "llama": llama_tokenizer,
    "deberta": wordpiece,
    "gpt_neo": gpt2_tokenizer,
    "qwen": gpt2_tokenizer,
    "mistral": llama_tokenizer,
    "gemma2": llama_tokenizer,
    "gemma3": llama_tokenizer,
    "t5": t5_tokenizer,
    "bart": roberta_tokenizer,
}
MASKED = ("bert", "albert", "roberta", "distilbert", "deberta")
CAUSAL = ("gpt2", "llama", "neox", "qwen", "mistral", "gemma2", "gemma3", "gpt_neo")
SEQ2SEQ = ("t5", "bart")


def language_model(kind: str, folder: Path, seed: int = 0, **more: object) -> Path:
    """A language model of one shape with its tokenizer, saved."""
    torch.manual_seed(seed)
    tokenizer = TOKENIZERS[kind]()
    auto = (
        AutoModelForSeq2SeqLM if kind in SEQ2SEQ else AutoModelForMaskedLM if kind in MASKED else AutoModelForCausalLM
    )
    model = auto.from_config(config_of(kind, tokenizer, **more))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def classifier(kind: str, folder: Path, labels: tuple[str, ...], seed: int = 0) -> Path:
    """A classifier without language-model head, saved."""
    torch.manual_seed(seed)
    tokenizer = TOKENIZERS[kind]()
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    model = AutoModelForSequenceClassification.from_config(config_of(kind, tokenizer, **names))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def both_heads(kind: str, folder: Path, labels: tuple[str, ...], seed: int = 0) -> Path:
    """One folder with encoder, language-model head and classification head."""
    from safetensors.torch import save_file

    classifier(kind, folder, labels, seed)
    torch.manual_seed(seed + 1)
    head = AutoModelForSequenceClassification.from_pretrained(folder)
    auto = AutoModelForMaskedLM if kind in MASKED else AutoModelForCausalLM
    model = auto.from_pretrained(folder)
    setattr(model, model.base_model_prefix, head.base_model)
    model.tie_weights()
    seen: dict[int, str] = {}
    tensors = {}
    for name, tensor in {**head.state_dict(), **model.state_dict()}.items():
        if tensor.data_ptr() not in seen:
            seen[tensor.data_ptr()] = name
            tensors[name] = tensor.contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def with_head(kind: str, head: str, folder: Path, labels: tuple[str, ...] = (), seed: int = 0, **more: object) -> Path:
    """A checkpoint with a `sequence`, `token`, `span` or `pretraining` head and random weights, saved."""
    autos = {
        "sequence": AutoModelForSequenceClassification,
        "token": AutoModelForTokenClassification,
        "span": AutoModelForQuestionAnswering,
        "pretraining": AutoModelForPreTraining,
    }
    torch.manual_seed(seed)
    tokenizer = TOKENIZERS[kind]()
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    model = autos[head].from_config(config_of(kind, tokenizer, **(names if labels else {}), **more))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
