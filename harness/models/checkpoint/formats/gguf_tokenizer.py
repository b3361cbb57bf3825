"""How a GGUF file says that text is cut before byte-pair encoding, and whether BOS goes before it.

transformers takes the vocabulary and the merges from a GGUF file, and one way of cutting for all; the file
names its own. Another cut gives other tokens for numbers, white space and punctuation, and so other
likelihoods. The names and patterns are those that llama.cpp gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers.pre_tokenizers import PreTokenizer
    from transformers import PreTrainedTokenizerFast

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_GPT2 = ""
_DIGITS = "digits"
CUTS: Mapping[str, str] = {
    **dict.fromkeys(("gpt-2", "phi-2", "olmo", "mpt", "jina-en", "roberta-bpe"), _GPT2),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), _DIGITS),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "dbrx", "smaug-bpe", "falcon3"), _LLAMA3),
    **dict.fromkeys(("qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"), _QWEN2),
}
"""Name in `tokenizer.ggml.pre` → pattern; empty for GPT-2's own, `digits` for that after single digits."""


def settle(tokenizer: PreTrainedTokenizerFast, path: Path) -> list[str]:
    """Makes a tokenizer cut text and begin it as its GGUF file says. Returns what could not be done."""
    fields = _fields(path, ("tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.add_bos_token"))
    notes = []
    if fields.get("tokenizer.ggml.model") == "gpt2":
        name = str(fields.get("tokenizer.ggml.pre", ""))
        if name in CUTS:
            tokenizer.backend_tokenizer.pre_tokenizer = _cut(CUTS[name])
        else:
            notes.append(
                f"the file names a way to cut text that is not known here ({name[:40]!r}); numbers, white space and "
                "punctuation may become other tokens than in llama.cpp"
            )
    add = fields.get("tokenizer.ggml.add_bos_token")
    if isinstance(add, bool):
        _begin(tokenizer, add)
    return notes


def _cut(pattern: str) -> PreTokenizer:
    from tokenizers import Regex, pre_tokenizers

    bytes_after = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern in (_GPT2, _DIGITS))
    if pattern == _GPT2:
        return bytes_after
    first = (
        pre_tokenizers.Digits(individual_digits=True)
        if pattern == _DIGITS
        else pre_tokenizers.Split(Regex(pattern), "isolated")
    )
    return pre_tokenizers.Sequence([first, bytes_after])


def _begin(tokenizer: PreTrainedTokenizerFast, add: bool) -> None:
    """Puts BOS before every text, or nothing, whatever the reader of the file chose."""
    from tokenizers import processors

    bos = tokenizer.bos_token
    begins = tokenizer.backend_tokenizer.encode("a", add_special_tokens=True).tokens[:1] == [bos]
    if add and bos is not None and not begins:
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.bos_token_id)]
        )
    elif not add and begins:
        tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)


def _fields(path: Path, names: tuple[str, ...]) -> dict[str, object]:
    from gguf import GGUFReader

    reader = GGUFReader(str(path))
    return {name: reader.fields[name].contents() for name in names if name in reader.fields}
