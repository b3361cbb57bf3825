"""What all parts of results.json are made of."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["none", "pass", "warn", "inconclusive", "fail", "error"]
"""Of a whole run; `none` where nothing was judged."""
Direction = Literal["higher", "lower", "target"]


class Result(BaseModel):
    model_config = ConfigDict(extra="forbid")


def finite(value: Any) -> Any:
    """JSON without NaN or infinity: they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value
