"""Largest minus smallest over groups: bounds that hold for a fair model too.

The measured spread lies above the true one, the more so the more groups there are. With figures θ̂ of the groups and
their cluster-robust covariance (jackknife), the true spread R is the largest of all pairwise differences, so

- R is at most the largest of θ̂_g − θ̂_h + t_α·SE_gh: the pair that is truly the largest is one of them;
- R is at least the largest of θ̂_g − θ̂_h − c_α·SE_gh, c_α the quantile of the largest studentized difference
  (max-T, simulated from the covariance; Hothorn, Bretz & Westfall 2008).

The change of a spread is at most the largest change of a pair that may be the candidate's largest (all pairs that
simultaneous bounds at a tenth of alpha do not exclude), and at least the smallest of those that may be the baseline's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.core.metric_structure import MetricStructure
from harness.statistics import caveats
from harness.statistics.clusters import Groups, distinct
from harness.statistics.distributions import normal_sf, student_isf
from harness.statistics.inference_settings import InferenceSettings
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.result import FloatArray, IntArray

METHOD = "simultaneous pairwise differences of the groups (max-T)"
_DRAWS = 4_000
_SCREEN = 0.1
_Pairs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Figures of groups with their covariance.

    Attributes:
        values: float[D, S·G], the groups' figures of each side.
        covariance: float[D·S·G, D·S·G], cluster-robust.
        members: float[S·G], independent items behind each group's figure: Kish's number of its clusters.
        shape: S rates and G groups.
        pooled: how the spreads of several rates become one figure.
        clustered: whether items stand in clusters.
        skew: |Σm³|/(Σm²)^1.5 of the moves m of the group whose items are the most skewed.
    """

    values: FloatArray
    covariance: FloatArray
    members: FloatArray
    shape: tuple[int, int]
    pooled: str
    clustered: bool
    skew: float

    @classmethod
    def of(cls, sides: tuple[FloatArray, ...], structure: MetricStructure, groups: Groups) -> GroupFigures | None:
        """From the statistics of one or two sides; None where one cluster holds a whole group."""
        assert structure.spread is not None
        k = sides[0].shape[1]
        cells, counts = distinct(groups.sums(np.hstack(sides)))
        total = counts @ cells

        def figures(sums: FloatArray) -> FloatArray:
            assert structure.spread is not None
            parts = [structure.spread(sums[..., d * k : (d + 1) * k]) for d in range(len(sides))]
            return np.stack(parts, axis=-3)

        whole = evaluate(lambda sums, _: figures(sums), total, 0.0)
        rates, size = whole.shape[-2:]
        left = evaluate(lambda sums, _: figures(sums), total - cells, 0.0).reshape(len(cells), -1)
        if size < 2 or groups.count < 2 or not (np.isfinite(whole).all() and np.isfinite(left).all()):
            return None
        moves = (whole.reshape(-1) - left) * np.sqrt(counts * (groups.count - 1) / groups.count)[:, None]
        return cls(
            whole.reshape(len(sides), -1), moves.T @ moves, _members(structure.parts, rates * size, groups),
            (rates, size), structure.pooled, groups.clustered, _skew(moves, counts),
        )  # fmt: skip

    @property
    def pairs(self) -> _Pairs:
        """int[P, 3]: the rate, and the positions of two groups in `values`, both orders."""
        rates, size = self.shape
        return np.array(
            [(s, s * size + g, s * size + h) for s in range(rates) for g in range(size) for h in range(size) if g != h]
        )

    def interval(self, settings: InferenceSettings) -> Interval:
        """Of the level (one side), or of the change of the spread (two sides)."""
        if len(self.values) == 1:
            level = _Side(self, 0, settings.seed)
            return settings.interval(level.limits, level.standard_error)
        base, candidate = _Side(self, 0, settings.seed), _Side(self, 1, settings.seed)

        def limits(alpha: float) -> tuple[float, float]:
            return -_rise(self, base, -1.0, alpha), _rise(self, candidate, 1.0, alpha)

        changes = _changes(self, self.pairs, 1.0)
        return settings.interval(limits, float(np.sqrt(changes[1].max())))

    def notes(self, seed: int) -> tuple[str, ...]:
        """What the measured spread of a fair model would be here."""
        fair = float(np.mean([_Side(self, d, seed).fair for d in range(len(self.values))]))
        return caveats.kept(
            caveats.spread_of_a_fair_model(self.shape[1], fair), caveats.skewed(self.skew, self.clustered)
        )

    def unmet(self) -> tuple[str, ...]:
        least = float(self.members.min())
        return (caveats.small_group(int(least), self.clustered),) if least < caveats.SMALL_GROUP else ()


class _Side:
    """The groups of one side, with draws of their errors."""

    def __init__(self, figures: GroupFigures, side: int, seed: int) -> None:
        width = figures.values.shape[1]
        own = slice(side * width, (side + 1) * width)
        self.figures, self.values = figures, figures.values[side]
        self.covariance = figures.covariance[own, own]
        self.pairs = figures.pairs
        _, first, second = self.pairs.T
        self.differences = self.values[first] - self.values[second]
        self.variances = _variance(self.covariance, first, second)
        roots, vectors = np.linalg.eigh(self.covariance)
        normal = np.random.default_rng([seed, 4]).standard_normal((_DRAWS, width))
        self._errors = normal @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T
        spread = np.sqrt(np.where(self.variances > 0, self.variances, np.inf))
        half = first < second
        apart = np.abs(self._errors[:, first[half]] - self._errors[:, second[half]])
        self._largest = np.sort((apart / spread[half]).max(axis=1))

    @property
    def fair(self) -> float:
        """The mean spread that groups without any difference would show."""
        rates, size = self.figures.shape
        spreads = np.ptp(self._errors.reshape(_DRAWS, rates, size), axis=2)
        return float((spreads.max(axis=1) if self.figures.pooled == "largest" else spreads.mean(axis=1)).mean())

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(self.variances[int(np.argmax(self.differences))]))

    def limits(self, alpha: float) -> tuple[float, float]:
        rates = self.figures.shape[0] if self.figures.pooled == "mean" else 1
        low, high = self.differences - self.reach(alpha, True), self.differences + self.reach(alpha / rates, False)
        if rates == 1:
            return max(0.0, float(low.max())), float(high.max())
        of = [self.pairs[:, 0] == rate for rate in range(rates)]
        return (
            float(np.mean([max(0.0, float(low[rows].max())) for rows in of])),
            float(np.mean([float(high[rows].max()) for rows in of])),
        )

    def reach(self, alpha: float, together: bool) -> FloatArray:
        """float[P]: how far a bound lies from each difference; `together`: all of them at once."""
        tail = alpha
        if together:
            tail = normal_sf(float(np.quantile(self._largest, 1 - alpha)))
        return _reach(self.figures, self.pairs, self.variances, tail, alpha)

    def may_be_largest(self, alpha: float) -> npt.NDArray[np.bool_]:
        """Pairs that simultaneous bounds do not exclude from being the (rate's) largest."""
        reach = self.reach(alpha / 2, True)
        low, high = self.differences - reach, self.differences + reach
        if self.figures.pooled == "largest":
            return np.asarray(high >= low.max())
        best = np.array([low[self.pairs[:, 0] == rate].max() for rate in range(self.figures.shape[0])])
        return np.asarray(high >= best[self.pairs[:, 0]])


def _rise(figures: GroupFigures, after: _Side, sign: float, alpha: float) -> float:
    """Upper bound of a side's spread − the other one's at level 1 − alpha; `sign` −1 where it is the baseline's."""
    rates = figures.shape[0] if figures.pooled == "mean" else 1
    share = alpha / rates
    pairs = after.pairs
    possible = after.may_be_largest(share * _SCREEN)
    change, variance = _changes(figures, pairs, sign)
    high = change + _reach(figures, pairs, variance, share * (1 - _SCREEN), share)
    if rates == 1:
        return float(high[possible].max())
    return float(np.mean([high[possible & (pairs[:, 0] == rate)].max() for rate in range(rates)]))


def _changes(figures: GroupFigures, pairs: _Pairs, sign: float) -> tuple[FloatArray, FloatArray]:
    """Change of each pair's difference from one side to the other, and its variance."""
    width = figures.values.shape[1]
    _, first, second = pairs.T
    apart = (figures.values[1] - figures.values[0]) * sign
    blocks = figures.covariance.reshape(2, width, 2, width)
    covariance = blocks[0, :, 0] + blocks[1, :, 1] - blocks[0, :, 1] - blocks[1, :, 0]
    return apart[first] - apart[second], _variance(covariance, first, second)


def _variance(covariance: FloatArray, first: _Pairs, second: _Pairs) -> FloatArray:
    own = np.diag(covariance)
    return np.asarray(np.maximum(own[first] + own[second] - 2 * covariance[first, second], 0.0))


def _reach(figures: GroupFigures, pairs: _Pairs, variances: FloatArray, tail: float, alpha: float) -> FloatArray:
    """How far a bound lies from each pair's difference.

    t·SE, and what no item showed: at the level alpha, a share of 1 − alpha^(1/m) of a group may be unlike all of its m
    items that were seen. It is what carries rare groups, whose own variance says little.
    """
    _, first, second = pairs.T
    least = np.minimum(figures.members[first], figures.members[second])
    t = np.array([student_isf(tail, max(1.0, size - 1)) for size in np.unique(least)])
    quantile = t[np.searchsorted(np.unique(least), least)]
    unseen = 1 - alpha ** (1 / np.maximum(figures.members, 1.0))
    return np.asarray(np.sqrt(quantile**2 * variances + unseen[first] ** 2 + unseen[second] ** 2))


def _members(parts: Mapping[str, npt.NDArray[np.bool_]], count: int, groups: Groups) -> FloatArray:
    """Kish's number of the clusters behind each group's figure, by the items that it has in each."""
    if len(parts) != count:
        return np.full(count, float(groups.count))
    held = groups.sums(np.column_stack([*parts.values()]).astype(np.float64))
    return np.asarray(held.sum(axis=0) ** 2 / np.maximum((held**2).sum(axis=0), 1.0))


def _skew(moves: FloatArray, counts: IntArray) -> float:
    """Of the figure whose items are the most skewed; `moves` hold the root of how often each kind of item occurs."""
    squares = (moves**2).sum(axis=0)
    cubes = np.abs((moves**3 / np.sqrt(counts)[:, None]).sum(axis=0))
    return float((cubes[squares > 0] / squares[squares > 0] ** 1.5).max(initial=0.0))
