"""What the Hugging Face Hub calls metrics of ours, for `model-index` metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HUB_METRICS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "f1_macro": ("f1", {"average": "macro"}),
    "f1_micro": ("f1", {"average": "micro"}),
    "f1_weighted": ("f1", {"average": "weighted"}),
    "brier": ("brier_score", {}),
}
"""Metric id → the Hub's name and its arguments; other metrics keep their own names there."""
