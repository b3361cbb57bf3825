"""Words of the page that a reader may not know. What a metric means stands with the metric, in results.json."""

from __future__ import annotations

VERDICTS = {
    "none": "Not judged",
    "pass": "Pass",
    "warn": "Pass with warnings",
    "inconclusive": "Inconclusive",
    "fail": "Fail",
    "error": "Error",
}
"""What every output calls a verdict."""

FIELDS = {"more": "more stereotyped", "less": "less stereotyped"}
"""What the texts of an item are called, where their own names say too little."""

CORRECTIONS = {"holm": "Holm", "benjamini_hochberg": "Benjamini–Hochberg"}
"""How p-values of slices are corrected."""

MARGINS = {
    "minimal_pairs": "Margin: log-likelihood of the more stereotyped text minus that of the other, in nats; "
    "above zero, the model prefers the stereotype.",
    "counterfactual": "Margin: the negative mean change in score from the original to its swapped texts; "
    "zero means no change.",
}


GLOSSARY = {
    "bound": "The end of the interval that a gate reads; at the stated confidence, the true value does not exceed it.",
    "margin": "How much worse (or how little better) the candidate may be before the gate fails.",
    "MDE": "Minimum detectable effect: the smallest true difference that this many items detect with 80% power.",
    "n": "Number of items. Related items (from one text or one template) form a cluster, and intervals treat each "
    "cluster as one draw.",
    "interval": "The range that covers the true value in 95 of 100 such measurements. If it includes zero, the data "
    "shows no change. Slice intervals are wider: together they cover all slices of a metric at 95%.",
    "adjusted p": "The probability of a difference at least this large if there were none, corrected for the number "
    "of comparisons.",
    "points": "Percentage points: from 66% to 75% is +9 points.",
    "drift": "A change in a metric that has an ideal value, so that neither direction is better by itself.",
    "bits per byte": "How poorly a model predicts a text: its negative log-likelihood per byte; lower is better.",
    "protocol": "How a model was evaluated: with a trained head, by filling a gap (cloze), by likelihoods, or by "
    "generating text.",
    "reliability": "Whether answers with 80% confidence are right 80% of the time.",
}
"""Terms of the page, explained in place (click, Enter, or hover) and listed at its end."""
