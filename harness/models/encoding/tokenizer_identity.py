"""What a loaded tokenizer makes of texts and conversations: a part of the identity of every answer.

Files alone do not decide it: the class that reads them, and the version of the libraries, do too.
"""

from __future__ import annotations

from typing import Any

from harness.core.digests import digest
from harness.models.encoding.chat_template import Chat, ChatError
from harness.models.encoding.text_encoder import TextEncoder

_TEXTS = (
    "The nurse told the doctor that she wasn't happy with 12,345.67 of the reports.",
    " a leading space,  two spaces,\ttabs\r\nand\n\nline ends ",
    "ALL CAPS, CamelCase, snake_case, kebab-case: f(x) = x**2 != {'k': [1, 2]};",
    "Naïve café, crème brûlée, ﬁne ﬂuﬀ, e\u0301 and é, Straße, İstanbul, ½ × №7",
    "Привет, мир! Γειά σου. 你好,世界。 こんにちは 안녕하세요 שלום مرحبا नमस्ते",
    "👩‍🔬🙂🏳️‍🌈 \u200b\u00a0\u00ad\ufeff \u4e00\u9fff",
    "unbelievablyinternationalizationalistically 0000111122223333 3.14e-10",
    "",
)
"""Own texts in which tokenizers differ: case, accents, digits, white space, scripts, composed characters."""
_CONVERSATIONS = (
    (("user", "Hello, who are you?"),),
    (("system", "Be brief."), ("user", " two  words ")),
    (("user", "one"), ("assistant", "two"), ("user", "three")),
)


def tokens_digest(encoder: TextEncoder) -> str:
    """Digest of the tokens that come out for the probe texts, alone, in pairs and with special tokens spelled."""
    spelled = " and ".join(encoder.special_tokens)
    texts = [encoder.clean(text) for text in (*_TEXTS, spelled)]
    whole = encoder.backend.encode_batch(texts, add_special_tokens=True)
    pairs = encoder.backend.encode_batch([(text, texts[0]) for text in texts], add_special_tokens=True)
    return digest(
        {
            "plain": encoder.plain(texts),
            "whole": [[encoding.ids, encoding.type_ids] for encoding in whole],
            "pairs": [[encoding.ids, encoding.type_ids] for encoding in pairs],
            "special": [list(encoder.canonical(text).ids) for text in texts],
        }
    )


def tokenizer_identity(encoder: TextEncoder) -> str:
    """Digest of a tokenizer by what it does: tokens, class, special tokens, the chat template at the stated time."""
    tokenizer = encoder.tokenizer
    chat = Chat(encoder)
    return digest(
        {
            "tokens": tokens_digest(encoder),
            "class": type(tokenizer).__name__,
            "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
            "inputs": list(tokenizer.model_input_names),
            "template": [_rendered(chat, turns) for turns in _CONVERSATIONS] if chat.available else None,
            "clock": chat.clock,
        }
    )


def _rendered(chat: Chat, turns: Any) -> str:
    """The prompt of a conversation, or why the template refuses it."""
    try:
        return chat.prompt(turns)
    except ChatError as error:
        return f"refused: {error}"
