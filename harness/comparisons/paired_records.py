"""Two models' records of one evaluation: what all metrics of the pair have in common is found once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from harness.comparisons.join import Joined, join
from harness.comparisons.missing_answers import Answers
from harness.core.records import Records
from harness.statistics.clusters import Groups
from harness.statistics.result import IntArray


class PairedRecords:
    """A baseline's and a candidate's records, joined by item id.

    Args:
        base, candidate: every item that was asked, those without a readable answer included.
    """

    def __init__(self, base: Records, candidate: Records) -> None:
        self.base, self.candidate = base, candidate
        self._joined: dict[str, Joined] = {}
        self._answered: dict[tuple[bytes, bytes], tuple[Records, Records]] = {}

    def joined(self, unit: str) -> Joined:
        """The join by item id; `unit` is what clusters must agree by."""
        if unit not in self._joined:
            self._joined[unit] = join(self.base, self.candidate, unit)
        return self._joined[unit]

    def answered(self, unit: str) -> tuple[Records, Records]:
        """The items that both sides answered readably, in one order."""
        joined = self.joined(unit)
        rows = joined.base_rows.tobytes(), joined.candidate_rows.tobytes()
        if rows not in self._answered:
            self._answered[rows] = self.base.take(joined.base_rows), self.candidate.take(joined.candidate_rows)
        return self._answered[rows]

    @cached_property
    def answers(self) -> Answers:
        """Which items lack an answer on a side."""
        return Answers((self.base, self.candidate))


def cluster_numbers(records: Records, unit: str) -> IntArray | None:
    """int[n]: the cluster of every item as a number; None where every item stands for itself."""
    groups = Groups.of(records.clusters(unit), len(records))
    return None if groups.codes is None else np.asarray(groups.codes)
