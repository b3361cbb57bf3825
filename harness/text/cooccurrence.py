"""Which words stand together with which groups in a sentence: the counts behind audits and amplification."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.text.lexicons.builtin_lists import described_words
from harness.text.lexicons.group_words import GroupWords

_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")


@dataclass(frozen=True, slots=True)
class Together:
    """A sentence that holds a word of a list and a word of a group.

    Attributes:
        words: of the list, each once.
        groups: all groups that the sentence holds.
    """

    words: tuple[str, ...]
    groups: frozenset[str]
    cluster: str | int


def own_words() -> GroupWords:
    """Occupations and attributes of our own list; each word is its own group, plain plurals included."""
    return GroupWords({word: (word, f"{word}s") for word in described_words()})


def together(
    texts: Iterable[tuple[str, str | int]],
    groups: GroupWords,
    words: GroupWords,
    named_in: list[frozenset[str]] | None = None,
) -> Iterator[Together]:
    """The sentences of (text, cluster) in which words and groups meet.

    `named_in` gets the groups of every sentence that names one.

    A word of the list that names a group itself (`actor` for men) is left out: it would meet only itself.
    """
    words = GroupWords({word: forms for word, forms in words.words.items() if not any(map(groups.found, forms))})
    for text, cluster in texts:
        if not groups.found(text):
            continue
        for sentence in _END.split(text):
            named = groups.found(sentence)
            if named and named_in is not None:
                named_in.append(frozenset(named))
            if named and (said := words.found(sentence)):
                yield Together(tuple(said), frozenset(named), cluster)


def counts(texts: Iterable[tuple[str, str]], groups: GroupWords, words: GroupWords) -> Counter[tuple[str, str]]:
    """c(word, group): in how many sentences they meet. A sentence with two groups counts for both."""
    pairs: Counter[tuple[str, str]] = Counter()
    for meeting in together(texts, groups, words):
        pairs.update((word, group) for word in meeting.words for group in meeting.groups)
    return pairs


def group_rates(sentences: Sequence[frozenset[str]], groups: GroupWords) -> dict[str, float]:
    """Group → its share of the sentences that name any group: the base rate of what stands beside a word."""
    held = Counter(group for named in sentences for group in named)
    return {group: held[group] / len(sentences) for group in groups.groups} if sentences else {}
