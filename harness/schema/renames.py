"""The public names of version 0.1.0 and what they are called now: the one table.

It serves the errors of suites with old names, `harness migrate`, and the reading of runs that 0.1.0 made.
"""

from __future__ import annotations

from collections.abc import Mapping

Names = Mapping[str, str]

TASKS: Names = {
    "completions": "sample_completions",
    "extractive_qa": "question_answering",
    "generation": "text_generation",
    "instruction": "instruction_following",
    "language_modelling": "language_modeling",
    "lm_eval_task": "lm_eval",
    "multi_label": "multilabel_classification",
    "next_sentence": "next_sentence_prediction",
    "next_word": "next_word_prediction",
    "summarisation": "summarization",
    "tagging": "token_classification",
}
PROBES: Names = {
    "amplification": "bias_amplification",
    "generation": "generation_bias",
    "group_gaps": "group_fairness",
    "pronouns": "occupation_pronouns",
}
METRICS: Names = {
    # fairness
    "amplification": "bias_amplification",
    "coref_changed": "coref_flip_rate",
    "demographic_parity_gap": "demographic_parity_difference",
    "empty_cells": "empty_cell_rate",
    "equalised_odds_mean": "equalized_odds_difference_mean",
    "equalised_odds_worst": "equalized_odds_difference",
    "female_pronouns": "female_pronoun_share",
    "honest_gap": "honest_difference",
    "polarity_gap": "polarity_difference",
    "regard_gap": "regard_difference",
    "regard_prompt_gap": "regard_prompt_difference",
    "regard_unreadable": "regard_unreadable_rate",
    "weat_d": "weat_effect_size",
    "weat_p": "weat_p_value",
    # toxicity: by classifier, then by word list
    "classified_toxic_gap": "toxic_fraction_difference",
    "classified_toxic_maximum": "expected_max_toxicity",
    "classified_toxic_probability": "toxicity_probability",
    "classified_toxic_share": "toxic_fraction",
    "detector_prompt_gap": "prompt_toxicity_difference",
    "detector_prompt_score": "prompt_toxicity",
    "detector_swap_flips": "toxicity_flip_rate",
    "detector_swap_shift": "toxicity_shift",
    "detector_unreadable": "toxicity_unreadable_rate",
    "toxic_gap": "hurtful_text_fraction_difference",
    "toxic_maximum": "expected_max_hurtful_word_rate",
    "toxic_probability": "hurtful_text_probability",
    "toxic_share": "hurtful_text_fraction",
    # answers and written text
    "answer_f1": "squad_f1",
    "constraints_met": "instruction_level_accuracy",
    "exact_labels": "subset_accuracy",
    "exact_line": "line_exact_match",
    "exact_match": "squad_exact_match",
    "exact_text": "exact_match_strict",
    "form_kept": "form_adherence",
    "malformed_tags": "invalid_tag_rate",
    "parse_share": "parse_rate",
    "prompts_followed": "prompt_level_accuracy",
    "target_generated": "greedy_match",
    "top_probability": "mean_top_probability",
    "unfinished": "length_limit_rate",
    "written_words": "mean_words",
    # judges, safety, planted bias
    "false_alarms": "false_alarm_rate",
    "judge_by_place": "judge_position_bias",
    "judge_preference": "judge_win_rate",
    "judge_unreadable": "judge_unreadable_rate",
    "safe_preference": "safe_response_preference",
    "world_figure": "planted_value",
}
OF_FIGURES = ("world_figure", "false_alarms", "dose_slope", "power")
"""Metrics of 0.1.0 whose brackets hold another metric."""

MODEL_KINDS: Names = {"baseline": "heuristic"}
SECTIONS: Names = {"worlds": "planted_bias"}
SUITES: Names = {"summarisation": "summarization"}
COMMANDS: Names = {"import-lm-eval": "import lm-eval"}

COMPARE_KEYS: Names = {"ways": "base_variants"}
DATA_KEYS: Names = {"licence": "license"}
MODEL_KEYS: Names = {"quantise": "quantize"}
"""Keys beside a model's kind."""

MODEL_OPTIONS: Mapping[str, Names] = {
    "align": {"labels": "max_train_rows"},
    "classical": {"labels": "max_train_rows"},
    "finetune": {
        "embedding_rate": "embedding_lr_multiplier",
        "head_rate": "head_lr_multiplier",
        "labels": "max_train_rows",
        "memory": "mlm_loss_weight",
    },
    "pretrain": {"embedding_rate": "embedding_lr_multiplier", "mask_rate": "mlm_probability"},
    "prompt": {"labels": "max_train_rows", "shots": "num_fewshot"},
    "server": {"attempts": "max_attempts", "failures": "on_failure"},
}
"""Keys below a model's kind, by the kind's old name."""

TASK_OPTIONS: Mapping[str, Names] = {"sentence_choice": {"right": "correct", "wrong": "incorrect"}}
PROBE_OPTIONS: Mapping[str, Names] = {"pronouns": {"least": "min_count"}}

TWO_MEANINGS: Mapping[tuple[str, str], str] = {
    ("metric", "exact_match"): "squad_exact_match (SQuAD's rules), or exact_match_strict where no character may differ",
    ("kind of task", "generation"): "text_generation (the task; the probe is generation_bias)",
    ("kind of probe", "generation"): "generation_bias (the probe; the task is text_generation)",
    ("kind of probe", "amplification"): "bias_amplification (the probe and its metric)",
}
"""(what, old name) → what its error says, where one old word could be read in two ways."""


def base_name(metric: str) -> str:
    """A metric's name without its brackets."""
    return metric.partition("[")[0]


def rename_metric(name: str) -> str:
    """The new name of a metric id of 0.1.0; brackets stay, or hold a metric: `dose_slope[weat_d]`."""
    base, bracket, rest = name.partition("[")
    if bracket and base in OF_FIGURES and rest.endswith("]"):
        rest = rename_metric(rest[:-1]) + "]"
    return METRICS.get(base, base) + bracket + rest


def rename_figure(identifier: str) -> str:
    """The new name of `evaluation.metric`."""
    evaluation, dot, metric = identifier.partition(".")
    return f"{evaluation}.{rename_metric(metric)}" if dot else identifier


def rename_statistic(name: str) -> str:
    """The new name of a record's statistic: a metric's, or `figure.` or `alarm.` and a metric's."""
    part, dot, metric = name.partition(".")
    return f"{part}.{rename_metric(metric)}" if dot and part in ("figure", "alarm") else rename_metric(name)


def renamed_message(what: str, old: str, new: str) -> str:
    """One sentence for an error: the old name and the new one; both, where the old word had two meanings."""
    both = TWO_MEANINGS.get((what, base_name(old.rpartition(".")[2])))
    return f"the {what} {old!r} has a new name: {both or repr(new)}."


def describe_old(word: str) -> str | None:
    """What became of a word of 0.1.0, wherever it stood: `'tagging' is now the task 'token_classification'.`"""
    base = base_name(word)
    tables = (("task", TASKS), ("probe", PROBES), ("metric", METRICS), ("model kind", MODEL_KINDS), ("suite", SUITES))
    meanings = [f"the {what} {names[base]!r}" for what, names in tables if base in names]
    return f"{base!r} is now {' and '.join(meanings)}." if meanings else None
