"""Accuracy of the next word, and the probability of the likeliest one."""

from __future__ import annotations

from harness.metrics.column_metrics import Mean

next_word_accuracy = Mean(
    "next_word_accuracy", "Fraction of positions whose most likely word is correct.", column="correct"
)

mean_top_probability = Mean(
    "mean_top_probability",
    "Mean probability of the most likely token: how confident a model is.",
    column="top_p",
    unit="probability",
)
