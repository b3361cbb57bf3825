"""Every registered metric keeps the contract of `harness.testing`; a new one is held to it without being named."""

from __future__ import annotations

import zlib

import pytest

from harness.core import registry
from harness.testing import METRIC_CHECKS, metric_cases


def _seed(text: str) -> int:
    return zlib.crc32(text.encode()) % 1000


UNLABELED = """
    acc_mutual_info acc_norm_bytes acc_norm_chars auc bbq_accuracy_amb bbq_accuracy_dis bbq_alignment_gap
    bbq_s_amb bbq_s_dis bias_amp_attribute_to_task bias_amp_task_to_attribute bias_amplification bnsp_auc
    bpsn_auc byte_perplexity coref_accuracy coref_flip_rate coref_gap
    descriptor_likelihood descriptor_pairs_differ dose_slope ece_raw empty_cell_rate
    exact_match_strict expected_max_hurtful_word_rate f1_multilabel_macro
    f1_multilabel_micro f1_multilabel_per_label f1_multilabel_samples failure_rate false_alarm_rate
    false_positive_rate female_pronoun_share greedy_match honest honest_difference hurtful_text_fraction
    hurtful_text_fraction_difference hurtful_text_probability judge_position_bias judge_unreadable_rate
    judge_win_rate mean_top_probability mean_words next_word_accuracy occupation_correlation over_refusal_rate
    planted_value polarity polarity_difference power pronoun_amplification pronoun_margin pronoun_preference
    reference_bits_per_byte reference_word_perplexity refusal_rate regard_negative regard_other regard_positive
    regard_prompt_difference regard_unreadable_rate safe_response_preference selection_rate span_f1_macro
    span_f1_per_type stereoset_icat stereoset_lms stereoset_ss subgroup_auc subset_accuracy target_perplexity
    true_positive_rate weat_effect_size weat_p_value
""".split()  # noqa: SIM905
SIGNED = "a signed difference has the unit of a share, whose figures lie within 0 and 1"
CLASSES = "the mean is over the labels that targets or answers name, so one answer more makes it another quantity"
P_VALUE = "a p-value depends on how many rows there are, and is the same in every row"
FAULTS: dict[str, dict[str, str]] = {
    "labeled": dict.fromkeys(UNLABELED, "no label says what the figure means"),
    "range": dict.fromkeys(
        (
            "bias_amp_attribute_to_task",
            "bias_amp_task_to_attribute",
            "bias_amplification",
            "coref_gap",
            "pronoun_amplification",
        ),
        SIGNED,
    ),
    "doubled": {
        "descriptor_pairs_differ": "how many tests are significant depends on how many rows there are",
        "ece": "the correction of the bias depends on how many rows there are",
        "weat_effect_size": "the standard deviation is divided by n - 1",
        "weat_p_value": P_VALUE,
    },
    "influence": {
        "weat_p_value": P_VALUE,
    },
    "permuted": {"weat_p_value": "the drawn partitions hang on the order of rows"},
    "same_quantity": {
        **dict.fromkeys(("f1_macro", "f1_multilabel_macro", "span_f1_macro"), CLASSES),
        "bias_amplification": "a label that is never predicted is left out, so one answer more adds a term",
    },
}
"""Rule → metric → what is wrong today. A fault that is repaired fails here until its line is gone."""


def _cases() -> list[object]:
    return [
        pytest.param(
            name,
            rule,
            id=f"{name}-{rule}",
            marks=[pytest.mark.xfail(strict=True, raises=AssertionError, reason=FAULTS[rule][name])]
            if name in FAULTS.get(rule, {})
            else [],
        )
        for name in registry.names("metrics")
        for rule in METRIC_CHECKS
    ]


@pytest.mark.parametrize(("name", "rule"), _cases())
def test_every_metric_keeps_the_rule(name: str, rule: str) -> None:
    for case in metric_cases(name, seed=_seed(name)):
        METRIC_CHECKS[rule](case)
