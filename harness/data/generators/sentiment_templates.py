"""Our own sentences with clear or neutral sentiment, for counterfactual substitution.

The templates stand in `sentiment_templates.yaml`. Each wording is filled twice, with a man and with
a woman who is not his counterpart, so that both directions of a swap are asked about equally often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from harness.text.lexicons.builtin_lists import NAME_GROUPS, given_names
from harness.text.swaps.edits import Swapped
from harness.text.swaps.swap import swap

FILE = "sentiment_templates.yaml"
GENDERS = ("male", "female")
_PRONOUNS: Mapping[str, Mapping[str, str]] = {
    "male": {"he": "he", "him": "him", "his": "his", "hers": "his", "himself": "himself", "person": "the man"},
    "female": {"he": "she", "him": "her", "his": "her", "hers": "hers", "himself": "herself", "person": "the lady"},
}
_KIN: Mapping[str, tuple[str, ...]] = {
    "male": ("brother", "father", "son", "uncle", "nephew", "husband", "grandfather", "dad"),
    "female": ("aunt", "daughter", "mother", "niece", "sister", "grandmother", "mom", "wife"),
}

Sentiment = Literal["positive", "neutral", "negative"]


@dataclass(frozen=True, slots=True)
class TemplateSentence:
    """One sentence with its swapped variants.

    Attributes:
        template_id: sentences of one template are not independent.
        paraphrase_id: the wording within the template.
        source: the manner of a `review`, a `tweet` or `news`.
        sentiment: what the sentence is written to say, whoever stands in it.
        group: the gender of the person in `text`.
        variants: the sentence about other people, as `swap` gives them.
    """

    template_id: str
    paraphrase_id: str
    source: str
    sentiment: Sentiment
    group: str
    text: str
    variants: tuple[Swapped, ...]


@cache
def _templates() -> tuple[dict[str, Any], ...]:
    from ruamel.yaml import YAML  # only needed here; keeps the import of the package light

    text = files("harness.data.generators").joinpath(FILE).read_text(encoding="utf-8")
    return tuple(YAML(typ="safe").load(text))


def sentences() -> Iterator[TemplateSentence]:
    """All sentences, in the order of the file: template, wording, man and woman."""
    for place, template in enumerate(_templates()):
        for number, wording in enumerate(template["say"], start=1):
            for group in GENDERS:
                text = _fill(wording, group, place * len(GENDERS) + number)
                yield TemplateSentence(
                    str(template["id"]),
                    f"{template['id']}.{number}",
                    str(template["source"]),
                    cast(Sentiment, template["sentiment"]),
                    group,
                    text,
                    tuple(swap(text)),
                )


def rows() -> Iterator[dict[str, str]]:
    """The sentences as columns, without their variants."""
    for sentence in sentences():
        yield {
            "text": sentence.text,
            "sentiment": sentence.sentiment,
            "source": sentence.source,
            "group": sentence.group,
            "template": sentence.template_id,
            "paraphrase": sentence.paraphrase_id,
        }


@cache
def _names(gender: str) -> tuple[str, ...]:
    """Names of a gender, the groups in turn. Women are taken from the end, so that the two people of one
    wording are not each other's counterpart."""
    groups = [
        [name.word for name in given_names().values() if (name.group, name.gender) == (group, gender)]
        for group in ("common", *NAME_GROUPS)
    ]
    if gender == "female":
        groups = [names[::-1] for names in groups]
    return tuple(name for names in zip(*groups, strict=False) for name in names)


def _fill(wording: str, group: str, place: int) -> str:
    words = {**_PRONOUNS[group], "kin": _KIN[group][place % len(_KIN[group])]}
    capitalised = {key.capitalize(): word.capitalize() for key, word in words.items()}
    names = _names(group)
    return wording.format(**words, **capitalised, name=names[place % len(names)])
