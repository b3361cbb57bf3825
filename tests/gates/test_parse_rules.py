from __future__ import annotations

from datetime import date

import pytest

from harness.core.errors import SuiteError
from harness.gates.alpha_levels import alpha_levels
from harness.gates.parse_rules import parse_gates
from harness.schema.suite.gate_rules import GateSet, Ratio
from harness.suite.yaml.located_document import parse

BETTER = "{id: better, metric: reviews.accuracy, kind: superiority}"


def gates(text: str) -> GateSet:
    document = parse(f"gates:\n{text}", "suite.yaml")
    return parse_gates(document.value["gates"], lambda *keys, key=False: document.where("gates", *keys, key=key))


def fault(text: str) -> str:
    with pytest.raises(SuiteError) as raised:
        gates(text)
    return str(raised.value)


def test_a_plain_list_of_rules_is_enough() -> None:
    found = gates(f"  - {BETTER}\n")
    assert [rule.id for rule in found.rules] == ["better"]
    assert str(found.places["better"]) == "suite.yaml:2:5"
    assert found.rules[0].alpha == 0.05
    assert found.rules[0].min_n == 100


def test_the_long_form_has_defaults_and_waivers() -> None:
    found = gates(
        "  defaults: {alpha: 0.01, min_n: 30, on_inconclusive: warn}\n"
        "  rules:\n"
        f"    - {BETTER}\n"
        "    - {id: forget, metric: general.bpb, kind: non_inferiority, margin: {ratio: 1.02}, alpha: 0.1}\n"
        "  waivers: [{gate: forget, reason: known, owner: me, expires: 2027-01-31}]\n"
    )
    better, forget = found.rules
    assert (better.alpha, better.min_n, better.on_inconclusive) == (0.01, 30, "warn")
    assert forget.alpha == 0.1
    assert forget.margin == Ratio(ratio=1.02)  # type: ignore[union-attr]  # the kind above has a margin
    assert found.waivers[0].expires == date(2027, 1, 31)
    assert alpha_levels(found) == (0.01, 0.1)


def test_holm_needs_the_levels_of_every_family_size() -> None:
    found = gates(
        "  - {id: s, metric: r.accuracy, kind: non_inferiority, margin: 0.1, each_slice: source, correction: holm}\n"
    )
    assert 0.05 / 7 in alpha_levels(found)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("  - {id: a, metric: r.acc, kind: superiorty}", ":2:34", "Did you mean 'superiority'?"),
        ("  - {id: a, metric: r.acc}", ":2:5", "the key 'kind' is missing"),
        ("  - {id: a, metric: r.acc, kind: target, margn: 1}", ":2:42", "Did you mean 'margin'?"),
        ("  - {id: a, metric: r.acc, kind: target}", ":2:5", "the key 'margin' is missing"),
        ("  - {id: a, metric: acc, kind: superiority}", ":2:21", "expected `evaluation.metric`, such as"),
        ("  - {id: a, metric: r.acc, kind: absolute}", ":2:5", "expected `min`, `max` or both"),
        ("  - {id: a, metric: r.acc, kind: absolute, min: 1, max: 0}", ":2:5", "min ≤ max"),
        ("  - {id: a, metric: r.acc, kind: absolute, min: 1, bound: upper}", ":2:5", "does not fit"),
        ("  - {id: a, metric: r.acc, kind: equivalence, margin: 0}", ":2:55", "greater than 0"),
        ("  - {id: a, metric: r.acc, kind: non_inferiority, margin: {rato: 1}}", ":2:60", "Did you mean 'ratio'?"),
        ("  - {id: a, metric: r.acc, kind: superiority, alpha: 0.7}", ":2:54", "less than 0.5"),
        ("  - {id: a, metric: r.acc, kind: superiority, slice: a=b, each_slice: a}", ":2:5", "found both"),
        ("  rules: 3", ":2:10", "expected a list"),
        ("  ruls: []", ":2:3", "Did you mean 'rules'?"),
        ("  defaults: {alpha: no}\n  rules: []", ":2:21", "expected a number, found the text 'no'"),
        ("  rules: []\n  waivers: [{gate: x, reason: r, owner: o, expires: 2027-01-31}]", ":3:20", "unknown gate"),
        ("  rules: []\n  waivers: [{gate: x, reason: r, owner: o, expires: soon}]", ":3:53", "a date such as"),
        ("  word", ":2:3", "expected a list of rules"),
    ],
)
def test_faults_stand_at_their_place(text: str, place: str, words: str) -> None:
    message = fault(text)
    assert message.startswith(f"suite.yaml{place}: "), message
    assert words in message


def test_several_faults_are_shown_at_once() -> None:
    message = fault("  - {id: a, metric: r.acc, kind: nope}\n  - {id: b, metric: r.acc, kind: target}\n  - 3\n")
    assert len(message.splitlines()) == 3


def test_two_gates_of_one_name_are_an_error() -> None:
    assert "is defined twice" in fault(f"  - {BETTER}\n  - {BETTER}\n")


def test_no_gates_at_all() -> None:
    assert parse_gates(None, parse("a: 1", "f").where).rules == ()
