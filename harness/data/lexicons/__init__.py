"""Word lists by group: gendered words, given names, words left alone, and the user's own lists."""

from harness.data.lexicons.builtin import (
    NAME_GROUPS,
    Excluded,
    GivenName,
    described_words,
    excluded_words,
    gender_words,
    given_names,
    hurtful_words,
    lists_digest,
    name_counterpart,
    polarity_words,
)
from harness.data.lexicons.groups import GroupWords, own_gender_words
from harness.data.lexicons.lexicon import Entry, Lexicon, given_lexicon, inline_lexicon, parse_lexicon, read_lexicon

__all__ = [
    "NAME_GROUPS",
    "Entry",
    "Excluded",
    "GivenName",
    "GroupWords",
    "Lexicon",
    "described_words",
    "excluded_words",
    "gender_words",
    "given_names",
    "hurtful_words",
    "given_lexicon",
    "inline_lexicon",
    "lists_digest",
    "name_counterpart",
    "own_gender_words",
    "parse_lexicon",
    "polarity_words",
    "read_lexicon",
]
