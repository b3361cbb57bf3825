"""A baseline that answered more items than the candidate: what these answers say of items that the candidate lacks."""

from __future__ import annotations

import numpy as np

from harness.comparisons.join import Joined
from harness.core.errors import HarnessError
from harness.core.metric import Metric
from harness.core.records import FloatArray, Records
from harness.schema.results.metrics import AdjustedResult
from harness.statistics.control_variates import adjusted_mean

_CHEAP = ("confidence", "bytes", "words", "tokens")


def adjusted_change(
    metric: Metric, base: Records, joined: Joined, sides: tuple[FloatArray, FloatArray], confidence: float
) -> AdjustedResult | None:
    """The change of a mean by regression on the baseline's own figure, margin, confidence and lengths of all its items.

    None where the candidate answered all of them, or too few; and for figures that are no means.

    Args:
        sides: [n, 1] statistics of the joined items, the baseline's first.
    """
    if metric.kind != "mean" or not len(joined.only_base_rows):
        return None
    rows = np.concatenate([joined.base_rows, joined.only_base_rows])
    whole = base.take(rows)
    own = metric.stats(whole)
    change = np.concatenate([sides[1][:, 0] - sides[0][:, 0], np.full(len(joined.only_base_rows), np.nan)])
    kept = whole.ok & ~np.isnan(own).any(axis=1)
    cheap = [own[:, 0], whole.numbers("margin"), *(whole.stat(name) for name in _CHEAP if name in whole.stat_names)]
    known = [column[kept] for column in cheap if np.isfinite(column[kept]).all()]
    clusters = [name for name, keep in zip(whole.clusters(metric.cluster_unit), kept.tolist(), strict=True) if keep]
    try:
        made = adjusted_mean(change[kept], np.column_stack(known), clusters, confidence=confidence, alphas=())
    except HarnessError:
        return None
    if not made.interval.known or not np.isfinite(made.gain):
        return None
    return AdjustedResult(
        interval=made.interval, n=made.n, total=made.total, n_eff=made.n_eff, gain=made.gain,
        weaknesses=list(made.weaknesses),
    )  # fmt: skip
