"""Which items a limit keeps: whole clusters, by hash, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.digests import fraction
from harness.core.evaluation import Item


def choose(items: Iterable[Item], limit: int | None, level: str) -> Iterable[Item]:
    """Keeps at most `limit` items: whole clusters of `level`, in the order of their hashes.

    A smaller limit keeps a subset of what a larger one keeps. The first cluster that does not
    fit ends the choice; when that is the very first, its items are taken by hash.

    Returns:
        The kept items, in the order in which they came; without a limit they are not held.
    """
    if limit is None:
        return items
    everything = list(items)
    if len(everything) <= limit:
        return everything
    groups: dict[str, list[Item]] = {}
    for item in everything:
        groups.setdefault(item.clusters.get(level, item.id), []).append(item)
    kept: set[str] = set()
    for cluster in sorted(groups, key=lambda name: (fraction(name), name)):
        group = groups[cluster]
        if len(kept) + len(group) > limit:
            if not kept:
                kept.update(item.id for item in sorted(group, key=lambda item: fraction(item.id))[:limit])
            break
        kept.update(item.id for item in group)
    return [item for item in everything if item.id in kept]
