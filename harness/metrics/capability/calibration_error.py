"""Expected calibration error of the top label, as measured and with its bias taken off.

15 bins of equal width on the confidence, each closed on the right (Guo et al. 2017):
ECE = Σ_b n_b/n · |a_b − c_b|, with a_b the share of right answers and c_b the mean confidence.

The plain figure is biased upward, because noise in a_b counts as a gap: a calibrated model shows
about 0.047 at n = 500. The debiased figure takes the expected excess off bin by bin (Kumar, Liang
and Ma 2019): with R ~ N(a_b, a_b(1 − a_b)/n_b) it is Σ_b n_b/n · (2·|a_b − c_b| − E|R − c_b|), not
below zero. They sample R; the mean of |R − c_b| is that of a folded normal, so it is computed:
E|N(μ, s²)| = s·√(2/π)·exp(−μ²/2s²) + μ·(1 − 2Φ(−μ/s)). The correction is of first order: about
two fifths of the excess go. Gate on the Brier score or the log-likelihood instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.core.metric import Aspect, Metric, MetricContext, MetricKind
from harness.core.records import FloatArray, Records
from harness.metrics.metric_shapes import Factory, RecordMetric, column, divide

BINS = 15
WEAKNESS = (
    "a binned figure of absolute gaps: in simulation a 95% bootstrap interval held the true difference in 84 to 87% of "
    "samples and the true level in 60 to 81%. Gate on the Brier score or the log-likelihood instead."
)


@dataclass(slots=True, kw_only=True)
class ExpectedCalibrationError(RecordMetric):
    """Expected calibration error; `stats` is [n, 3·15]: count, confidence, right answers by bin."""

    debiased: bool
    kind: MetricKind = "additive"

    @property
    def unkept(self) -> Mapping[str, str]:
        if not self.debiased:
            return {}
        return {"doubled": "the correction of its bias depends on the number of items: compare figures of one n."}

    def rows(self, records: Records) -> FloatArray:
        confidence = column(records, "confidence")
        correct = column(records, "correct")
        rows = np.full((len(records), BINS, 3), np.nan)
        known = np.flatnonzero(~np.isnan(confidence) & ~np.isnan(correct))
        bins = np.clip(np.ceil(confidence[known] * BINS).astype(np.int64) - 1, 0, BINS - 1)
        rows[known] = 0.0
        rows[known, bins, 0] = 1.0
        rows[known, bins, 1] = confidence[known]
        rows[known, bins, 2] = correct[known]
        return rows.reshape(len(records), 3 * BINS)

    def value(self, sums: FloatArray, n: npt.NDArray[Any] | float) -> FloatArray:
        bins = sums.reshape(*sums.shape[:-1], BINS, 3)
        # The top label of K has at least 1/K: bins below hold nothing, and have no gap.
        bins = bins[..., bins[..., 0].reshape(-1, BINS).any(axis=0), :]
        count, confidence, right = bins[..., 0], bins[..., 1], bins[..., 2]
        gap = np.abs(right - confidence)
        if self.debiased:
            share = np.where(count > 0, right / np.maximum(count, 1.0), 0.0)
            spread = np.sqrt(np.maximum(share * (1.0 - share), 0.0) * count)
            gap = 2.0 * gap - _folded_mean(gap, spread)
        total = np.maximum(gap.sum(axis=-1), 0.0)
        return divide(total, np.asarray(n, dtype=np.float64))


class _Ece(Factory):
    needs: tuple[str, ...] = ("correct", "confidence")
    id: ClassVar[str]
    debiased: ClassVar[bool]

    def build(self, name: str, context: MetricContext) -> Sequence[Metric]:
        return [
            ExpectedCalibrationError(
                id=self.id,
                unit="probability",
                direction="lower",
                cluster_unit=context.cluster_unit,
                debiased=self.debiased,
                weakness=WEAKNESS,
            )
        ]


class Ece(_Ece):
    """The debiased figure."""

    label: str = "gap between confidence and accuracy"
    short: str = "calibration error"
    aspect: Aspect = "calibration"
    summary: str = "Expected calibration error of the top label, 15 equal bins, debiased."
    id: ClassVar[str] = "ece"
    debiased: ClassVar[bool] = True


class RawEce(_Ece):
    """The figure as measured, biased upward."""

    label: str = "calibration error without bias correction"
    summary: str = "Expected calibration error of the top label, 15 equal bins, as measured (biased upward)."
    id: ClassVar[str] = "ece_raw"
    debiased: ClassVar[bool] = False


ece = Ece()
ece_raw = RawEce()


def _folded_mean(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """E|N(mean, spread²)|; |mean| where the spread is zero."""
    from scipy.special import erf

    out = np.abs(mean)
    varies = spread > 0
    center, deviation = mean[varies], spread[varies]
    ratio = center / deviation
    out[varies] = deviation * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * ratio**2) + center * erf(ratio / np.sqrt(2.0))
    return out
