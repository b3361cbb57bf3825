"""Accuracy of the next word, and the probability of the likeliest one."""

from __future__ import annotations

from harness.metrics.column_metrics import MeanOf

next_word_accuracy = MeanOf(
    "next_word_accuracy", "Share of places whose likeliest word is the real one.", column="correct"
)

mean_top_probability = MeanOf(
    "mean_top_probability",
    "Mean probability of the likeliest token: how decided a model is.",
    column="top_p",
    unit="probability",
)
