from pathlib import Path

import pytest
from harness_support.training_samples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.training.checkpoint_metadata import save_tokenizer
from harness.training.objectives.wordpiece_tokenizer import SPECIAL_TOKENS, train_tokenizer

_TEXTS = [(text, 1) for text, _ in examples()]


def _trained(**changes: object):
    return train_tokenizer(_TEXTS, **{"vocabulary": 150, "lowercase": True, "max_length": 32, **changes})


def test_the_same_texts_give_the_same_tokenizer() -> None:
    assert len({_trained().backend_tokenizer.to_str() for _ in range(4)}) == 1


def test_special_tokens_come_first_and_surround_a_text() -> None:
    tokenizer = _trained()
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    ids = tokenizer("The LAMP").input_ids
    assert (ids[0], ids[-1]) == (2, 3)
    assert ids == tokenizer("the lamp").input_ids
    assert sorted(tokenizer.all_special_tokens) == sorted(SPECIAL_TOKENS)


def test_case_is_kept_when_asked() -> None:
    tokenizer = train_tokenizer([("Lamp lamp Lamp", 3)], vocabulary=100, lowercase=False, max_length=32)
    assert tokenizer.tokenize("Lamp") != tokenizer.tokenize("lamp")


def test_texts_that_count_more_decide_the_pieces() -> None:
    rare, common = ("kettledrum", 5), ("zither zither zither", 1)
    tokenizer = train_tokenizer([rare, common], vocabulary=60, lowercase=True, max_length=32)
    assert tokenizer.tokenize("kettledrum") == ["kettledrum"]


def test_it_comes_back_from_its_files(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = _trained()
    save_tokenizer(tokenizer, tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)("the soup").input_ids == tokenizer("the soup").input_ids


@pytest.mark.parametrize(("texts", "vocabulary"), [(_TEXTS, 5), (_TEXTS, 12), ([], 100), ([("  ", 1)], 100)])
def test_too_small_a_vocabulary_or_no_text_is_refused(texts: list[tuple[str, int]], vocabulary: int) -> None:
    with pytest.raises(DataError, match="too small"):
        train_tokenizer(texts, vocabulary=vocabulary, lowercase=True, max_length=32)


@settings(max_examples=15)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_any_text_is_taken(texts: list[str]) -> None:
    tokenizer = train_tokenizer(
        [("the lamp", 2), *((text, 1) for text in texts)], vocabulary=300, lowercase=True, max_length=32
    )
    assert tokenizer.tokenize("the lamp")
