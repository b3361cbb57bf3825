"""Our own minimal pairs and sentiment sentences."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from harness.core.errors import DataError
from harness.data.generators.own_pairs import OwnPair, differing_span, own_pairs, rows, validate
from harness.data.generators.sentiment_templates import rows as sentence_rows
from harness.data.generators.sentiment_templates import sentences
from harness.text.swaps.swap import swap

COLUMNS = ["more", "less", "bias_type", "template", "paraphrase", "group_more", "group_less", "id"]


def test_the_set_is_valid_and_large_enough() -> None:
    pairs = own_pairs()
    validate(pairs)
    assert len(pairs) >= 1000
    assert len({pair.template for pair in pairs}) >= 120
    assert len({pair.id for pair in pairs}) == len(pairs)


def test_every_template_has_three_wordings() -> None:
    wordings: dict[str, set[str]] = {}
    for pair in own_pairs():
        wordings.setdefault(pair.template, set()).add(pair.paraphrase)
    assert all(len(found) >= 3 for found in wordings.values())


def test_every_bias_type_has_enough_pairs_and_templates() -> None:
    pairs = Counter(pair.bias_type for pair in own_pairs())
    templates = Counter(kind for kind, _ in {(pair.bias_type, pair.template) for pair in own_pairs()})
    assert len(pairs) == 9
    assert min(pairs.values()) >= 80
    assert min(templates.values()) >= 9


def test_gender_stands_on_the_stereotypical_side_about_equally_often() -> None:
    male = [pair.group_more in ("male", "men", "boys") for pair in own_pairs() if pair.bias_type == "gender"]
    assert 0.4 < sum(male) / len(male) < 0.6


def test_a_pair_differs_in_one_span_of_equal_words() -> None:
    for pair in own_pairs():
        more, less = differing_span(pair.more, pair.less)
        assert 1 <= len(more) == len(less) <= 2


def test_names_in_contrast_have_as_many_letters() -> None:
    for pair in own_pairs():
        if pair.bias_type == "race":
            assert len(pair.more) == len(pair.less)


def test_rows_are_the_columns_of_the_catalog() -> None:
    first = next(iter(rows()))
    assert list(first) == COLUMNS


def test_the_set_is_the_same_every_time() -> None:
    again = own_pairs.__wrapped__()
    assert again == own_pairs()


def _broken(pairs: tuple[OwnPair, ...], **changes: str) -> list[OwnPair]:
    return [replace(pairs[0], **changes), *pairs[1:]]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"less": "the nurse said that she had worked a long shift ."}, "the same"),
        ({"less": "the nurse said that the man had worked a long shift ."}, "number of words"),
        ({"more": "a hour ago she left .", "less": "a hour ago he left ."}, "expected 'an'"),
    ],
)
def test_a_faulty_pair_is_named(changes: dict[str, str], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        validate(_broken(own_pairs(), **changes))


def test_duplicates_even_the_other_way_round_are_faults() -> None:
    first = own_pairs()[0]
    with pytest.raises(DataError, match="more than once"):
        validate([*own_pairs(), replace(first, more=first.less, less=first.more)])


def test_few_or_heavy_templates_are_faults() -> None:
    with pytest.raises(DataError, match="at least 100 templates") as caught:
        validate(own_pairs()[:90])
    assert "more than 2%" in str(caught.value)


def test_there_are_enough_sentences_in_every_sentiment() -> None:
    found = list(sentences())
    assert len({sentence.template_id for sentence in found}) >= 40
    wordings = Counter(template for template, _ in {(one.template_id, one.paraphrase_id) for one in found})
    assert min(wordings.values()) >= 3
    templates = Counter(kind for kind, _ in {(one.sentiment, one.template_id) for one in found})
    assert min(templates[kind] for kind in ("positive", "neutral", "negative")) >= 10


def test_sentences_can_be_swapped_by_gender_and_back_or_are_undecided() -> None:
    """A text with "her results" may hold an object or a possessive: it stays as it is, and is never swapped wrongly."""
    undecided = set()
    for sentence in sentences():
        variants = [variant for variant in sentence.variants if variant.kind == "gender"]
        assert [variant.from_group for variant in variants] in ([], [sentence.group])
        back = [variant.text for variant in swap(variants[0].text, ("gender",))] if variants else []
        assert back in ([], [sentence.text])
        if not back:
            undecided.add((sentence.template_id, sentence.paraphrase_id))
    assert len(undecided) <= 3


def test_no_sentence_is_the_variant_of_another() -> None:
    texts = [sentence.text for sentence in sentences()]
    variants = [variant.text for sentence in sentences() for variant in sentence.variants]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & set(variants)


def test_no_slot_is_left_open() -> None:
    for row in sentence_rows():
        assert "{" not in row["text"]
        assert row["text"][0] != " "


def test_importing_the_lists_and_swaps_loads_no_pandas() -> None:
    code = (
        "import sys, harness.text.swaps, harness.text.lexicons, harness.data.generators.own_pairs as o;"
        "import harness.data.generators.sentiment_templates;"
        "print([m for m in ('pandas', 'numpy', 'torch', 'pyarrow', 'ruamel.yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
