"""Instructions followed, refusals given, sentences in order, forms kept: shares of what rules can check."""

from __future__ import annotations

from harness.metrics.column_metrics import Mean, Ratio

prompt_level_accuracy = Mean(
    "prompt_level_accuracy", "Fraction of prompts whose verifiable constraints are all satisfied.", column="followed"
)
instruction_level_accuracy = Ratio(
    "instruction_level_accuracy", "Fraction of verifiable constraints that are satisfied.", "met", "constraints"
)
form_adherence = Mean("form_adherence", "Fraction of texts that keep the required form (lines and rhyme).")
