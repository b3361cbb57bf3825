"""Limits of gates against the range and direction of their metric, each error at its own line and column."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SuiteError
from harness.schema.suite.written_limits import WrittenShare
from harness.suite.load_suite import parse_suite

SUITE = """\
name: limits
data:
  mine: {{file: mine.csv, slices: [source]}}
models:
  base: {{load: models/base}}
  tuned: {{load: models/tuned}}
compare: {{baseline: base, release: [tuned]}}
tasks:
  mine: {{classification: {{data: mine, labels: [bad, good], metrics: [accuracy, f1_per_class, ece, nll]}}}}
  prose: {{language_modeling: {{data: mine, metrics: [bits_per_byte, token_perplexity]}}}}
probes:
  swaps: {{counterfactual: {{on: mine, swap: [gender]}}}}
  pairs: {{minimal_pairs: {{data: {{catalog: own-pairs}}}}}}
  bbq: {{ambiguous_qa: {{data: mine}}}}
gates:
  - {gate}
"""


def parsed(gate: str) -> Any:
    return parse_suite(SUITE.format(gate=gate), Path("s.yaml")).gates.rules[0]


def fault(gate: str) -> str:
    with pytest.raises(SuiteError) as raised:
        parsed(gate)
    return str(raised.value)


@pytest.mark.parametrize(
    ("gate", "key", "words"),
    [
        ("metric: mine.accuracy, kind: non_inferiority, margin: 3", "margin:", "no model can miss a margin of 3"),
        ("metric: mine.accuracy, kind: non_inferiority, margin: 1", "margin:", "no model can miss a margin of 1"),
        ("metric: mine.accuracy, kind: equivalence, margin: 5", "margin:", "`margin: 0.05` or `margin: 5%`"),
        ("metric: mine.accuracy, kind: superiority, margin: 3", "margin:", "no model can exceed a margin of 3"),
        ("metric: mine.accuracy, kind: superiority, margin: 300%", "margin:", "no model can exceed a margin of 3"),
        ("metric: mine.ece, kind: absolute, max: 15", "max:", "`max: 0.15` or `max: 15%`"),
        ("metric: mine.ece, kind: absolute, max: 1", "max:", "no model can miss `max: 1`"),
        ("metric: mine.ece, kind: absolute, max: -0.1", "max:", "no model can reach `max: -0.1`"),
        ("metric: mine.accuracy, kind: absolute, min: -1", "min:", "no model can miss `min: -1`"),
        ("metric: mine.accuracy, kind: absolute, min: 0", "min:", "no model can miss `min: 0`"),
        ("metric: mine.accuracy, kind: absolute, min: 80", "min:", "`min: 0.8` or `min: 80%`"),
        ('metric: "mine.f1[good]", kind: absolute, min: 2', "min:", "no model can reach `min: 2`"),
        ("metric: mine.ece, kind: absolute, min: 0.1", "min:", "better lower, so `min` alone would pass the worse"),
        ("metric: mine.nll, kind: absolute, min: 0.3", "min:", "use `max`"),
        ("metric: prose.bits_per_byte, kind: absolute, min: 1", "min:", "better lower"),
        ("metric: mine.accuracy, kind: absolute, max: 0.9", "max:", "better higher, so `max` alone"),
        ("metric: mine.accuracy, kind: absolute, min: -1, bound: point", "min:", "no model can miss"),
        ("metric: mine.accuracy, kind: absolute, min: -1, slice: source=web", "min:", "no model can miss"),
        ("metric: mine.accuracy, kind: non_inferiority, margin: 3, each_slice: source", "margin:", "no model can miss"),
        ("metric: prose.token_perplexity, kind: absolute, max: 0.5", "max:", "is at least 1, so no model can reach"),
        ("metric: pairs.stereotype_score, kind: target, ideal: 1.5, margin: 0.1", "ideal:", "ideal cannot be 1.5"),
        ("metric: pairs.stereotype_score, kind: target, ideal: 50, margin: 0.1", "ideal:", "`ideal: 0.5` or"),
        ("metric: pairs.stereotype_score, kind: target, margin: 0.5", "margin:", "no model can miss 0.5 ± 0.5"),
        ("metric: bbq.bbq_s_amb, kind: target, ideal: -2, margin: 0.1", "ideal:", "between -1 and 1"),
        ("metric: bbq.bbq_s_amb, kind: equivalence, margin: 2", "margin:", "no model can miss a margin of 2"),
        ("any_of: [{metric: mine.accuracy, kind: absolute, min: -1}]", "min:", "no model can miss"),
        ("all_of: [{metric: mine.ece, kind: superiority}, {any_of: [{metric: mine.ece, kind: absolute, max: 15}]}]",
         "max:", "no model can miss"),
        ("metric: mine.nll, kind: non_inferiority, margin: 2%", "margin:", "`{ratio: 1.02}`"),
        ("metric: mine.nll, kind: absolute, max: 2 points", "max:", "means 0.02 of a share, and mine.nll (nats"),
        ("metric: prose.bits_per_byte, kind: non_inferiority, margin: {ratio: 2%}", "ratio:", "`{ratio: 1.02}`"),
        ("metric: mine.accuracy, kind: superiority, alpha: 5%", "alpha:", "write 0.05"),
        ("metric: mine.accuracy, kind: superiority, min_coverage: 95%", "min_coverage:", "write 0.95"),
        ("metric: mine.accuracy, kind: no_flips, min_n: 2%", "min_n:", "gates on shares take % and points"),
        ("metric: mine.accuracy, kind: non_inferiority, margin: 2 percent", "margin:", "found the text '2 percent'"),
        ("metric: mine.accuracy, kind: non_inferiority, margin: -2%", "margin:", "greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_limit_that_means_nothing_is_an_error_at_its_place(gate: str, key: str, words: str) -> None:
    line = SUITE.format(gate=f"{{id: g, {gate}}}").splitlines()[15]
    column = line.rindex(f" {key}") + 1 + len(key) + 2 if key != "ratio:" else line.index("ratio:") + 8
    text = fault(f"{{id: g, {gate}}}")
    assert words in text
    assert f"s.yaml:16:{column}:" in text


def test_percentages_elsewhere_in_a_suite_say_so() -> None:
    text = SUITE.format(gate="{id: g, metric: mine.accuracy, kind: superiority}")
    with pytest.raises(SuiteError, match=r"gates on shares take % and points; write 0\.8"):
        parse_suite(text.replace("slices: [source]", "splits: {train: 80%, test: 0.2}"), Path("s.yaml"))


@pytest.mark.parametrize("written", ["2%", "2 %", "2 points", "2.0%", "'2%'"])
def test_percent_and_points_of_a_share_mean_the_same(written: str) -> None:
    margin = parsed(f"{{id: g, metric: mine.accuracy, kind: non_inferiority, margin: {written}}}").margin
    assert margin == 0.02
    assert parsed(f"{{id: g, metric: mine.accuracy, kind: absolute, min: {written}}}").min == 0.02
    assert (
        parsed(f"{{id: g, metric: pairs.stereotype_score, kind: target, ideal: 50%, margin: {written}}}").ideal == 0.5
    )


@pytest.mark.parametrize(
    "gate",
    [
        "metric: mine.accuracy, kind: absolute, min: 0.2, max: 0.9",
        "metric: mine.ece, kind: absolute, max: 0",
        "metric: mine.accuracy, kind: absolute, min: 1",
        "metric: prose.bits_per_byte, kind: non_inferiority, margin: 3",
        "metric: prose.bits_per_byte, kind: absolute, max: 15",
        "metric: pairs.pair_margin, kind: target, margin: 3",
        "metric: pairs.tie_rate, kind: absolute, min: 0.1",
    ],
)
def test_limits_with_a_meaning_stay(gate: str) -> None:
    assert parsed(f"{{id: g, {gate}}}").id == "g"


def test_a_written_share_can_be_copied() -> None:
    share = WrittenShare(0.02, "2%")
    again = copy.deepcopy(share)
    assert (again, again.text) == (0.02, "2%")
