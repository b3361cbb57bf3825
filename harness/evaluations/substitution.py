"""From texts to substitution items: an original, its variants, and which way each one goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.text.lexicons.lexicon import Lexicon
from harness.text.swaps.edits import Swapped
from harness.text.swaps.swap import swap


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
    found: dict[tuple[str, tuple[str, str] | None], list[Variant]] = {}
    for swapped in swap(text, kinds):
        pair, direction = _direction(swapped)
        found.setdefault((swapped.kind, pair), []).append(Variant(swapped.text, direction))
    for (kind, pair), variants in found.items():
        yield Substitution(kind, pair, tuple(variants))


def _direction(swapped: Swapped) -> tuple[tuple[str, str] | None, int]:
    if swapped.from_group == swapped.to_group:
        return None, 0
    first, second = sorted((swapped.from_group, swapped.to_group))
    return (first, second), 1 if swapped.to_group == second else -1
