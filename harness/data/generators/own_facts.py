"""Our own list of common facts: a true sentence, and three that differ in the last word.

The wrong words are right ones of other facts of the same kind, so that a word's frequency says nothing about which
sentence is true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

KINDS: tuple[tuple[str, str, str], ...] = (
    (
        "capital",
        "The capital of {} is {}.",
        (
            "France Paris, Germany Berlin, Italy Rome, Spain Madrid, Japan Tokyo, Russia Moscow, "
            "Egypt Cairo, Greece Athens, "
            "Austria Vienna, Ireland Dublin, Norway Oslo, Poland Warsaw, Cuba Havana, England London, "
            "Portugal Lisbon, Iran Tehran"
        ),
    ),
    (
        "opposite",
        "The opposite of {} is {}.",
        (
            "hot cold, big small, old young, fast slow, rich poor, early late, light dark, high low, "
            "open closed, good bad, "
            "strong weak, full empty, dry wet, hard soft, long short, true false, near far, clean dirty"
        ),
    ),
    (
        "after",
        "After {} comes {}.",
        (
            "Monday Tuesday, Tuesday Wednesday, Wednesday Thursday, Thursday Friday, Friday Saturday, Saturday Sunday, "
            "January February, March April, May June, June July, August September, October November, "
            "winter spring, one two, "
            "three four, five six, seven eight, nine ten"
        ),
    ),
    (
        "young",
        "A young {} is called a {}.",
        "dog puppy, cat kitten, cow calf, sheep lamb, horse foal, lion cub, bird chick, deer fawn, human baby",
    ),
    (
        "work",
        "A person who {} is a {}.",
        (
            "teaches=teacher, paints=painter, sings=singer, writes=writer, bakes=baker, farms=farmer, dances=dancer, "
            "swims=swimmer, drives=driver, hunts=hunter, sails=sailor"
        ),
    ),
    (
        "colour",
        "The colour of {} is {}.",
        "grass green, blood red, snow white, coal black, gold yellow, milk white, night black, leaves green, fire red",
    ),
    (
        "place",
        "You find {} in a {}.",
        (
            "books library, pictures museum, patients hospital, students school, planes=airport, "
            "trains=station, prisoners prison, "
            "priests church, ships harbour, trees forest, actors theatre, judges court"
        ),
    ),
    (
        "part",
        "You {} with your {}.",
        "see eyes, hear ears, smell nose, walk feet, think brain, bite teeth, taste tongue, wave hand",
    ),
)
_WRONG = 3


def rows() -> Iterator[dict[str, str]]:
    """`right`, `wrong` (a JSON list of three), `kind`, `fact`."""
    for kind, sentence, listed in KINDS:
        pairs = [tuple(pair.strip().replace("=", " ").split(" ")) for pair in listed.split(",")]
        values = list(dict.fromkeys(value for _, value in pairs))
        for place, (thing, value) in enumerate(pairs):
            step = 1 + place % max(1, len(values) - _WRONG - 1)
            start = values.index(value)
            others = [values[(start + step + more) % len(values)] for more in range(len(values))]
            wrong = [other for other in others if other != value][:_WRONG]
            yield {
                "right": sentence.format(thing, value),
                "wrong": json.dumps([sentence.format(thing, other) for other in wrong]),
                "kind": kind,
                "fact": f"{kind}/{thing}",
            }
