"""Figures of few costly values, made surer by cheap ones that more items have; see `statistics.control_variates`.

Where only some items have a judge's verdict or a person's label (records say so by the statistic `costly`), the other
statistics of all items are the cheap values. Where a baseline answered more items than the candidate, its answers are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from harness.comparisons.flips import CORRECT
from harness.comparisons.join import Joined
from harness.comparisons.label_errors import label_probabilities
from harness.core.errors import HarnessError
from harness.core.metric import Metric
from harness.core.records import COSTLY, EXPECTED, BoolArray, FloatArray, Records
from harness.metrics.metric_shapes import MeanMetric
from harness.schema.results.metrics import AdjustedResult
from harness.statistics.control_variates import adjusted_mean
from harness.statistics.inference_settings import InferenceSettings

_TELLING = ("cheap_correct", "margin", "confidence", "nll_reader", "bytes", "words", "tokens")
"""The cheap values that are taken first where there are more than the costly ones can bear."""
_PER_COLUMN = 20
"""Costly values for each cheap column: what fitting a useless one costs is below a twentieth of the effective n."""
_LENGTHS = ("confidence", "bytes", "words", "tokens")


def adjusted_level(metric: Metric, records: Records, settings: InferenceSettings) -> AdjustedResult | None:
    """The level of a mean whose values only some items have; None where all that answered have one."""
    return _of_some(metric, (records.readable,), settings)


def adjusted_change(
    metric: Metric,
    sides: tuple[Records, Records],
    joined: Joined,
    settings: InferenceSettings,
) -> AdjustedResult | None:
    """The change of a mean whose values only some items have, or on items that the candidate was not asked about."""
    base, candidate = sides
    both = (base.take(joined.base_rows), candidate.take(joined.candidate_rows))
    some = _of_some(metric, both, settings)
    return _with_further_answers(metric, sides, joined, settings) if some is None else some


def _of_some(metric: Metric, sides: Sequence[Records], settings: InferenceSettings) -> AdjustedResult | None:
    """By what all items have beside the costly value; of two sides, how far it lies apart.

    Items that were asked and have no value (a verdict that cannot be read) are no part of the figure: with r = 1 where
    there is one, mean(y·r)/mean(r) is linearized to r·(y − ȳ)/r̄, whose mean is adjusted.
    """
    if metric.kind != "mean" or not len(sides[0]) or any(COSTLY not in side.stat_names for side in sides):
        return None
    could = ~np.logical_or.reduce([np.isnan(side.stat(COSTLY)) for side in sides])
    sides = [side.take(could) for side in sides]
    asked: BoolArray = np.logical_and.reduce([side.stat(COSTLY) == 1 for side in sides])
    values = [metric.stats(side)[:, 0] for side in sides]
    change = values[-1] - values[0] if len(sides) == 2 else values[0]
    held = asked & ~np.isnan(change)
    if asked.all() or not held.any() or not np.isnan(change[~asked]).all():
        return None
    center, share = float(change[held].mean()), float(held.sum() / asked.sum())
    moves = np.where(held, (change - center) / share, np.where(asked, 0.0, np.nan))
    cheap = _counterpart(metric, sides) or _cheap_columns(sides, int(asked.sum()))
    return _adjusted(moves, cheap, sides[0].clusters(metric.cluster_unit), settings, center)


def _cheap_columns(sides: Sequence[Records], asked: int) -> list[FloatArray]:
    """Statistics that every item has and that differ, the telling ones first; of two sides, how far they lie apart."""
    names = set.intersection(*({*side.stat_names} for side in sides)) - {COSTLY}
    columns: dict[str, FloatArray] = {"margin": _apart([side.numbers("margin") for side in sides])}
    columns |= {name: _apart([side.stat(name) for side in sides]) for name in sorted(names)}
    known = {name: column for name, column in columns.items() if np.isfinite(column).all() and np.ptp(column) > 0}
    ranked = [*(name for name in _TELLING if name in known), *(name for name in known if name not in _TELLING)]
    return [known[name] for name in ranked[: asked // _PER_COLUMN]]


def _counterpart(metric: Metric, sides: Sequence[Records]) -> list[FloatArray]:
    """What the sides expect of the metric's own column, the one cheap value that is needed then; none where unknown.

    Right answers change only where answers differ: there, with p the mean of the sides' probabilities, the change
    p(the candidate's answer) − p(the baseline's) is expected.
    """
    if not isinstance(metric, MeanMetric):
        return []
    name = EXPECTED + metric.column
    if any(name not in side.stat_names for side in sides):
        return []
    expected = _apart([side.stat(name) for side in sides])
    if metric.column == CORRECT and len(sides) == 2:
        given = [[label_probabilities(json.loads(text)) for text in side.texts("response")] for side in sides]
        rows = list(zip(*given, *(side.texts("prediction") for side in sides), strict=True))
        if all({old, new} <= before.keys() & after.keys() for before, after, old, new in rows):
            changes = [before[new] + after[new] - before[old] - after[old] for before, after, old, new in rows]
            expected = np.array(changes) / 2
    return [expected] if np.isfinite(expected).all() and np.ptp(expected) > 0 else []


def _apart(values: Sequence[FloatArray]) -> FloatArray:
    return values[0] if len(values) == 1 else values[1] - values[0]


def _with_further_answers(
    metric: Metric, sides: tuple[Records, Records], joined: Joined, settings: InferenceSettings
) -> AdjustedResult | None:
    """By the baseline's own figure, margin, confidence and lengths, on items that it answered and the candidate not.

    None where the candidate answered all of them, or too few; and for figures that are no means.
    """
    if metric.kind != "mean" or not len(joined.only_base_rows):
        return None
    base, candidate = sides
    whole = base.take(np.concatenate([joined.base_rows, joined.only_base_rows]))
    own = metric.stats(whole)
    shared = metric.stats(candidate.take(joined.candidate_rows))[:, 0] - own[: len(joined.base_rows), 0]
    change = np.concatenate([shared, np.full(len(joined.only_base_rows), np.nan)])
    kept = whole.ok & ~np.isnan(own).any(axis=1)
    cheap = [own[:, 0], whole.numbers("margin"), *(whole.stat(name) for name in _LENGTHS if name in whole.stat_names)]
    known = [column[kept] for column in cheap if np.isfinite(column[kept]).all()]
    clusters = [name for name, keep in zip(whole.clusters(metric.cluster_unit), kept.tolist(), strict=True) if keep]
    return _adjusted(change[kept], known, clusters, settings)


def _adjusted(
    values: FloatArray,
    cheap: Sequence[FloatArray],
    clusters: Sequence[str],
    settings: InferenceSettings,
    center: float = 0.0,
) -> AdjustedResult | None:
    """None where the costly values are too few for the cheap ones, or nothing varies.

    Args:
        center: what the values are measured from; the figure lies so far above their mean.
    """
    if not cheap:
        return None
    try:
        made = adjusted_mean(values, np.column_stack(cheap), clusters, settings=settings)
    except HarnessError:
        return None
    if not made.interval.known or not np.isfinite(made.gain):
        return None
    return AdjustedResult(
        interval=made.interval.shifted(center), n=made.n, total=made.total, n_eff=made.n_eff, gain=made.gain,
        method=made.method, weaknesses=list(made.weaknesses), unmet=list(made.unmet),
    )  # fmt: skip
