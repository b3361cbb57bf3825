"""The tokenizer of an adapter: its own where its folder has one, as it was trained with; else that of its base."""

from __future__ import annotations

import copy
from pathlib import Path

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.tokenizer_files import CHAT_TEMPLATE, has_tokenizer
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.local.load_weights import load_tokenizer
from harness.models.local.network import Network


def adapter_encoder(network: Network, adapter: Path, *, rows: int) -> TextEncoder:
    """How texts for an adapter become tokens.

    Args:
        network: the base.
        adapter: a peft folder.
        rows: of the embedding that the adapter answers with.

    Raises:
        CheckpointError: when the adapter's tokenizer cannot be read, or has tokens without a row.
    """
    encoder = network.encoder
    if has_tokenizer(adapter):
        encoder = TextEncoder(load_tokenizer(adapter))
    elif (adapter / CHAT_TEMPLATE).is_file():
        tokenizer = copy.deepcopy(encoder.tokenizer)
        tokenizer.chat_template = (adapter / CHAT_TEMPLATE).read_text("utf-8")
        encoder = TextEncoder(tokenizer)
    if encoder.highest_id >= rows:
        raise CheckpointError(
            f"tokens were added for the adapter: its tokenizer has ids up to {encoder.highest_id}, the embedding "
            f"{rows} rows, and the adapter's folder holds no rows for them.",
            where=Where(adapter),
            hint="save the adapter with its resized embeddings (`save_pretrained(…, save_embedding_layers=True)`), or "
            "give a base that was resized as in training.",
        )
    return encoder
