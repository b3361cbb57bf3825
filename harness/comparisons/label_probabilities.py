"""The probabilities of labels in a record's response."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LOG_P = "log_p"


def label_log_probabilities(response: Mapping[str, Any]) -> dict[str, float]:
    """Label → natural log-probability; empty where the response holds none."""
    given = response.get(LOG_P)
    if not isinstance(given, Mapping):
        return {}
    return {str(label): float(value) for label, value in given.items() if isinstance(value, int | float)}


def label_probabilities(response: Mapping[str, Any]) -> dict[str, float]:
    """Label → probability; empty where the response holds none."""
    return {label: math.exp(value) for label, value in label_log_probabilities(response).items()}
