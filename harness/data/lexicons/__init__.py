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
    name_counterpart,
    polarity_words,
)
from harness.data.lexicons.lexicon import Entry, Lexicon, parse_lexicon, read_lexicon

__all__ = [
    "NAME_GROUPS",
    "Entry",
    "Excluded",
    "GivenName",
    "Lexicon",
    "described_words",
    "excluded_words",
    "gender_words",
    "given_names",
    "hurtful_words",
    "name_counterpart",
    "parse_lexicon",
    "polarity_words",
    "read_lexicon",
]
