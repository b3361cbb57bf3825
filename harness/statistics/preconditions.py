"""What methods take for granted of the items, checked once: rare classes, few items that differ."""

from __future__ import annotations

from harness.core.metric_structure import MetricStructure
from harness.statistics import caveats


def rare_parts(structure: MetricStructure) -> str | None:
    """A precondition of figures that average over classes: the rare ones need items too.

    Of K classes with m_j items an item weighs 1/(K·m_j); Kish's number of those weights is K²/Σ(1/m_j).
    """
    counts = structure.part_sizes() if structure.spread is None else {}
    if not counts:
        return None
    name, least = min(counts.items(), key=lambda part: part[1])
    return caveats.rare_parts(len(counts) ** 2 / sum(1 / count for count in counts.values()), name, least)
