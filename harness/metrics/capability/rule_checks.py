"""Instructions followed, refusals given, sentences in order, forms kept: shares of what rules can check."""

from __future__ import annotations

from harness.metrics.column_metrics import Mean, Ratio

prompt_level_accuracy = Mean(
    "prompt_level_accuracy", "Share of prompts all of whose checkable constraints are met.", column="followed"
)
instruction_level_accuracy = Ratio(
    "instruction_level_accuracy", "Share of all checkable constraints that are met.", "met", "constraints"
)
form_adherence = Mean("form_adherence", "Share of texts that keep the asked form (lines and rhyme).")
