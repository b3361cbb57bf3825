"""Where the texts of a counterfactual probe come from: a task, further data, our own templates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from harness.core.dataset import Dataset
from harness.core.digests import digest
from harness.core.evaluation import Item
from harness.data.generators.sentiment_templates import Sentiment, sentences
from harness.evaluations.columns import text_of
from harness.text.lexicons.lexicon import Lexicon
from harness.text.swaps.edits import Swapped
from harness.text.swaps.swap import swap

TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Original:
    """A text before any substitution.

    Attributes:
        key: what makes it this text ; part of its items' ids.
        cluster: what it is not independent of: the parent of its row, its template.
        target: its label, where it has one.
    """

    text: str
    key: str
    cluster: str
    origin: str
    target: str | None = None
    slices: tuple[str, ...] = ()

    def items(self, kinds: Sequence[str | Lexicon]) -> Iterator[Item]:
        """One item for each kind of swap and pair of groups that the text allows."""
        for substitution in substitutions(self.text, kinds):
            payload = {
                "key": self.key,
                "text": self.text,
                "kind": substitution.kind,
                "groups": list(substitution.pair or ()),
                "variants": [
                    {"text": variant.text, "direction": variant.direction} for variant in substitution.variants
                ],
            }
            swapped = {
                "swapped" if place == 1 else f"swapped_{place}": variant.text
                for place, variant in enumerate(substitution.variants, start=1)
            }
            groups = "/".join(substitution.pair) if substitution.pair else "mixed"
            yield Item(
                id=digest(payload),
                payload=payload,
                texts={"original": self.text, **swapped},
                target=self.target,
                clusters={"original": self.cluster},
                slices=tuple(
                    dict.fromkeys(
                        [*self.slices, f"origin={self.origin}", f"swap={substitution.kind}", f"groups={groups}"]
                    )
                ),
            )


def of_task(items: Iterable[Item], origin: str, cluster_unit: str) -> Iterator[Original]:
    """The texts of a task's items, with their labels."""
    for item in items:
        cluster = item.clusters[cluster_unit]
        yield Original(item.payload["text"], item.id, cluster, origin, item.target, item.slices)


def of_rows(dataset: Dataset, split: str, column: str, origin: str) -> Iterator[Original]:
    """The texts of further data, without labels.

    Raises:
        DataError: a missing column, an empty split, a row without text.
    """
    dataset.require(column)
    for row in dataset.split(split):
        yield Original(text_of(dataset, row, column), row.id, row.cluster, origin, None, row.slices)


def of_templates(labels: Collection[str]) -> Iterator[Original]:
    """The sentences of our own templates; the wordings of one template share its cluster.

    What a sentence is written to say is its label where the task has the labels negative, neutral
    and positive; otherwise it has none.
    """
    labeled = set(get_args(Sentiment)) <= set(labels)
    for sentence in sentences():
        key = digest([sentence.template_id, sentence.text])
        target = sentence.sentiment if labeled else None
        yield Original(sentence.text, key, sentence.template_id, TEMPLATES, target)


@cache
def templates_digest() -> str:
    """Digest of the sentences of our own templates and of what they are written to say."""
    return digest([[sentence.template_id, sentence.text, sentence.sentiment] for sentence in sentences()])


@dataclass(frozen=True, slots=True)
class Variant:
    """A text about another group.

    Attributes:
        text: the text with the substitution.
        direction: 1 when it goes from the first group of its pair to the second, −1 when it goes
            back, 0 when both groups change places.
    """

    text: str
    direction: int


@dataclass(frozen=True, slots=True)
class Substitution:
    """The variants of one original by one kind of swap between one pair of groups.

    Attributes:
        kind: `gender`, `names` or the name of a lexicon.
        pair: the two groups in alphabetical order; None where both stand in the text and change
            places.
    """

    kind: str
    pair: tuple[str, str] | None
    variants: tuple[Variant, ...]


def substitutions(text: str, kinds: Sequence[str | Lexicon]) -> Iterator[Substitution]:
    """All substitutions of a text, by kind and pair of groups; none when nothing can be swapped."""
    by_pair: dict[tuple[str, tuple[str, str] | None], list[Variant]] = {}
    for swapped in swap(text, kinds):
        pair, direction = _direction(swapped)
        by_pair.setdefault((swapped.kind, pair), []).append(Variant(swapped.text, direction))
    for (kind, pair), variants in by_pair.items():
        yield Substitution(kind, pair, tuple(variants))


def _direction(swapped: Swapped) -> tuple[tuple[str, str] | None, int]:
    if swapped.from_group == swapped.to_group:
        return None, 0
    first, second = sorted((swapped.from_group, swapped.to_group))
    return (first, second), 1 if swapped.to_group == second else -1
