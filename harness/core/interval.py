"""The interval of a figure: made by statistics, kept in results, asked by gates and reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

NAN = float("nan")
_SAME_ALPHA = 1e-6


def finite(number: object) -> float | None:
    """The number as JSON can hold it: None for NaN, infinity and None."""
    return float(number) if isinstance(number, int | float) and math.isfinite(number) else None


def number_or_nan(number: float | None) -> float:
    """The opposite of `finite`, for arithmetic."""
    return NAN if number is None else float(number)


def _checked(number: object) -> object:
    return finite(number) if isinstance(number, float) else number


Number = Annotated[float | None, BeforeValidator(_checked)]
"""A finite number, or None where it is undefined; NaN and infinity become None here, and nowhere else."""


class Bound(BaseModel):
    """One-sided lower and upper bounds, each at level 1 − alpha.

    Both together are the 1 − 2·alpha interval that two one-sided tests (TOST) ask for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float
    low: Number = None
    high: Number = None


class Interval(BaseModel):
    """A figure, its two-sided interval at `confidence`, and its one-sided bounds at the levels that were asked for.

    Attributes:
        value: the figure on the data; None where it is undefined.
        low, high: the two-sided interval; None where it is undefined or without an end.
        standard_error: of the value; None where it is unknown.
        bounds: one entry per alpha, in the order in which they were asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Number = None
    low: Number = None
    high: Number = None
    confidence: float = 0.95
    standard_error: Number = None
    bounds: tuple[Bound, ...] = ()

    @classmethod
    def of(
        cls,
        limits: Callable[[float], tuple[float, float]],
        confidence: float,
        alphas: Iterable[float],
        standard_error: float = NAN,
        value: float = NAN,
    ) -> Self:
        """Asks `limits(alpha)` for one-sided (lower, upper) bounds at every level that is needed."""
        low, high = limits((1.0 - confidence) / 2.0)
        bounds = tuple(Bound(alpha=alpha, low=ends[0], high=ends[1]) for alpha in alphas for ends in [limits(alpha)])
        return cls(value=value, low=low, high=high, confidence=confidence, standard_error=standard_error, bounds=bounds)

    @classmethod
    def exactly(cls, value: float, confidence: float, alphas: Iterable[float]) -> Self:
        """The interval of what does not vary at all."""
        return cls.of(lambda alpha: (value, value), confidence, alphas, 0.0, value)

    @classmethod
    def undefined(cls, confidence: float, alphas: Iterable[float] = (), value: float = NAN) -> Self:
        return cls(value=value, confidence=confidence, bounds=tuple(Bound(alpha=alpha) for alpha in alphas))

    @property
    def known(self) -> bool:
        """Whether the two-sided interval has both ends."""
        return self.low is not None and self.high is not None

    def at(self, alpha: float) -> Bound:
        """The one-sided bounds at a level.

        Raises:
            KeyError: when the level was not asked for.
        """
        nearest = min(self.bounds, key=lambda bound: abs(bound.alpha - alpha), default=None)
        if nearest is None or not math.isclose(nearest.alpha, alpha, rel_tol=_SAME_ALPHA):
            raise KeyError(alpha)
        return nearest

    def has_bounds_at(self, alphas: Iterable[float]) -> bool:
        known = [bound.alpha for bound in self.bounds]
        return all(any(math.isclose(other, alpha, rel_tol=_SAME_ALPHA) for other in known) for alpha in alphas)

    def only(self, alphas: Iterable[float]) -> Self:
        """The same with the bounds at these levels alone.

        Raises:
            KeyError: when a level was not asked for.
        """
        return self.model_copy(update={"bounds": tuple(self.at(alpha) for alpha in alphas)})

    def with_value(self, value: float) -> Self:
        return self.model_copy(update={"value": finite(value)})

    def mapped(self, function: Callable[[float], float]) -> Self:
        """The interval under an increasing function, such as exp; its standard error is unknown."""

        def apply(number: float | None) -> float | None:
            return None if number is None else function(number)

        return type(self)(
            value=apply(self.value),
            low=apply(self.low),
            high=apply(self.high),
            confidence=self.confidence,
            bounds=tuple(
                Bound(alpha=bound.alpha, low=apply(bound.low), high=apply(bound.high)) for bound in self.bounds
            ),
        )

    def shifted(self, by: float) -> Self:
        """The interval of the figure plus a constant."""
        return self.mapped(lambda number: number + by).model_copy(update={"standard_error": self.standard_error})

    def covering(self, other: Interval) -> Self:
        """The shortest interval that holds this one and the other's; this one where the other has no ends."""

        def wider(low: float | None, high: float | None, ends: Bound | Interval) -> dict[str, float | None]:
            if low is None or high is None or ends.low is None or ends.high is None:
                return {"low": low, "high": high}
            return {"low": min(low, ends.low), "high": max(high, ends.high)}

        bounds = tuple(
            bound.model_copy(update=wider(bound.low, bound.high, other.at(bound.alpha))) for bound in self.bounds
        )
        return self.model_copy(update={**wider(self.low, self.high, other), "bounds": bounds})

    def negated(self) -> Self:
        """The interval of the negated figure, such as a difference with its sides exchanged."""

        def minus(number: float | None) -> float | None:
            return None if number is None else -number

        return type(self)(
            value=minus(self.value),
            low=minus(self.high),
            high=minus(self.low),
            confidence=self.confidence,
            standard_error=self.standard_error,
            bounds=tuple(
                Bound(alpha=bound.alpha, low=minus(bound.high), high=minus(bound.low)) for bound in self.bounds
            ),
        )
