"""A checkpoint's tokenizer, checked from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import CheckpointError, Where
from harness.models.checkpoint.checkpoint_files import read_json
from harness.storage import plain_files

CHAT_TEMPLATE = "chat_template.jinja"
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
SIDE_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""What stands beside them."""


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer of its own."""
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def check_tokenizer(folder: Path, config: Mapping[str, object]) -> None:
    """Refuses a folder without tokenizer, or with one that has more tokens than the embedding, padding left out.

    Raises:
        CheckpointError: as said.
    """
    if not has_tokenizer(folder):
        raise CheckpointError(
            "the checkpoint has no tokenizer.",
            where=Where(folder),
            hint="save the tokenizer it was trained with into the same folder: `tokenizer.save_pretrained(folder)`.",
        )
    rows = config.get("vocab_size")
    highest = _highest_id(folder)
    if isinstance(rows, int) and highest is not None and highest >= rows:
        raise too_many_tokens(folder, highest, rows)


def too_many_tokens(folder: Path, highest: int, rows: int) -> CheckpointError:
    return CheckpointError(
        f"the tokenizer has token ids up to {highest}, but the embedding matrix has {rows} rows.",
        where=Where(folder),
        hint="tokenizer and weights are of different models, or tokens were added without resizing the embeddings.",
    )


def _highest_id(folder: Path) -> int | None:
    if (folder / "tokenizer.json").is_file():
        tokenizer: dict[str, Any] = read_json(folder / "tokenizer.json")
        try:
            vocabulary = tokenizer["model"]["vocab"]
            known = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
            padding = _padding_token(folder)
            added = [int(token["id"]) for token in tokenizer.get("added_tokens", []) if token["content"] != padding]
            return max([*map(int, known), *added], default=None)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                "the tokenizer cannot be read.",
                where=Where(folder / "tokenizer.json"),
                hint="copy or download the checkpoint again.",
            ) from error
    if (folder / "vocab.txt").is_file():
        return len(plain_files.read_text(folder / "vocab.txt").splitlines()) - 1
    return None


def _padding_token(folder: Path) -> str | None:
    """The token that fills rows up, as the side files name it; it stands in no text, and needs no embedding."""
    for name in SIDE_FILES[:2]:
        token = read_json(folder / name).get("pad_token") if (folder / name).is_file() else None
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            return token
    return None
