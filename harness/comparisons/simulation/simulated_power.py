"""How often a gate passes, and how many items it takes: samples of an earlier run's clusters, judged by its own method.

With θ the truth in the samples and a limit at the distance d from it, a sample of m items whose bound lies r·d from θ
passes where r ≤ 1. Bounds shrink with √m, so that N items pass it where N ≥ m·r²: the N for 80% power is m·q² with q
the 80% quantile of r. Samples of that N are drawn next, until q is near 1, so that what does not shrink with √m (exact
tests, few clusters, preconditions) is in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparisons.simulation.record_world import BoundQuestion, RecordWorld, SampledFigure
from harness.core.interval import number_or_nan
from harness.core.metric import Metric
from harness.core.records import FloatArray, Records
from harness.statistics.proportions import exact_interval
from harness.statistics.resampling.bootstrap import evaluate
from harness.statistics.t_intervals import jackknife_influence

SAMPLES = 200
RESAMPLES = 200
MOST = 2_000
"""Items of a sample; bounds at more are those of so many, by the square root."""
FURTHEST = 20_000
"""Items of a sample where fewer do not meet a method's preconditions."""

_POWER = 0.8
_ROUNDS = 3
_GROWTH = 1.5
_NEAR = 0.05
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class PowerQuestion:
    """What a gate must find.

    Attributes:
        bound: which bound it reads.
        floor, ceiling: between what it must lie; infinite where there is no limit.
        unchanged: the sides are exchangeable (a model that changed nothing but noise); else the truth is what the
            records show.
        least: effective items below which no gate passes.
    """

    bound: BoundQuestion
    floor: float = -math.inf
    ceiling: float = math.inf
    unchanged: bool = False
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedPower:
    """How often it passes at the items at hand, and how many items pass it in 80% of all samples.

    Attributes:
        power, low, high: the share of samples that pass, with its exact 95% interval.
        n: the items of those samples.
        required_n, least_n, most_n: items for 80% power with a 95% interval: of the samples' chance, of the variance
            that the records show, and of the truth where it is what they show. None: more than a million.
        unchanged: as of the question.
        reason: why there is no figure, for people.
    """

    n: int = 0
    power: float | None = None
    low: float | None = None
    high: float | None = None
    required_n: int | None = None
    least_n: int | None = None
    most_n: int | None = None
    unchanged: bool = False
    reason: str | None = None


def simulated_power(
    sides: Sequence[Records], metric: Metric, question: PowerQuestion, n: int, *, samples: int = SAMPLES, seed: int = 0
) -> SimulatedPower:
    """Draws samples of the records until the number of items for 80% power is known.

    Args:
        sides: records of one model, or of the baseline and the candidate.
        n: items that are at hand.
    """
    if metric.kind == "recompute":
        return SimulatedPower(reason="the metric has no sufficient statistics")
    try:
        made = RecordWorld.with_missing if question.bound.worst_case else RecordWorld.of
        world = made(sides, metric, question.bound.slice)
    except (KeyError, ValueError) as error:
        return SimulatedPower(reason=str(error.args[0]))
    if world.groups.count < 2:
        return SimulatedPower(reason="the records are one cluster")
    if world.identical:
        return SimulatedPower(reason="the sides of that run are identical")
    search = _Search(world, question, samples, seed)
    if not (search.floor < search.truths["low"] and search.truths["high"] < search.ceiling):
        beyond = "is beyond the limit"
        if question.bound.worst_case and search.floor < search.truth < search.ceiling:
            beyond = "would be beyond the limit with the missing answers at their worst"
        return SimulatedPower(reason=f"what that run shows {beyond}: no number of items passes it")
    return search.run(n)


class _Search:
    """Samples of one world at growing or shrinking sizes."""

    def __init__(self, world: RecordWorld, question: PowerQuestion, samples: int, seed: int) -> None:
        self._world, self._question, self._samples = world, question, samples
        self._rng = np.random.default_rng([seed, 7])
        self._log = math.log if question.bound.ratio else float
        self._items = world.groups.n / world.groups.count
        self.floor, self.ceiling = (
            self._log(limit) if math.isfinite(limit) and (limit > 0 or not question.bound.ratio) else limit
            for limit in (question.floor, question.ceiling)
        )
        whole = world.figure(world.whole(), question.bound, RESAMPLES)
        self.truth = 0.0
        if not question.unchanged:
            seen = number_or_nan(whole.interval.value)
            self.truth = self._log(seen) if seen > 0 or not question.bound.ratio else math.nan
        self.truths = dict.fromkeys(("low", "high"), self.truth)
        if question.bound.worst_case:
            self.truths |= {end: world.truth(end, question.unchanged) for end in question.bound.sides}
        # Fewer items are never worth what a pass takes.
        self._least = min(question.least * world.groups.n / max(whole.n_eff, 1e-9), float(FURTHEST))

    def run(self, n: int) -> SimulatedPower:
        size = max(2, round(min(n, MOST) / self._items))
        shortfalls = self._shortfalls(size)
        scale = math.sqrt(n / (size * self._items))
        passed = int(np.count_nonzero(shortfalls <= scale * (1 + 1e-12)))
        low, high = exact_interval(passed, self._samples, 0.95)
        required, chance = self._required(size, shortfalls)
        least, most = self._range(required, chance)
        return SimulatedPower(
            n,
            passed / self._samples,
            low,
            high,
            _whole(required),
            _whole(least),
            _whole(most),
            self._question.unchanged,
        )

    def _clusters(self, items: float) -> int:
        return max(2, math.ceil(max(min(items, MOST), self._least) / self._items))

    def _required(self, size: int, shortfalls: FloatArray) -> tuple[float, tuple[float, float]]:
        """Items for 80% power, and the factors between which the samples' chance leaves them."""
        tried, left, opened = size, _ROUNDS, 0
        while True:
            quantile, around = _quantile(shortfalls)
            if math.isinf(quantile):
                # Too little evidence whatever the bound: more items, or none that anyone has.
                if size * self._items >= FURTHEST:
                    return math.inf, (1.0, 1.0)
                opened, size = size, max(self._clusters(0), math.ceil(_GROWTH * size))
            elif not left or abs(2 * math.log(quantile)) < _NEAR:
                break
            else:
                left, size = left - 1, max(self._clusters(size * self._items * quantile**2), opened + 1)
            if size == tried:
                break
            tried, shortfalls = size, self._shortfalls(size)
        items = max(size * self._items * quantile**2, self._least, (opened + 1) * self._items if opened else 0.0)
        return items, ((around[0] / quantile) ** 2, (around[1] / quantile) ** 2)

    def _shortfalls(self, clusters: int) -> FloatArray:
        """float[samples]: how far the bound lies from the truth as a share of how far it may; infinite: no pass."""
        return np.array([self._shortfall(clusters) for _ in range(self._samples)])

    def _shortfall(self, clusters: int) -> float:
        world, question = self._world, self._question
        draw = world.draw(self._rng, clusters)
        swapped = None
        if question.unchanged:
            swapped = (self._rng.random(clusters) < 0.5)[draw.codes]
        figure = world.figure(draw, question.bound, RESAMPLES, swapped)
        return math.inf if self._open(figure) else self._reach(figure)

    def _open(self, figure: SampledFigure) -> bool:
        """Whether the evidence is too thin for a pass, whatever the bound."""
        if figure.identical:
            return False
        exact = self._question.bound.anytime and figure.interval.standard_error is None
        return figure.n_eff + 1e-6 < self._question.least or not (figure.met or exact)

    def _reach(self, figure: SampledFigure) -> float:
        if figure.identical:
            return 0.0 if self.floor < 0 < self.ceiling else math.inf
        bound, reach = figure.interval.at(self._question.bound.alpha), 0.0
        for end, truth, limit, side in (
            (bound.low, self.truths["low"], self.floor, 1.0),
            (bound.high, self.truths["high"], self.ceiling, -1.0),
        ):
            if not math.isfinite(limit):
                continue
            if end is None or (self._question.bound.ratio and end <= 0):
                return math.inf
            reach = max(reach, side * (truth - self._log(end)) / (side * (truth - limit)))
        return reach

    def _range(self, required: float, chance: tuple[float, float]) -> tuple[float, float]:
        """95% interval of the items: parts that are independent add as squares of logarithms."""
        if math.isinf(required):
            return required, required
        variance, error = self._spread()
        lower, upper = [math.log(chance[0]), variance], [math.log(chance[1]), variance]
        if not self._question.unchanged:
            distance = min(self.truths["low"] - self.floor, self.ceiling - self.truths["high"])
            near, far = distance - _Z95 * error, distance + _Z95 * error
            lower.append(2 * math.log(far / distance))
            upper.append(2 * math.log(distance / near) if near > 0 else math.inf)
        least = max(required * math.exp(-math.hypot(*lower)), min(required, self._least))
        return least, required * _growth(math.hypot(*upper))

    def _spread(self) -> tuple[float, float]:
        """What 95% of estimates of the variance lie within, as a logarithm, and the figure's standard error here."""
        value, rows = self._world.metric.value, np.hstack(self._world.tables)
        k = self._world.tables[0].shape[1]

        def figure(sums: FloatArray, n: FloatArray) -> FloatArray:
            parts = [evaluate(value, sums[..., place : place + k], n) for place in range(0, rows.shape[1], k)]
            if len(parts) == 1:
                return parts[0]
            return np.log(parts[1] / parts[0]) if self._question.bound.ratio else parts[1] - parts[0]

        known = ~np.isnan(rows).any(axis=1)
        influence = np.zeros(len(rows))
        influence[known] = np.nan_to_num(jackknife_influence(rows[known], figure))
        moves = self._world.groups.sums(influence[:, None])[:, 0]
        squares, count = moves**2, self._world.groups.count
        total = float(squares.sum())
        if not total > 0:
            return math.inf, 0.0
        spread = math.sqrt(float(np.sum((squares - total / count) ** 2))) / total
        return _Z95 * spread, math.sqrt(count / (count - 1) * total)


def _quantile(shortfalls: FloatArray) -> tuple[float, tuple[float, float]]:
    """The 80% quantile with the order statistics between which it lies with 95%."""
    ordered = np.sort(shortfalls)
    n = len(ordered)
    reach = _Z95 * math.sqrt(n * _POWER * (1 - _POWER))
    places = [math.ceil(_POWER * n) - 1, math.floor(_POWER * n - reach) - 1, math.ceil(_POWER * n + reach) - 1]
    middle, low, high = (float(ordered[min(max(place, 0), n - 1)]) for place in places)
    return max(middle, 1e-9), (max(low, 1e-9), max(high, 1e-9))


def _growth(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 50 else math.inf


def _whole(items: float) -> int | None:
    return math.ceil(items) if items <= 1_000_000 else None
