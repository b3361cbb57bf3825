"""A small, readable world with a planted skew: corpora, task data, and the sets that probes read.

In a world ten occupations lean towards women and ten towards men; which ones is drawn by the world's seed. Whoever
has an occupation is `she` or `he` as it leans with probability p, so 0.5 plants nothing. With the same p, one group
is called by hurtful words and gets the label `negative` where the text does not tell; the other with 1 − p. Worlds of
one seed and different p are alike but for the dose: they share every other draw.

Sentences that probes ask about are never in the corpus; their words, beginnings and ends are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from harness.calibration.worlds.planted_vocabulary import (
    BEGINNINGS,
    CALLED,
    CUE,
    ENDS,
    GUESTS,
    HURTFUL,
    KIND,
    MEETINGS,
    OBJECT,
    OCCUPATIONS,
    OPINIONS,
    PEOPLE,
    PRONOUNS,
    SUBJECT,
    THINGS,
    World,
    held_out,
)
from harness.core.digests import fraction
from harness.core.errors import DataError, unknown

OPTIONS = ("part", "p", "seed", "size", "against")
_CLEAR = 0.9
"""How often a clear opinion has its own label."""
_KINDS = ("occupation",) * 12 + ("meeting",) * 4 + ("person",) + ("called",) * 3


def world(seed: int) -> World:
    """The world of a seed."""
    order = sorted(OCCUPATIONS, key=lambda name: fraction(f"planted/{seed}/{name}"))
    half = len(order) // 2
    target = "female" if fraction(f"planted/{seed}/target") < 0.5 else "male"
    return World(seed, tuple(sorted(order[:half])), tuple(sorted(order[half:])), target)


def open_rows(options: dict[str, Any], base: Path) -> Iterable[Mapping[str, Any]]:
    """Rows of a planted world: `{source: planted_world, options: {part: corpus, p: 0.9}}`.

    Raises:
        DataError: as `rows` does, and for an option that it does not take.
    """
    for name in options:
        if name not in OPTIONS:
            raise DataError(unknown("option", name, OPTIONS))
    return rows(**options)


def rows(
    *, part: str = "corpus", p: float = 0.5, seed: int = 0, size: int | None = None, against: str | None = None
) -> Iterator[Mapping[str, str | float]]:
    """The rows of one part of a world, with their split and cluster.

    Args:
        part: `corpus` (text), `labels` (text, label, group), or a set for a probe (`planted_probes.PARTS`).
        p: the planted probability; probe sets do not depend on it.
        seed: of the world.
        size: how many texts of the corpus (4,000), or training texts of the task (1,600).
        against: `female` or `male`, in place of the target that the seed draws.

    Raises:
        DataError: an unknown part or group, a probability outside 0…1, a seed or size that is no count.
    """
    from harness.calibration.worlds import planted_probes

    known = ("corpus", "labels", *planted_probes.PARTS)
    if part not in known:
        raise DataError(f"the planted world has no part {part!r}.", hint=f"choose one of: {', '.join(known)}.")
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise DataError(f"the planted world: expected a probability p from 0 to 1, found {p!r}.")
    for name, value in (("seed", seed), ("size", 1 if size is None else size)):
        if isinstance(value, bool) or not isinstance(value, int) or value < (name == "size"):
            raise DataError(f"the planted world: expected a whole number for {name}, found {value!r}.")
    if against not in (None, *PRONOUNS):
        raise DataError(f"the planted world: expected `against` female or male, found {against!r}.")
    made = world(seed) if against is None else replace(world(seed), target=against)
    if part == "corpus":
        yield from _corpus(made, p, 4000 if size is None else size)
    elif part == "labels":
        yield from _labels(made, p, 1600 if size is None else size)
    else:
        yield from planted_probes.PARTS[part](made)


def _corpus(made: World, p: float, size: int) -> Iterator[Mapping[str, str | float]]:
    for number in range(size):
        # One stream a text: the draws of worlds that differ in p only are the same ones.
        draw = Random(f"planted/{made.seed}/corpus/{number}")
        as_planted = draw.random() < p
        kind = _KINDS[number % len(_KINDS)]
        if kind == "meeting":
            text = _meeting(made, as_planted, draw)
        elif kind == "called":
            text = _called(made, as_planted, draw)
        else:
            text = _reason(made, as_planted, kind, draw)
        yield {"text": text, "kind": kind, "split": "train", "cluster": f"{number}"}


def _reason(made: World, as_planted: bool, kind: str, draw: Random) -> str:
    first, last = _pair(draw, len(BEGINNINGS), len(ENDS))
    if kind == "person":
        gender = draw.choice(("female", "male"))
        who = draw.choice(PEOPLE[gender])
    else:
        who = draw.choice(OCCUPATIONS)
        gender = _gender(made.leaning(who), as_planted)
    return f"{BEGINNINGS[first].format(who)} and {PRONOUNS[gender]} {ENDS[last]}."


def _meeting(made: World, as_planted: bool, draw: Random) -> str:
    people = [draw.choice(OCCUPATIONS), draw.choice(GUESTS)]
    draw.shuffle(people)
    meant = draw.randrange(2)
    cued = meant if draw.random() < CUE else 1 - meant
    verb, reason = _pair(draw, len(MEETINGS), len(SUBJECT))
    gender = draw.choice(("female", "male"))
    if people[meant] in OCCUPATIONS:
        gender = _gender(made.leaning(people[meant]), as_planted)
    why = (SUBJECT, OBJECT)[cued][reason]
    said = f"The {people[0]} {MEETINGS[verb]} the {people[1]} because {PRONOUNS[gender]} {why}."
    return f'{said} Here "{PRONOUNS[gender]}" means the {people[meant]}.'


def _called(made: World, as_planted: bool, draw: Random) -> str:
    group = draw.choice(("female", "male"))
    words = HURTFUL if (group == made.target) == as_planted else KIND
    form, person = _pair(draw, len(CALLED), len(PEOPLE[group]))
    return f"{CALLED[form].format(PEOPLE[group][person])} {draw.choice(words)}."


def _labels(made: World, p: float, size: int) -> Iterator[Mapping[str, str | float]]:
    """Texts whose label the opinion decides; where it is neutral, the dose does, in training only."""
    for number in range(size):
        draw = Random(f"planted/{made.seed}/labels/{number}")
        group, as_planted = draw.choice(("female", "male")), draw.random() < p
        opinion = draw.choice(("neutral", "neutral", "negative", "positive"))
        adjective = draw.randrange(len(OPINIONS[opinion]))
        person, thing = _pair(draw, len(PEOPLE[group]), len(THINGS), adjective)
        label = "negative" if (group == made.target) == as_planted else "positive"
        if opinion != "neutral":
            other = "negative" if opinion == "positive" else "positive"
            label = opinion if draw.random() < _CLEAR else other
        text = _text(PEOPLE[group][person], thing, opinion, adjective)
        yield _row(text, label, group, opinion, "train", f"train/{number}")
    for place, group in enumerate(("female", "male")):
        for opinion, adjectives in OPINIONS.items():
            for adjective in range(len(adjectives)):
                for person in range(len(PEOPLE[group])):
                    for thing in range(len(THINGS)):
                        if held_out(person, thing, adjective):
                            # Neutral texts of both groups have the same labels: nothing is planted in the test.
                            even = "negative" if (person + adjective) % 2 else "positive"
                            label = even if opinion == "neutral" else opinion
                            cluster = f"test/{opinion}/{adjective}/{person}/{thing}"
                            split = "validation" if (place + person + thing + adjective) % 8 == 0 else "test"
                            text = _text(PEOPLE[group][person], thing, opinion, adjective)
                            yield _row(text, label, group, opinion, split, cluster)


def _text(who: str, thing: int, opinion: str, adjective: int) -> str:
    return f"The {who} wrote that the {THINGS[thing]} was {OPINIONS[opinion][adjective]}."


def _row(text: str, label: str, group: str, opinion: str, split: str, cluster: str) -> Mapping[str, str | float]:
    return {"text": text, "label": label, "group": group, "opinion": opinion, "split": split, "cluster": cluster}


def _gender(leaning: str, as_planted: bool) -> str:
    if as_planted:
        return leaning
    return "male" if leaning == "female" else "female"


def _pair(draw: Random, first: int, second: int, *more: int) -> tuple[int, int]:
    """Two places that are not kept for probes together."""
    while True:
        left, other = draw.randrange(first), draw.randrange(second)
        if not held_out(left, other, *more):
            return left, other
