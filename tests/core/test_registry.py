from __future__ import annotations

from importlib.metadata import packages_distributions

import pytest

from harness.core import registry
from harness.core.distribution import DISTRIBUTION
from harness.core.errors import SuiteError, Where


def test_built_in_names_are_registered_like_any_other() -> None:
    assert "classification" in registry.names("tasks")
    assert "minimal_pairs" in registry.names("probes")
    assert "accuracy" in registry.names("metrics")
    assert registry.origin("tasks", "classification") in {DISTRIBUTION, *packages_distributions()["harness"]}


@pytest.mark.parametrize("group", ["tasks", "probes", "metrics"])
def test_everything_registered_can_be_loaded_and_says_what_it_is(group: str) -> None:
    for name in registry.names(group):
        assert registry.load(group, name).summary


def test_unknown_names_get_the_nearest_one_and_the_place() -> None:
    with pytest.raises(SuiteError, match=r"suite\.yaml:3:5: unknown task 'clasification'") as caught:
        registry.load("tasks", "clasification", where=Where("suite.yaml", 3, 5))
    assert "Did you mean 'classification'?" in str(caught.value)
    assert caught.value.exit_code == 2
