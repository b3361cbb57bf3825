"""The ready bias suites are sound, and take two checkpoints in place of their placeholders."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core import registry
from harness.suite.bundled import suites
from harness.suite.load_suite import load_suite
from harness.suite.override import override

NAMES = (
    "bias-coreference",
    "bias-counterfactual",
    "bias-embedding",
    "bias-full",
    "bias-generation",
    "bias-minimal-pairs",
    "bias-qa",
    "bias-stereoset",
    "hatecheck",
    "robustness",
)
PAGE = (Path(__file__).parents[2] / "docs" / "bias.md").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_compares_two_given_checkpoints(name: str, tmp_path: Path) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.compare.baseline == "base"
    given = override(suite, models={"base": str(tmp_path), "finetuned": str(tmp_path)})
    assert {spec.options.load for name, spec in given.models.items() if name not in given.implied} == {str(tmp_path)}  # type: ignore[attr-defined]
    assert suite.probes


def test_the_full_suite_asks_what_the_others_ask() -> None:
    asked = {spec.kind for name in NAMES if name != "bias-full" for spec in load_suite(name).probes.values()}
    full = {spec.kind for spec in load_suite("bias-full").probes.values()}
    # HateCheck needs a detector of hate, which two given checkpoints rarely are.
    assert asked - full == {"functional_tests"}
    assert set(NAMES) <= set(suites())


def test_the_page_tells_of_every_probe_and_its_metrics() -> None:
    for name in registry.names("probes"):
        assert f"`{name}`" in PAGE, name
        for metric in registry.load("probes", name).default_metrics:
            shared = {"accuracy", "tie_rate", "score_shift_abs", "auc"}
            assert metric in shared or f"`{metric}`" in PAGE, metric
