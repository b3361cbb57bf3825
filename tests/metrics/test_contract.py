"""Every registered metric keeps the contract of `harness.testing`; a new one is held to it without being named."""

from __future__ import annotations

import zlib

import pytest

from harness.comparisons.metric_results import metric_results
from harness.core import registry
from harness.statistics.inference_settings import InferenceSettings
from harness.testing import METRIC_CHECKS, check_rule, metric_cases


def _seed(text: str) -> int:
    return zlib.crc32(text.encode()) % 1000


@pytest.mark.parametrize("rule", METRIC_CHECKS)
@pytest.mark.parametrize("name", registry.names("metrics"))
def test_every_metric_keeps_the_rule(name: str, rule: str) -> None:
    for case in metric_cases(name, seed=_seed(name)):
        check_rule(case, rule)


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_what_a_metric_cannot_keep_is_shown_with_its_figures(name: str) -> None:
    for case in metric_cases(name, seed=_seed(name)):
        assert set(case.metric.unkept) <= set(METRIC_CHECKS)
        [level, *_] = metric_results(
            case.base,
            case.metric,
            evaluation="plain",
            model="m",
            slices=False,
            settings=InferenceSettings(resamples=50),
        )
        assert set(case.metric.unkept.values()) <= set(level.weaknesses)
