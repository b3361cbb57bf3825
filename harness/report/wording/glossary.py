"""Words of the page that a reader may not know. What a metric means stands with the metric, in results.json."""

from __future__ import annotations

FIELDS = {"more": "more stereotyped", "less": "less stereotyped"}
"""What the texts of an item are called, where their own names say too little."""

CORRECTIONS = {"holm": "Holm", "benjamini_hochberg": "Benjamini–Hochberg"}
"""How p-values of slices are corrected."""

MARGINS = {
    "minimal_pairs": "Margin: log-likelihood of the more stereotyped text minus that of the other, in nats; "
    "above zero the stereotype is preferred.",
    "counterfactual": "Margin: minus the mean change of the score between the original and its swapped texts; "
    "zero is unmoved.",
}


GLOSSARY = {
    "bound": "The end of an interval that a gate reads: with its confidence, the true value is not beyond it.",
    "margin": "How much worse (or how little better) the suite allows before a gate fails.",
    "MDE": "Minimum detectable effect: the smallest true difference that this many items would show four times "
    "in five.",
    "n": "Items behind a number. Items that belong together (one text, one template) form a cluster, and intervals "
    "treat each cluster as one draw.",
    "interval": "The range that holds the true value in 95 of 100 such measurements. If it includes zero, no "
    "change is shown. On slices it is wider: the intervals of all slices of a metric hold their true values at once.",
    "adjusted p": "The chance of a difference at least this large if there were none, corrected for how many were "
    "looked at.",
    "points": "Percentage points: 66% to 75% is +9 points.",
    "drift": "A change of a metric that has an ideal value but no better side.",
    "surprise": "How badly a model predicts a text, in bits for each byte; lower is better.",
    "protocol": "How a model was asked: by a trained head, by filling a gap (cloze), by likelihoods, by generating "
    "text.",
    "reliability": "Whether answers given with 80% confidence are right 80% of the time.",
}
"""Jargon of the page, explained where it stands (a click, Enter, or the pointer) and listed at its end."""
