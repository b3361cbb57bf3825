"""Instructions followed, refusals given, sentences in order, forms kept: shares of what rules can check."""

from __future__ import annotations

from harness.metrics.column_metrics import Mean, Ratio

prompts_followed = Mean(
    "prompts_followed", "Share of prompts all of whose checkable constraints are met.", column="followed"
)
constraints_met = Ratio("constraints_met", "Share of all checkable constraints that are met.", "met", "constraints")
form_kept = Mean("form_kept", "Share of texts that keep the asked form (lines and rhyme).")
