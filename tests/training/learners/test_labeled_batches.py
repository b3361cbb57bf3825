import numpy as np
import pytest
from harness_support.training_samples import examples, labeled
from transformers import AutoTokenizer

from harness.core.errors import DataError
from harness.models.encoding.row_encoder import tokenized
from harness.training.learners.labeled_batches import LabeledBatches, LabeledRows, classes, padded
from harness.training.objectives.token_masking import MaskVocabulary


@pytest.fixture
def tokenizer(base):
    return AutoTokenizer.from_pretrained(base)


def _plan(tokenizer, **changes):
    texts = labeled(examples(40))
    targets = classes([text.places for text in texts], None)
    rows = LabeledRows(tokenized(tokenizer, texts, 64), targets, tokenizer.pad_token_id)
    return LabeledBatches(rows, MaskVocabulary.of(tokenizer), size=8, epochs=2, seed=0, **changes)


def test_a_batch_holds_its_texts_and_labels(tokenizer) -> None:
    plan = _plan(tokenizer)
    known = {tuple(tokenizer(text).input_ids): label for text, label in examples(40)}
    seen = 0
    for place in range(len(plan)):
        batch = plan[place]
        assert plan.tokens(place) == int(batch["attention_mask"].sum())
        for ids, attention, label in zip(batch["input_ids"], batch["attention_mask"], batch["classes"], strict=True):
            assert known[tuple(ids[attention.bool()].tolist())] == int(label)
            seen += 1
    assert seen == 2 * 40


def test_a_batch_is_the_same_whenever_it_is_asked_for(tokenizer) -> None:
    for changes in ({"word_dropout": 0.3}, {"memory": True}):
        plan, again = _plan(tokenizer, **changes), _plan(tokenizer, **changes)
        assert plan[3]["input_ids"].equal(again[3]["input_ids"])


def test_word_dropout_hides_words_but_never_special_tokens(tokenizer) -> None:
    plain, hidden = _plan(tokenizer)[0]["input_ids"], _plan(tokenizer, word_dropout=0.5)[0]["input_ids"]
    changed = plain != hidden
    assert changed.any()
    assert (hidden[changed] == tokenizer.mask_token_id).all()
    assert not np.isin(plain[changed], tokenizer.all_special_ids).any()


def test_a_memory_batch_says_what_was_masked(tokenizer) -> None:
    plain, batch = _plan(tokenizer)[0], _plan(tokenizer, memory=True)[0]
    assert plain["input_ids"][batch["masked"]].equal(batch["targets"])


def test_no_room_for_text_is_refused(tokenizer) -> None:
    with pytest.raises(DataError, match="leaves no room"):
        tokenized(tokenizer, labeled(examples(2)), 2)


def test_rows_are_filled_up_to_the_longest() -> None:
    ids, attention = padded([[5], [6, 7, 8]], 0)
    assert ids.tolist() == [[5, 0, 0], [6, 7, 8]]
    assert attention.tolist() == [[1, 0, 0], [1, 1, 1]]
