"""What the built-in metrics mean, in a few words for a reader who never saw them."""

from __future__ import annotations

_METRICS = {
    "accuracy": "share of right answers",
    "f1": "F1 of one label",
    "f1_macro": "F1, mean over labels",
    "f1_micro": "F1 over all answers",
    "f1_weighted": "F1, labels weighted by size",
    "nll": "surprise at the right answer",
    "brier": "squared error of the probabilities",
    "ece": "gap between confidence and accuracy",
    "span_f1": "F1 of whole spans, type and borders right",
    "span_precision": "share of the marked spans that are right",
    "span_recall": "share of the spans that are found",
    "invalid_tag_rate": "share of words whose tag cannot stand there",
    "squad_exact_match": "share of answers that equal an accepted one",
    "squad_f1": "words shared with the accepted answer",
    "no_answer_accuracy": "share right on whether there is an answer",
    "line_exact_match": "share of next lines that are right to the letter",
    "edit_similarity": "letters shared with the right line",
    "parse_rate": "share that Python's grammar accepts",
    "target_bits_per_byte": "surprise at the right text",
    "length_limit_rate": "share of texts that the length limit cut off",
    "form_adherence": "share of texts that keep the asked form",
    "distinct_1": "different words within a text",
    "distinct_2": "different word pairs within a text",
    "repetition": "share of four-word sequences that stood before",
    "length_ratio": "length against the reference's",
    "rouge1": "words shared with the reference",
    "rouge2": "word pairs shared with the reference",
    "rougeL": "words shared with the reference, in order",
    "rougeLsum": "words shared with the reference, line by line",
    "bleu": "word sequences shared with the reference",
    "chrf": "letter sequences shared with the reference",
    "ter": "edits to reach the reference, a word",
    "prompt_level_accuracy": "share of instructions that are followed in all",
    "instruction_level_accuracy": "share of demands that are met",
    "acc": "share of right choices",
    "pseudo_bits_per_byte": "surprise at these texts",
    "pseudo_perplexity": "surprise at these texts",
    "bits_per_byte": "surprise at these texts",
    "word_perplexity": "surprise at these texts, per word",
    "token_perplexity": "surprise at these texts, per token",
    "stereotype_score": "share of pairs where the stereotype is preferred",
    "pair_margin": "how strongly the stereotype is preferred",
    "pair_likelihood": "how well the model reads the pairs at all",
    "tie_rate": "share of pairs without a preference",
    "toxic_fraction": "share of written texts that a classifier calls toxic",
    "toxic_fraction_difference": "how unevenly groups get texts called toxic",
    "toxicity_probability": "share of prompts with any text called toxic",
    "expected_max_toxicity": "worst text of each prompt, by a classifier",
    "prompt_toxicity": "what the classifier says of the prompts alone",
    "prompt_toxicity_difference": "how unevenly the classifier treats the prompts alone",
    "toxicity_shift": "how far the classifier moves when people are swapped",
    "toxicity_flip_rate": "how often the classifier changes its mind when people are swapped",
    "toxicity_unreadable_rate": "share of prompts that the classifier could not read",
    "regard": "how written texts regard people, by a classifier",
    "regard_difference": "how unevenly groups are regarded",
    "flip_rate": "share of answers that change when groups are swapped",
    "score_shift_abs": "how far the score moves when groups are swapped",
    "score_shift": "which way the score moves when groups are swapped",
}

_PLAIN = {
    "accuracy": "accuracy",
    "f1_macro": "F1 (mean over labels)",
    "ece": "calibration error",
    "nll": "surprise at the right answer",
    "brier": "squared error of the probabilities",
    "span_f1": "F1 of spans",
    "squad_exact_match": "exact answers",
    "squad_f1": "F1 of answers",
    "line_exact_match": "exact lines",
    "edit_similarity": "similarity of lines",
    "parse_rate": "share that parses",
    "target_bits_per_byte": "surprise at the right text",
    "form_adherence": "share that keeps the form",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "prompt_level_accuracy": "share of instructions followed",
    "instruction_level_accuracy": "share of demands met",
    "acc": "share of right choices",
    "pseudo_bits_per_byte": "surprise",
    "bits_per_byte": "surprise",
    "pseudo_perplexity": "surprise",
    "word_perplexity": "surprise",
    "token_perplexity": "surprise",
    "stereotype_score": "preference for the stereotype",
    "pair_margin": "strength of the stereotype",
    "flip_rate": "share of answers that change when people are swapped",
    "score_shift_abs": "change of the score when people are swapped",
    "score_shift": "direction of the score's change when people are swapped",
}

COMPANIONS = frozenset(
    {
        *("pair_likelihood", "tie_rate", "stereoset_lms", "coref_accuracy", "bbq_accuracy_amb", "bbq_accuracy_dis"),
        *("mean_words", "descriptor_likelihood", "empty_cell_rate"),
        *("prompt_toxicity", "prompt_toxicity_difference", "toxicity_shift", "toxicity_flip_rate"),
        *("toxicity_unreadable_rate", "regard_prompt_difference", "regard_unreadable_rate", "regard_other"),
    }
)
"""Metrics of probes that say whether the model can do the task at all, or what the instrument itself does, not whom the
model hurts."""

ASIDES = frozenset({"length_limit_rate", "invalid_tag_rate", "length_ratio", "repetition", "distinct_1", "distinct_2"})
"""Metrics of tasks that describe answers; whether they are right is for others to say."""

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


def meaning(metric: str) -> str:
    """A few words on a metric, or an empty text for one that is not built in."""
    return _METRICS.get(metric.split("[")[0], "")


def plain_name(metric: str) -> str:
    """A metric in plain words for running text: `surprise`; its own name where it is not built in."""
    head, bracket, rest = metric.partition("[")
    known = _PLAIN.get(head)
    return metric if known is None else known + (f" ({rest.rstrip(']')})" if bracket and head == "f1" else "")


def named(evaluation: str, metric: str) -> str:
    """`flip_rate on names (share of answers that change when groups are swapped)`."""
    words = meaning(metric)
    return f"{metric} on {evaluation}" + (f" ({words})" if words else "")


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
