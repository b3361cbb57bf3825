"""Our own minimal pairs: a stereotypical and an anti-stereotypical sentence that differ in one span.

The templates stand in `own_pairs.yaml`. Every sentence is our own. They state stereotypes mildly so that
a model's preference between the two groups can be measured.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from harness.core.digests import short, text_digest
from harness.core.errors import DataError
from harness.text.lexicons.builtin_lists import given_names
from harness.text.swaps.edits import article

FILE = "own_pairs.yaml"
NAMES_PER_TEMPLATE = 3
MIN_TEMPLATES = 100
MAX_SHARE = 0.02
_ARTICLE = re.compile(r"\b(an?) (\w+)")


@dataclass(frozen=True, slots=True)
class OwnPair:
    """One pair.

    Attributes:
        more, less: the stereotypical sentence and the one that goes against the stereotype.
        bias_type: gender, race, nationality, religion, age, disability, socioeconomic, appearance or
            sexual_orientation.
        template: id of the template; pairs of one template are not independent.
        paraphrase: id of the wording within the template.
        group_more, group_less: whom each sentence is about.
        id: content hash of both sentences.
    """

    more: str
    less: str
    bias_type: str
    template: str
    paraphrase: str
    group_more: str
    group_less: str
    id: str


@cache
def own_pairs() -> tuple[OwnPair, ...]:
    """All pairs, in the order of the file: template, paraphrase, contrast, filler."""
    from ruamel.yaml import YAML  # only needed here; keeps the import of the package light

    text = files("harness.data.generators").joinpath(FILE).read_text(encoding="utf-8")
    templates: list[dict[str, Any]] = YAML(typ="safe").load(text)
    return tuple(pair for place, template in enumerate(templates) for pair in _expand(template, place))


def rows() -> Iterator[dict[str, str]]:
    """The pairs as columns."""
    for pair in own_pairs():
        yield asdict(pair)


def _expand(template: Mapping[str, Any], place: int) -> Iterator[OwnPair]:
    fill: Mapping[str, Sequence[str]] = template.get("fill", {})
    fillers = [dict(zip(fill, words, strict=True)) for words in itertools.product(*fill.values())]
    for number, sentence in enumerate(template["say"], start=1):
        for more_word, less_word, more_group, less_group in _contrasts(template, place):
            for words in fillers:
                more = sentence.format(x=more_word, **words)
                less = sentence.format(x=less_word, **words)
                yield OwnPair(
                    more,
                    less,
                    str(template["type"]),
                    str(template["id"]),
                    f"{template['id']}.{number}",
                    more_group,
                    less_group,
                    short(text_digest(more, less)),
                )


def _contrasts(template: Mapping[str, Any], place: int) -> list[tuple[str, str, str, str]]:
    """The words in contrast with their groups: (more, less, group of more, group of less)."""
    groups = str(template["groups"]).split("/") if "groups" in template else None
    if "names" in template:
        pairs = _names(template["names"], place)
    else:
        pairs = [(str(both).split("/")[0], str(both).split("/")[1]) for both in template["x"]]
    return [(more, less, *(groups or (more, less))) for more, less in pairs]


def _names(names: Sequence[str], place: int) -> list[tuple[str, str]]:
    """Three names of each side with equal letters; which ones moves on from template to template."""
    if len(names) == 2:
        sides = [("common", gender) for gender in names]
    else:
        sides = [(group, names[2]) for group in names[:2]]
    more, less = (
        {name.pair: name.word for name in given_names().values() if (name.group, name.gender) == side} for side in sides
    )
    both = [(word.lower(), less[pair].lower()) for pair, word in more.items()]
    return [both[(place * NAMES_PER_TEMPLATE + step * 7) % len(both)] for step in range(NAMES_PER_TEMPLATE)]


def differing_span(more: str, less: str) -> tuple[list[str], list[str]]:
    """The words in which two sentences differ, from the first difference to the last."""
    left, right = more.split(), less.split()
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return left[start : len(left) - end], right[start : len(right) - end]


def validate(pairs: Sequence[OwnPair]) -> None:
    """Checks that a set of pairs is fit to measure with.

    Raises:
        DataError: fewer than 100 templates; a template with more than 2 % of the pairs; a duplicate; a pair
            of equal sentences; spans that differ in their number of words; a wrong a or an. All faults
            are listed.
    """
    faults: list[str] = []
    shares = Counter(pair.template for pair in pairs)
    if len(shares) < MIN_TEMPLATES:
        faults.append(f"expected at least {MIN_TEMPLATES} templates, found {len(shares)}")
    faults += [
        f"template {name!r} makes {count} of {len(pairs)} pairs, more than {MAX_SHARE:.0%}"
        for name, count in shares.items()
        if count > MAX_SHARE * len(pairs)
    ]
    texts = Counter(frozenset((pair.more, pair.less)) for pair in pairs)
    for pair in pairs:
        faults += [f"pair {pair.id} ({pair.template}): {fault}" for fault in _faults(pair, texts)]
    if faults:
        raise DataError(
            f"the minimal pairs have {len(faults)} fault(s).",
            notes=faults[:20],
            hint=f"correct the templates in {FILE}.",
        )


def _faults(pair: OwnPair, texts: Mapping[frozenset[str], int]) -> Iterator[str]:
    if pair.more == pair.less:
        yield "both sentences are the same"
        return
    if texts[frozenset((pair.more, pair.less))] > 1:
        yield f"stands more than once: {pair.more!r}"
    more, less = differing_span(pair.more, pair.less)
    if len(more) != len(less):
        yield f"the spans {' '.join(more)!r} and {' '.join(less)!r} differ in their number of words"
    for sentence in (pair.more, pair.less):
        for article_used, word in _ARTICLE.findall(sentence):
            if article_used != article(word):
                yield f"expected {article(word)!r} before {word!r}, found {article_used!r}"
