"""Names inside compositions are checked against the suite, at their own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.suite.load_suite import parse_suite
from harness.suite.suite_schema import json_schema

SUITE = """\
name: small
data:
  mine: {file: mine.csv, columns: {text: body, label: stars}}
models:
  base: {load: models/base}
  tuned: {load: models/tuned}
compare: {baseline: base, release: [tuned]}
tasks:
  mine: {classification: {data: mine, text: text, label: label, labels: [bad, good], metrics: [accuracy, f1_per_class]}}
gates:
  - id: worth-it
    any_of:
      - {metric: mine.accuracy, kind: superiority}
      - id: safe
        all_of:
          - {metric: "mine.f1[good]", kind: absolute, min: 0.5}
          - {metric: mine.accuracy, kind: non_inferiority, margin: 0.1, model: tuned, baseline: base}
"""


def test_a_composition_is_read_with_its_members() -> None:
    suite = parse_suite(SUITE, Path("small.yaml"))
    (rule,) = suite.gates.rules
    assert [leaf.metric for leaf in suite.gates.leaves] == ["mine.accuracy", "mine.f1[good]", "mine.accuracy"]
    assert rule.kind == "any_of"
    assert str(suite.gates.places["worth-it/safe/1"]) == "small.yaml:16:13"


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("mine.accuracy, kind: superiority", "mine.acuracy, kind: superiority"), ":13:18", "Did you mean 'accuracy'?"),
        (('"mine.f1[good]"', '"mine.f1[god]"'), ":16:22", "f1[good]"),
        (("metric: mine.accuracy, kind: non", "metric: yours.accuracy, kind: non"), ":17:22", "unknown evaluation"),
        (("model: tuned, baseline", "model: tund, baseline"), ":17:80", "Did you mean 'tuned'?"),
        (("baseline: base}\n", "baseline: tuned}\n"), ":17:97", "with itself"),
        (("margin: 0.1", "margin: {ratio: 0.9}"), ":17:60", "not a ratio of sums"),
    ],
)
def test_faults_of_members_stand_at_their_place(change: tuple[str, str], place: str, words: str) -> None:
    assert change[0] in SUITE
    with pytest.raises(SuiteError) as raised:
        parse_suite(SUITE.replace(*change, 1), Path("small.yaml"))
    message = str(raised.value)
    assert words in message
    assert message.startswith(f"small.yaml{place}: "), message


def test_editors_know_compositions() -> None:
    import jsonschema

    schema = json_schema()
    definitions = schema["$defs"]
    checker = jsonschema.Draft202012Validator({**definitions["AnyOfRule"], "$defs": definitions})
    member = {"metric": "a.b", "kind": "superiority"}
    assert checker.is_valid({"id": "g", "any_of": [member, {"all_of": [member]}]})
    assert not checker.is_valid({"id": "g", "any_of": [{**member, "alpha": 0.1}]})
    assert not checker.is_valid({"any_of": [member]})
    assert not checker.is_valid({"id": "g", "any_of": []})
