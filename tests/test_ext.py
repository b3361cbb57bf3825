"""What `harness.ext` and `harness.testing` promise to outside packages."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from harness import ext, testing

HEAVY = (
    "import sys, harness.ext, harness.testing; print({'torch', 'transformers', 'peft'} & set(sys.modules) or 'light')"
)


@pytest.mark.parametrize("module", [ext, testing])
def test_every_public_name_is_there_once(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    assert all(hasattr(module, name) for name in names)


def test_neither_loads_a_library_of_models() -> None:
    run = subprocess.run([sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "light"


class Total(ext.MeanMetric):
    """A sum in place of a mean: it grows with the number of rows."""

    def value(self, sums: Any, n: Any) -> Any:
        return sums[..., 0]


def test_a_metric_that_breaks_a_rule_is_named() -> None:
    total = Total(id="total", unit="words", direction="higher", cluster_unit="parent", column="words")
    case = testing.MetricCase(total, lambda items, answers: testing.plain_records(items, answers), 0, ())
    with pytest.raises(AssertionError, match=r"total: .* doubled"):
        testing.METRIC_CHECKS["doubled"](case)
