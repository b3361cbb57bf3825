"""Less variance from the same costly values: regression on cheap ones that are known of more items.

n of N items, chosen by chance, have a costly value y (a person's label, a judge's verdict, an answer that was asked of
few); all N have cheap ones x (a baseline's correctness and confidence, length, a cheap reader's score). With β̂ by least
squares on the n,

    θ̂ = mean_n(y) − β̂·(mean_n(x) − mean_N(x)) = mean_n(y − β̂·x) + mean_N(β̂·x)

estimates the same mean as mean_n(y): control variates, and prediction-powered inference with its power tuned
(Angelopoulos, Duchi & Zrnic 2023, "PPI++"). Item i moves it by 1[i ∈ n]·(e_i − ē)/n + β̂·(x_i − x̄_N)/N with the residual
e_i, which is divided by 1 − h_i for its leverage h_i (HC3), because β̂ was fitted to it. The error is that of
`cluster_error` over the clusters of all items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.errors import HarnessError
from harness.core.interval import Interval
from harness.statistics import caveats
from harness.statistics.clusters import Groups
from harness.statistics.inference_settings import DEFAULT_INFERENCE, InferenceSettings
from harness.statistics.result import FloatArray
from harness.statistics.t_intervals import linear_figure

_NO_CHANCE = 4.0
"""Standard errors between the cheap values of items with and without a costly one that chance does not explain."""


@dataclass(frozen=True, slots=True)
class AdjustedMean:
    """A mean of costly values, with and without what cheap ones say.

    Attributes:
        interval: of the adjusted mean, with its bounds.
        plain: of the mean of the costly values alone; it estimates the same.
        n: items with a costly value; `total` of all.
        n_eff: independent costly values that would be as sure without the cheap ones; `plain_n_eff` of those there are.
        gain: n_eff / plain_n_eff, the plain variance over the adjusted one.
        coefficients: β̂, by cheap value.
        unmet: preconditions of the interval that these values do not meet.
    """

    interval: Interval
    plain: Interval
    n: int
    total: int
    n_eff: float
    plain_n_eff: float
    gain: float
    coefficients: tuple[float, ...]
    method: str
    weaknesses: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


def adjusted_mean(
    values: FloatArray,
    cheap: FloatArray,
    clusters: Sequence[str] | None = None,
    *,
    settings: InferenceSettings = DEFAULT_INFERENCE,
) -> AdjustedMean:
    """The mean of values that few items have, by what all of them have.

    Args:
        values: float[N], NaN where an item has none.
        cheap: float[N, k], known of every item.
        clusters: of each item; None where every one stands for itself.

    Raises:
        HarnessError: when a cheap value is missing, or fewer than k + 3 items have a value.
    """
    total, columns = cheap.shape
    known = ~np.isnan(values)
    n = int(known.sum())
    if not np.isfinite(cheap).all() or np.isinf(values).any():
        raise HarnessError("expected finite values, and cheap ones of every item.")
    if n < columns + 3:
        raise HarnessError(f"expected values of at least {columns + 3} items for {columns} cheap ones, found {n}.")
    groups = Groups.of(clusters, total)
    center = cheap[known].mean(axis=0)
    design, answers = cheap[known] - center, values[known]
    # The pseudo-inverse: a cheap value that is constant, or the same as another, says nothing and does no harm.
    inverse = np.linalg.pinv(design, rcond=1e-10)
    slopes = inverse @ (answers - answers.mean())
    leverage = np.clip(np.einsum("ij,ji->i", design, inverse), 0.0, 0.99)
    fitted = (cheap - cheap.mean(axis=0)) @ slopes
    influence, plain_influence = fitted / total, np.zeros(total)
    residuals = (answers - answers.mean() - design @ slopes) / (1 - leverage)
    influence[known] += (residuals - residuals.mean()) / n
    plain_influence[known] = (answers - answers.mean()) / n
    value = float(answers.mean() - slopes @ (center - cheap.mean(axis=0)))
    scale = float(np.abs(answers).mean())
    weights = known.astype(np.float64)
    made = linear_figure(value, influence, groups, scale, settings, weights)
    # Items without a value have no part in the plain mean.
    own = Groups.of(None if clusters is None else [clusters[row] for row in np.flatnonzero(known).tolist()], n)
    plain = linear_figure(float(answers.mean()), plain_influence[known], own, scale, settings)
    unmet = caveats.kept(*plain.unmet, _not_by_chance(cheap, known))
    gain = (plain.error.standard_error / made.error.standard_error) ** 2
    return AdjustedMean(
        made.interval,
        plain.interval,
        n,
        total,
        plain.error.n_eff * gain,
        plain.error.n_eff,
        float(gain),
        tuple(slopes.tolist()),
        f"regression on {columns} cheap value{'s' if columns > 1 else ''} of {total:,} items, t interval",
        caveats.kept(*plain.warnings, *unmet),
        unmet,
    )


def _not_by_chance(cheap: FloatArray, known: npt.NDArray[np.bool_]) -> str | None:
    """Said where the items with a costly value are not like the others."""
    n, rest = int(known.sum()), int((~known).sum())
    if rest < 2:
        return None
    apart = np.abs(cheap[known].mean(axis=0) - cheap[~known].mean(axis=0))
    error = np.sqrt(cheap[known].var(axis=0) / n + cheap[~known].var(axis=0) / rest)
    if not bool(np.any(apart > _NO_CHANCE * np.maximum(error, 1e-12))):
        return None
    return (
        "items with a costly value differ from the others by more than chance explains: the figure holds only where "
        "chance chose them."
    )
