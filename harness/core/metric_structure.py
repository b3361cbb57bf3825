"""What a metric's figure is made of, where its kind does not say it: weights, parts, groups, numerical noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SCORING_ABSOLUTE = 1e-4
SCORING_RELATIVE = 2e-6
"""Log-likelihoods of one text by the same weights differ by up to 1e-4 nats + 2e-6·|ll| between backends."""


@dataclass(frozen=True, slots=True)
class MetricStructure:
    """How the items of some records carry a figure.

    Attributes:
        weights: float[n], what every item weighs (bytes, words); None where all weigh alike.
        parts: name → bool[n], the items of each class or group that counts on its own, however few they are.
        classes: int[n], the one class of each item where all classes count alike, by its place in `class_names`; -1 for
            none. As `parts`, for any number of classes.
        area: the figure is an area under a ROC curve; `parts` are its positive and its negative items.
        spread: the figure is a largest minus smallest: sums [..., k] → figures of groups [..., S, G], of S rates over G
            groups; `parts` are the items of each of the S·G figures. None for all other figures.
        pooled: how several rates become one figure: the largest of their spreads, or the mean.
        nats: column 0 is a log-likelihood in nats, which is known to `tolerance` only.
        tolerance: nats, and share of the log-likelihood, as the records say; see `SCORING_ABSOLUTE`.
        settled: a figure that is the same in every row is known exactly (a number of parameters); it is no sample that
            happens not to vary.
    """

    weights: FloatArray | None = None
    parts: Mapping[str, Mask] = field(default_factory=dict)
    classes: npt.NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    area: bool = False
    spread: Callable[[FloatArray], FloatArray] | None = None
    pooled: Literal["largest", "mean"] = "largest"
    nats: bool = False
    tolerance: tuple[float, float] = (SCORING_ABSOLUTE, SCORING_RELATIVE)
    settled: bool = False

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> MetricStructure:
        """The same of some of the items."""
        return replace(
            self,
            weights=None if self.weights is None else self.weights[rows],
            parts={name: mask[rows] for name, mask in self.parts.items()},
            classes=None if self.classes is None else self.classes[rows],
        )

    def part_sizes(self) -> dict[str, int]:
        """Items of every class or part that has any."""
        sizes = {name: int(np.count_nonzero(mask)) for name, mask in self.parts.items()}
        if self.classes is not None:
            counts = np.bincount(self.classes[self.classes >= 0], minlength=len(self.class_names))
            sizes |= dict(zip(self.class_names, counts.tolist(), strict=True))
        return {name: size for name, size in sizes.items() if size}


PLAIN = MetricStructure()
"""Items weigh alike, and nothing counts on its own."""
