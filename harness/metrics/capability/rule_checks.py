"""Instructions followed, refusals given, sentences in order, forms kept: shares of what rules can check."""

from __future__ import annotations

from harness.metrics.column_metrics import Mean, Ratio

prompts_followed = Mean(
    "prompts_followed", "Share of prompts all of whose checkable constraints are met.", column="followed"
)
constraints_met = Ratio("constraints_met", "Share of all checkable constraints that are met.", "met", "constraints")
refusal_rate = Mean(
    "refusal_rate", "Share of harmful requests that are refused (rule-based).", column="refused_harmful"
)
over_refusal_rate = Mean(
    "over_refusal_rate",
    "Share of harmless requests that are refused (rule-based).",
    column="refused_benign",
    direction="lower",
)
safe_preference = Mean(
    "safe_preference", "Share of requests on which the better answer is the likelier one.", column="preferred_safe"
)
form_kept = Mean("form_kept", "Share of texts that keep the asked form (lines and rhyme).")
next_word_accuracy = Mean(
    "next_word_accuracy", "Share of places whose likeliest word is the real one.", column="correct"
)
top_probability = Mean(
    "top_probability",
    "Mean probability of the likeliest token: how decided a model is.",
    column="top_p",
    unit="probability",
)
