"""The lists that come with the package, read once."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from harness.core.digests import digest
from harness.core.errors import DataError, unknown
from harness.text.lexicons.lexicon import Lexicon, parse_lexicon

Gender = Literal["male", "female"]
NAME_GROUPS = ("white", "black", "hispanic", "asian")
COMMON = "common"


@dataclass(frozen=True, slots=True)
class GivenName:
    """A given name as it is mostly used in the United States.

    Attributes:
        group: one of `NAME_GROUPS`, or `common` for names that no single group stands out in.
        gender: the gender that mostly bears it.
        pair: names of equal pair are counterparts and have as many letters.
    """

    word: str
    group: str
    gender: Gender
    pair: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A gendered word or name that is never swapped.

    Attributes:
        kind: `neutral` stays as it is; `blocking` keeps the whole text from being swapped by gender;
            `title` does so before a capitalised name, `name` where it is clearly used as a name.
    """

    word: str
    kind: Literal["neutral", "blocking", "title", "name"]
    group: Gender
    reason: str


def _text(file: str) -> str:
    return files("harness.text.lexicons").joinpath(file).read_text(encoding="utf-8")


@cache
def gender_words() -> Lexicon:
    """Gendered words, `male` and `female`. `her` stands once, as the counterpart of `him`; the swap
    tells it from the possessive."""
    return parse_lexicon(_text("gender_words.csv"), name="gender", source="gender_words.csv")


@cache
def given_names() -> dict[str, GivenName]:
    """Given names by their spelling."""
    rows = csv.DictReader(io.StringIO(_text("given_names.csv")))
    return {row["word"]: GivenName(row["word"], row["group"], cast(Gender, row["gender"]), row["pair"]) for row in rows}


@cache
def excluded_words() -> dict[str, Excluded]:
    """Words and names left alone: names by their spelling, other words in lower case."""
    rows = csv.DictReader(io.StringIO(_text("excluded.csv")))
    return {
        row["word"]: Excluded(
            row["word"],
            cast(Literal["neutral", "blocking", "title", "name"], row["kind"]),
            cast(Gender, row["group"]),
            row["reason"],
        )
        for row in rows
    }


@cache
def _by_place() -> dict[tuple[str, str], list[GivenName]]:
    places: dict[tuple[str, str], list[GivenName]] = {}
    for name in given_names().values():
        places.setdefault((name.group, name.gender), []).append(name)
    return places


def name_counterpart(word: str, *, group: str | None = None, gender: str | None = None) -> str | None:
    """The name with the same number of letters in another group or of the other gender.

    Between the groups of `NAME_GROUPS`, and between the genders, counterparts go both ways. A
    `common` name goes to a name of the group by position; nothing goes to `common`.

    Raises:
        DataError: for an unknown group or gender.
    """
    counterpart = given_names().get(word)
    if counterpart is None:
        return None
    group, gender = group or counterpart.group, gender or counterpart.gender
    if (group, gender) not in _by_place():
        raise DataError(unknown("group of names", f"{group}/{gender}", ("/".join(key) for key in _by_place())))
    candidates = _by_place()[(group, gender)]
    paired = [name.word for name in candidates if name.pair == counterpart.pair]
    if paired:
        return paired[0]
    same = [name.word for name in candidates if len(name.word) == len(word)]
    if counterpart.group != COMMON or not same:
        return None
    peers = [name.word for name in _by_place()[(counterpart.group, counterpart.gender)] if len(name.word) == len(word)]
    return same[peers.index(word) % len(same)]


def hurtful_words() -> dict[str, str]:
    """Our own list of words that hurt where they stand for a person: word → kind. No other list is part of harness."""
    return _kinds("hurtful_words.csv")


def polarity_words() -> dict[str, str]:
    """Our own list of words that speak well or ill of people: word → `positive` or `negative`."""
    return _kinds("polarity_words.csv")


def described_words() -> dict[str, str]:
    """Our own list of what is said of people: word → `occupation` or `attribute`."""
    return _kinds("occupations.csv")


def lists_digest() -> str:
    """Digest of the built-in word lists, which decide what is swapped by what."""
    names = [dataclasses.asdict(name) for name in given_names().values()]
    excluded = [dataclasses.asdict(word) for word in excluded_words().values()]
    return digest([[dataclasses.asdict(entry) for entry in gender_words().entries], names, excluded])


@cache
def _kinds(file: str) -> dict[str, str]:
    return {row["word"]: row["kind"] for row in csv.DictReader(io.StringIO(_text(file)))}
