from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from harness.core.errors import CheckpointError
from harness.models.encoding.guarded_tokenizer import GuardedTokenizer


def test_an_unknown_word_without_an_unknown_token_is_an_error_of_the_checkpoint() -> None:
    tokenizer = GuardedTokenizer(Tokenizer(models.WordPiece({"a": 0}, unk_token="[UNK]")))
    assert tokenizer.encode("a").ids == [0]
    with pytest.raises(CheckpointError, match="the tokenizer fails on a text"):
        tokenizer.encode_batch(["a", "b"])


def test_a_panic_is_an_error_of_the_checkpoint() -> None:
    from tokenizers import Regex

    inner = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("(a|aa|.)*(a+)+(.*)*$b"), "isolated")
    with pytest.raises(CheckpointError, match="PanicException"):
        GuardedTokenizer(inner).encode("a" * 40)


def test_settings_reach_the_tokenizer_itself() -> None:
    inner = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    GuardedTokenizer(inner).encode_special_tokens = True
    assert inner.encode_special_tokens
