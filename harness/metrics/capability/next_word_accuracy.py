"""Accuracy of the next word, and the probability of the likeliest one."""

from __future__ import annotations

from harness.metrics.column_metrics import MeanOf

next_word_accuracy = MeanOf(
    "next_word_accuracy",
    "Fraction of positions whose most likely word is correct.",
    column="correct",
    label="accuracy of the most likely next word",
)

mean_top_probability = MeanOf(
    "mean_top_probability",
    "Mean probability of the most likely token: how confident a model is.",
    column="top_p",
    unit="probability",
    label="mean probability of the most likely token",
)
