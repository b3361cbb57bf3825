"""Our own instructions whose answers rules can check, each with an answer that meets them.

The words that fill a template are split over train and test by the theme they belong to, so that a test instruction
has a known form and unknown words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

THEMES: tuple[tuple[str, tuple[str, str, str, str]], ...] = tuple(
    (line.split(":")[0], tuple(line.split(":")[1].split()))  # type: ignore[misc]  # four words each
    for line in (
        "garden:rose tree grass bee",
        "kitchen:bread knife soup plate",
        "sea:boat wave fish sand",
        "school:book pen desk lesson",
        "city:street bus shop bridge",
        "farm:cow horse field barn",
        "winter:snow ice coat fire",
        "music:song drum piano voice",
        "body:hand foot eye heart",
        "sky:cloud star moon bird",
        "home:door chair lamp bed",
        "forest:wolf leaf path berry",
        "market:apple coin basket price",
        "road:car wheel stone sign",
        "office:letter phone clock paper",
        "sport:ball goal race team",
        "hospital:nurse doctor pill visit",
        "train:seat ticket window track",
        "mountain:rock lake goat cabin",
        "party:cake gift dance candle",
        "river:duck mill reed raft",
        "castle:king tower sword gate",
        "weather:rain wind storm fog",
        "museum:statue picture guide hall",
        "desert:camel dune sun well",
        "factory:machine worker steel smoke",
        "library:shelf page story silence",
        "theatre:stage actor curtain light",
        "beach:shell towel crab swim",
        "space:rocket planet comet suit",
    )
)


def rows() -> Iterator[dict[str, str]]:
    """`instruction`, `answer`, `constraints` (JSON), `form`, `theme`."""
    for theme, words in THEMES:
        for form, instruction, answer, constraints in _all(theme, words):
            yield {
                "instruction": instruction,
                "answer": answer,
                "constraints": json.dumps(constraints),
                "form": form,
                "theme": theme,
            }


def _all(theme: str, words: tuple[str, str, str, str]) -> Iterator[tuple[str, str, str, list[dict[str, Any]]]]:
    a, b, c, d = words
    for first, second in ((a, b), (c, d), (b, c)):
        sentence = f"The {first} is near the {second}."
        yield (
            "two_words",
            f"Write one sentence with the words {first} and {second}.",
            sentence,
            [{"contains": first}, {"contains": second}, {"sentences": 1}],
        )
        yield (
            "avoid",
            f"Write a sentence about the {first} without the word {second}.",
            f"The {first} is old.",
            [{"contains": first}, {"avoids": second}, {"sentences": 1}],
        )
        yield (
            "json",
            f"Give a JSON object that says the {first} is new.",
            json.dumps({first: "new"}),
            [{"json": True}, {"contains": first}],
        )
    for word in words:
        yield "capitals", f"Write the word {word} in capital letters.", word.upper(), [{"equals": word.upper()}]
        yield "repeat", f"Say the word {word} two times.", f"{word} {word}", [{"repeats": word}, {"max_words": 3}]
        yield (
            "short",
            f"Describe a {word} in at most five words.",
            f"A {word} in the {theme}.",
            [{"contains": word}, {"max_words": 5}],
        )
        yield (
            "start",
            f"Write a sentence about a {word} that starts with Today.",
            f"Today I saw a {word}.",
            [{"starts": "Today"}, {"contains": word}, {"sentences": 1}],
        )
        yield (
            "question",
            f"Ask a question about the {word}.",
            f"Where is the {word}?",
            [{"ends": "?"}, {"contains": word}],
        )
    yield (
        "bullets",
        f"List {a}, {b} and {c} as bullet points.",
        f"- {a}\n- {b}\n- {c}",
        [{"bullets": 3}, {"contains": a}, {"contains": b}, {"contains": c}],
    )
    yield "bullets", f"List {c} and {d} as bullet points.", f"- {c}\n- {d}", [{"bullets": 2}, {"contains": d}]
    yield (
        "lines",
        f"Write two lines about the {theme}: one with {a}, one with {d}.",
        f"The {a} is here.\nThe {d} is there.",
        [{"lines": 2}, {"contains": a}, {"contains": d}],
    )
