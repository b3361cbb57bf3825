"""Instructions followed, refusals given, sentences in order, forms kept: shares of what rules can check."""

from __future__ import annotations

from harness.metrics.column_metrics import MeanOf, RatioOf

prompt_level_accuracy = MeanOf(
    "prompt_level_accuracy",
    "Fraction of prompts whose verifiable constraints are all satisfied.",
    column="followed",
    label="share of instructions that are followed in all",
    short="share of instructions followed",
)
instruction_level_accuracy = RatioOf(
    "instruction_level_accuracy",
    "Fraction of verifiable constraints that are satisfied.",
    "met",
    "constraints",
    label="share of constraints satisfied",
    short="share of constraints satisfied",
)
form_adherence = MeanOf(
    "form_adherence",
    "Fraction of texts that keep the required form (lines and rhyme).",
    label="share of texts that keep the asked form",
    short="share that keeps the form",
)
