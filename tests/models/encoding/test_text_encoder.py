from __future__ import annotations

import pytest
from harness_support import model_zoo
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from harness.core.errors import CheckpointError
from harness.models.encoding.text_encoder import TextEncoder, encode_texts

ALL = {kind: model_zoo.TOKENIZERS[kind]() for kind in ("bert", "roberta", "gpt2", "llama")}
SPECIAL = "A [MASK] or [SEP], <s> and </s>, <mask>, <|endoftext|>[CLS]"


@pytest.mark.parametrize("kind", ALL)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40))
def test_texts_become_what_the_tokenizer_makes_of_them(kind, text):
    tokenizer = ALL[kind]
    encoded = encode_texts(tokenizer, [text, "a"], None)
    if not any(token in text for token in tokenizer.all_special_tokens):
        assert encoded.ids[0] == tokenizer(text)["input_ids"]
    assert encoded.truncated == [0, 0]


@pytest.mark.parametrize("kind", ALL)
def test_special_tokens_in_data_are_text(kind):
    encoder = TextEncoder(ALL[kind])
    plain = encoder.plain([SPECIAL])[0]
    control = set(ALL[kind].all_special_ids) - {ALL[kind].unk_token_id}
    assert control.isdisjoint(plain)
    assert encoder.pieces([SPECIAL])[0].ids == plain
    assert encode_texts(encoder, [SPECIAL], None).ids[0] == encoder.wrap(plain)


def test_a_word_that_is_a_special_token_in_the_vocabulary_stays_text():
    """Whitespace splitting finds `[MASK]` in the vocabulary itself."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "[MASK]": 1, "a": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", mask_token="[MASK]")
    assert encode_texts(tokenizer, ["a [MASK] a"], None).ids == [[2, 0, 2]]


def test_a_gap_beside_a_literal_mask_token():
    encoder = TextEncoder(ALL["bert"])
    gap = encoder.gap("A [MASK] is {mask}.", None)
    assert gap.ids.count(encoder.mask_id) == 1
    assert gap.ids[gap.position] == encoder.mask_id


def test_truncation_is_from_the_right_and_counted():
    encoder = TextEncoder(ALL["bert"])
    whole = encoder.plain([model_zoo.TEXTS[0]])[0]
    encoded = encode_texts(encoder, [model_zoo.TEXTS[0]], 10)
    assert encoded.ids == [[*encoder.prefix, *whole[:8], *encoder.suffix]]
    assert encoded.truncated == [len(whole) - 8]
    assert (encoded.prefix, encoded.suffix) == (1, 1)


def test_truncation_and_padding_saved_in_the_tokenizer_are_not_used():
    tokenizer = model_zoo.wordpiece()
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=50)
    encoded = encode_texts(tokenizer, [model_zoo.TEXTS[0]], None)
    assert 10 < len(encoded.ids[0]) < 50
    assert tokenizer.backend_tokenizer.truncation is not None


def test_lone_surrogates_are_replaced():
    assert encode_texts(ALL["gpt2"], ["a\ud800b"], None).ids == encode_texts(ALL["gpt2"], ["a\ufffdb"], None).ids


@pytest.mark.parametrize("kind", ALL)
def test_words_end_at_white_space(kind):
    encoder = TextEncoder(ALL[kind])
    pieces = encoder.pieces(["players  repaired wheelbarrow"])[0]
    firsts = {}
    for (start, end), word in zip(pieces.offsets, pieces.words, strict=True):
        if "players  repaired wheelbarrow"[start:end].strip():
            firsts.setdefault(word, set()).add("players  repaired wheelbarrow"[: max(start, end - 1)].count(" ") > 0)
    assert len([spread for spread in firsts.values() if len(spread) == 1]) == len(firsts) >= 3


def test_fillings_are_single_tokens_in_their_place():
    encoder = TextEncoder(ALL["roberta"])
    vocabulary = ALL["roberta"].get_vocab()
    assert encoder.filling("It was {mask}", "a") == vocabulary["Ġa"]
    assert encoder.filling("{mask} film", "a") == vocabulary["a"]
    assert encoder.filling("It was {mask}", "xylophone") is None


def test_a_tokenizer_without_backend_is_refused():
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        TextEncoder(object())


def test_reloaded_tokenizers_encode_alike(tmp_path):
    for kind, tokenizer in ALL.items():
        tokenizer.save_pretrained(tmp_path / kind)
        again = AutoTokenizer.from_pretrained(tmp_path / kind)
        assert encode_texts(again, model_zoo.TEXTS, None) == encode_texts(tokenizer, model_zoo.TEXTS, None)
