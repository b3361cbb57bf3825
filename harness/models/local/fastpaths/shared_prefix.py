"""Sequences that begin alike: which of them to read the beginning of once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SHORTEST = 16
LEAST_SAVED = 128
"""A shared beginning is read apart from this many tokens on, when it saves at least that many."""
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Group:
    """Sequences, by their places, that share their first `length` tokens; 0 where they are read whole."""

    length: int
    members: tuple[int, ...]


def groups_of(sequences: Sequence[Sequence[int]]) -> list[Group]:
    """Groups that save the most tokens when each group's beginning is read once.

    At least one token of every sequence stays outside its group's beginning. Members keep the order of their
    tokens; the rest stands in one group of length 0, in the order given.
    """
    order = sorted(range(len(sequences)), key=lambda index: list(sequences[index]))
    common = [_common(sequences[a], sequences[b]) for a, b in pairwise(order)]
    room = [max(0, len(sequences[index]) - 1) for index in order]
    groups: list[Group] = []
    _, parts = _best(common, room, 0, len(order), 0)
    shared: set[int] = set()
    for begin, end, length in parts:
        members = tuple(order[begin:end])
        groups.append(Group(length, members))
        shared.update(members)
    rest = tuple(index for index in range(len(sequences)) if index not in shared)
    return [*groups, Group(0, rest)] if rest else groups


Part = tuple[int, int, int]


def _best(common: list[int], room: list[int], begin: int, end: int, depth: int) -> tuple[int, list[Part]]:
    """Tokens saved in order[begin:end], and by which parts (begin, end, length)."""
    count = end - begin
    if count < 2:
        return 0, []
    lowest = min(common[begin : end - 1])
    length = min(lowest, *room[begin:end])
    saved = (count - 1) * length
    whole: tuple[int, list[Part]] = (0, [])
    if length >= SHORTEST and saved >= LEAST_SAVED:
        whole = (saved, [(begin, end, length)])
    if depth >= _DEEPEST:
        return whole
    cuts = [place + 1 for place in range(begin, end - 1) if common[place] == lowest]
    edges = [begin, *cuts, end]
    total, parts = 0, []
    for low, high in pairwise(edges):
        gain, made = _best(common, room, low, high, depth + 1)
        total += gain
        parts += made
    return (total, parts) if total > whole[0] else whole


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    for index, (token, other) in enumerate(zip(first, second, strict=False)):
        if token != other:
            return index
    return min(len(first), len(second))
