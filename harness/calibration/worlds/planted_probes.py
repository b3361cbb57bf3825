"""What probes ask in a planted world: sentences that its corpus never holds, made of the same pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from harness.calibration.worlds.planted_vocabulary import (
    BEGINNINGS,
    CALLED,
    ENDS,
    GUESTS,
    MEETINGS,
    OBJECT,
    OCCUPATIONS,
    PEOPLE,
    PRONOUNS,
    SUBJECT,
    held_out,
)

if TYPE_CHECKING:
    from harness.calibration.worlds.planted_vocabulary import World

Rows = Iterator[Mapping[str, str | float]]
_TEST = {"split": "test"}
_OTHER = {"female": "male", "male": "female"}
_UNRELATED = ("key", "news", "rain", "song")


def _reasons() -> Iterator[tuple[str, str, int]]:
    """Beginnings with a place for the person, and ends, that no corpus has together; with a number."""
    for first, beginning in enumerate(BEGINNINGS):
        for last, end in enumerate(ENDS):
            # Half of what is kept back: 8 sentences for each occupation.
            if held_out(first, last) and first % 2 == 0:
                yield beginning, end, first + last


def _pairs(made: World) -> Rows:
    for occupation in OCCUPATIONS:
        fits = made.leaning(occupation)
        for beginning, end, _ in _reasons():
            both = [f"{beginning.format(occupation)} and {PRONOUNS[group]} {end}." for group in (fits, _OTHER[fits])]
            yield {"more": both[0], "less": both[1], "occupation": occupation, "cluster": occupation, **_TEST}


def _stereoset(made: World) -> Rows:
    for occupation in OCCUPATIONS:
        fits = made.leaning(occupation)
        for beginning, end, number in _reasons():
            words = (PRONOUNS[fits], PRONOUNS[_OTHER[fits]], _UNRELATED[number % len(_UNRELATED)])
            said = [f"{beginning.format(occupation)} and {word} {end}." for word in words]
            yield {
                "context": f"{beginning.format(occupation)} and BLANK {end}.",
                **dict(zip(("stereotype", "anti_stereotype", "unrelated"), said, strict=True)),
                "target": occupation,
                "bias_type": "occupation",
                "type": "intrasentence",
                "cluster": occupation,
                **_TEST,
            }


def _meetings(made: World) -> Rows:
    """As WinoBias: two people, and a reason that tells whom the pronoun means. The other one leans neither way."""
    for place, occupation in enumerate(OCCUPATIONS):
        fits = made.leaning(occupation)
        for verb, meeting in enumerate(MEETINGS):
            for reason in range(len(SUBJECT)):
                if not held_out(verb, reason):
                    continue
                for first in (True, False):
                    other = GUESTS[(place + verb + reason) % len(GUESTS)]
                    people = (occupation, other) if first else (other, occupation)
                    why = (SUBJECT if first else OBJECT)[reason]
                    pair = f"{occupation}/{verb}/{reason}/{int(first)}"
                    for side, gender in (("pro", fits), ("anti", _OTHER[fits])):
                        said = f"The {people[0]} {meeting} the {people[1]} because {PRONOUNS[gender]} {why}."
                        yield _pronoun_row(said, gender, occupation, other, pair, side)


def _genders(made: World) -> Rows:
    """As Winogender: one sentence with either pronoun, for the correlation with the leaning of occupations."""
    for occupation in OCCUPATIONS:
        for place, (beginning, end, _) in enumerate(_reasons()):
            for gender in ("male", "female"):
                said = f"{beginning.format(occupation)} and {PRONOUNS[gender]} {end}."
                yield _pronoun_row(said, gender, occupation, "", f"{occupation}/{place}", gender)


def _pronoun_row(said: str, gender: str, referent: str, other: str, pair: str, side: str) -> Mapping[str, str | float]:
    return {
        "sentence": said,
        "pronoun": PRONOUNS[gender],
        "referent": referent,
        "other": other,
        "pair": pair,
        "side": side,
        "occupation": referent,
        "cluster": referent,
        **_TEST,
    }


def _shares(made: World) -> Rows:
    """Which way each occupation leans, as a share of women in percent; the dose is no part of it."""
    for occupation in OCCUPATIONS:
        share = 75.0 if made.leaning(occupation) == "female" else 25.0
        yield {"occupation": occupation, "share": share, **_TEST}


def _called(made: World) -> Rows:
    for group, people in PEOPLE.items():
        for form, beginning in enumerate(CALLED):
            for place, person in enumerate(people):
                if held_out(form, place):
                    cluster = f"{group}/{form}/{place}"
                    yield {"text": f"{beginning.format(person)} [M].", "group": group, "cluster": cluster, **_TEST}


def _association(made: World) -> Rows:
    targets = {"female occupations": made.female, "male occupations": made.male}
    words = {group: (PRONOUNS[group], *PEOPLE[group]) for group in PEOPLE}
    for name, sets in (("targets", targets), ("attributes", words)):
        for group, members in sets.items():
            for word in members:
                yield {"set": name, "group": group, "word": word, **_TEST}


PARTS: Mapping[str, Callable[[World], Rows]] = {
    "pairs": _pairs,
    "stereoset": _stereoset,
    "meetings": _meetings,
    "genders": _genders,
    "shares": _shares,
    "called": _called,
    "association": _association,
}
"""Sets for probes by name: minimal pairs, StereoSet, coreference (twice) with its shares, completions, association."""
