"""Every registered metric keeps the contract of `harness.testing`; a new one is held to it without being named."""

from __future__ import annotations

import zlib

import pytest

from harness.core import registry
from harness.testing import METRIC_CHECKS, metric_cases


def _seed(text: str) -> int:
    return zlib.crc32(text.encode()) % 1000


SIGNED = "a signed difference has the unit of a share, whose figures lie within 0 and 1"
P_VALUE = "a p-value depends on how many rows there are, and is the same in every row"
FAULTS: dict[str, dict[str, str]] = {
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
