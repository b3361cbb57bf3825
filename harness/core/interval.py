"""Numbers as results hold them: null where undefined, alphas as text keys."""

from __future__ import annotations

import math
from collections.abc import Mapping


def finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def alpha_key(alpha: float) -> str:
    """The key of an alpha in `bounds`: its shortest exact text, `0.05`."""
    return repr(float(alpha))


def keyed(bounds: Mapping[float, tuple[float, float]]) -> dict[str, tuple[float | None, float | None]]:
    return {alpha_key(alpha): (finite(low), finite(high)) for alpha, (low, high) in bounds.items()}
