from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from harness.data.overlap import overlap

LONG = "the quick brown fox jumps over the lazy dog while seven wizards mix a potion of green tea and honey"
WORDS = st.lists(st.sampled_from(["a", "b", "c", "dog", "Cat"]), min_size=1, max_size=9)


def test_the_three_degrees() -> None:
    items = [
        ("exact", "A short text."),
        ("cased", "another  TEXT here"),
        ("part", LONG),
        ("fresh", "nothing of this was ever seen by the model in any of its many training texts at all"),
    ]
    training = ["A short text.", "Another text here", f"He said: {LONG}, and more."]
    report = overlap(training, items)
    assert report.exact == {"exact"}
    assert report.normalized == {"exact", "cased"}
    assert report.ngram == {"exact", "cased", "part"}
    assert (report.items, report.checkable, report.words) == (4, 2, 13)


def test_punctuation_and_case_do_not_hide_a_run() -> None:
    hidden = LONG.upper().replace(" ", ", ")
    assert overlap([hidden], [("part", LONG)]).ngram == {"part"}


def test_a_run_never_spans_two_training_texts() -> None:
    words = LONG.split()
    halves = [" ".join(words[:10]), " ".join(words[10:])]
    assert overlap(halves, [("part", LONG)]).ngram == frozenset()


def test_short_items_count_only_whole() -> None:
    item = [("short", "one two three four five six seven")]
    assert overlap(["zero one two three four five six seven eight"], item).ngram == {"short"}
    assert overlap(["one two three four five six"], item).ngram == frozenset()


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=6), st.integers(2, 5))
def test_it_agrees_with_a_plain_search(training: list[list[str]], items: list[list[str]], words: int) -> None:
    report = overlap(
        (" ".join(text) for text in training), [(str(n), " ".join(i)) for n, i in enumerate(items)], words=words
    )
    folded = [[word.casefold() for word in text] for text in training]

    def runs(tokens: list[str], size: int) -> set[tuple[str, ...]]:
        return {tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)}

    for number, item in enumerate(items):
        tokens = [word.casefold() for word in item]
        size = min(words, len(tokens))
        long_enough = size >= max(1, words // 2)
        found = any(runs(tokens, size) & runs(text, size) for text in folded) if long_enough else False
        whole = tokens in folded
        assert (str(number) in report.ngram) == (found or whole)
        assert (str(number) in report.normalized) == whole


def test_training_text_is_streamed() -> None:
    alive = 0

    def texts() -> Iterator[str]:
        nonlocal alive
        for number in range(50_000):
            alive = number
            yield f"text {number} of many with some words in it"

    report = overlap(texts(), [("last", "TEXT 49999 of many with some words in it")])
    assert alive == 49_999
    assert report.normalized == {"last"}
