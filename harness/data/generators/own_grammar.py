"""Our own sentence pairs that differ in one point of English grammar: one is right, the other is not.

Phenomena: agreement of subject and verb (next to each other, and across a noun of the other number), binding of
reflexive pronouns, number of a noun after its determiner, and the order of words. All words are frequent ones.
"""

from __future__ import annotations

from collections.abc import Iterator

NOUNS = (
    *(("teacher", "teachers"), ("doctor", "doctors"), ("farmer", "farmers"), ("student", "students")),
    *(("friend", "friends"), ("writer", "writers"), ("brother", "brothers"), ("player", "players")),
)
THINGS = (
    *(("book", "books"), ("car", "cars"), ("house", "houses"), ("letter", "letters"), ("table", "tables")),
    *(("picture", "pictures"), ("song", "songs"), ("room", "rooms")),
)
VERBS = (("is", "are"), ("was", "were"), ("has", "have"))
ENDS = {"is": "very old", "was": "in the city", "has": "a new place"}
REFLEXIVES = (
    *(("The king", "himself", "herself"), ("The queen", "herself", "himself"), ("My father", "himself", "herself")),
    *(
        ("My mother", "herself", "himself"),
        ("The boys", "themselves", "himself"),
        ("The women", "themselves", "herself"),
    ),
    *(
        ("Her sister", "herself", "himself"),
        ("His brothers", "themselves", "himself"),
        ("The man", "himself", "itself"),
    ),
)
DOINGS = ("saw {} in the window", "asked {} a question", "could not help {}", "found {} alone", "wrote about {}")
PLACES = ("near", "behind", "with", "beside")
ORDERS = (
    ("The {} opened the old door slowly.", "The {} the old door opened slowly."),
    ("Last year the {} moved to a small town.", "Last year the {} moved a small to town."),
    ("The {} has never been to the sea.", "The {} never been has to the sea."),
    ("The {} gave the dog some water.", "The {} gave dog the some water."),
    ("What did the {} say to them?", "What the {} did say to them?"),
    ("The {} was reading a very long book.", "The {} was reading a long very book."),
)


def rows() -> Iterator[dict[str, str]]:
    """`right`, `wrong`, `phenomenon`, `template`; pairs of one template are not independent."""
    for number, (noun, many) in enumerate([*NOUNS, *THINGS]):
        for singular, plural in VERBS:
            end = ENDS[singular]
            yield _pair(
                "agreement", f"{singular}-{noun}", f"The {noun} {singular} {end}.", f"The {noun} {plural} {end}."
            )
            yield _pair(
                "agreement", f"{singular}-{noun}", f"The {many} {plural} {end}.", f"The {many} {singular} {end}."
            )
            other, others = [*NOUNS, *THINGS][(number + 5) % (len(NOUNS) + len(THINGS))]
            place = PLACES[number % len(PLACES)]
            for subject, between, right, wrong in ((noun, others, singular, plural), (many, other, plural, singular)):
                start = f"The {subject} {place} the {between}"
                name = f"far-{singular}-{noun}"
                yield _pair("agreement_far", name, f"{start} {right} {end}.", f"{start} {wrong} {end}.")
    for who, right, wrong in REFLEXIVES:
        for doing in DOINGS:
            yield _pair("binding", who, f"{who} {doing.format(right)}.", f"{who} {doing.format(wrong)}.")
    for noun, many in THINGS:
        for few, lot in (("this", "these"), ("that", "those"), ("a", "many"), ("each", "several")):
            start = "We talked about "
            yield _pair("determiner", few, f"{start}{few} {noun} today.", f"{start}{few} {many} today.")
            yield _pair("determiner", few, f"{start}{lot} {many} today.", f"{start}{lot} {noun} today.")
    for number, (right, wrong) in enumerate(ORDERS):
        for noun, _ in NOUNS:
            yield _pair("word_order", f"order-{number}", right.format(noun), wrong.format(noun))


def _pair(phenomenon: str, template: str, right: str, wrong: str) -> dict[str, str]:
    return {"right": right, "wrong": wrong, "phenomenon": phenomenon, "template": f"{phenomenon}/{template}"}
