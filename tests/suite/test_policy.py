"""Policies: a suite may add to what they ask, and weaken nothing of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands.write_schemas import policy_schema, suite_schema, write_policy_schema
from harness.core.errors import SuiteError
from harness.gates.strictness import looser_keys
from harness.schema.suite.gate_rules import Composition, Ratio, Rule
from harness.suite.load_suite import parse_suite
from harness.suite.policies_in_force import VARIABLE, commanded
from harness.suite.policy import Policy, PolicyText, read_policy
from harness.suite.suite import Suite
from harness.suite.yaml.located_document import parse

SUITES = Path(__file__).parents[2] / "suites"
TODAY = datetime.now(UTC).date()
LOSS: dict[str, Any] = {"id": "loss", "metric": "mood.accuracy", "kind": "non_inferiority", "margin": 0.02}


def source(content: Mapping[str, Any], file: str = "policy.yaml") -> PolicyText:
    return PolicyText(file, json.dumps({"name": "acme", **content}).encode("utf-8"), "command")


def suite(gates: Any = (), *policies: PolicyText, **changes: Any) -> Suite:
    value = {
        "name": "mood",
        "data": {"notes": {"file": "notes.csv", "license": "MIT"}},
        "models": {"prior": {"heuristic": {"task": "mood", "rule": "prior"}}, "words": {"classical": {"task": "mood"}}},
        "compare": {"baseline": "prior", "release": ["words"]},
        "tasks": {"mood": {"classification": {"data": "notes", "metrics": ["accuracy", "f1_macro"]}}},
        "gates": gates if isinstance(gates, dict) else list(gates),
        **changes,
    }
    return parse_suite(json.dumps(value), Path("mood.yaml"), policies)


def effective(made: Suite) -> dict[str, Rule]:
    return {rule.id: rule for rule in made.gates.rules}


def faults(*arguments: Any, **changes: Any) -> str:
    with pytest.raises(SuiteError) as raised:
        suite(*arguments, **changes)
    return str(raised.value)


def policy(content: Mapping[str, Any]) -> Policy:
    return read_policy(source(content))


def test_its_gates_are_judged_beside_those_of_the_suite() -> None:
    made = suite([{**LOSS, "id": "own", "margin": 0.5, "min_n": 5}], source({"gates": [LOSS]}))
    assert list(effective(made)) == ["loss", "own"]
    assert made.gates.origins["loss"].policy == "acme"
    assert "own" not in made.gates.origins
    assert str(made.gates.places["loss"]).startswith("policy.yaml:1:")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"margin": 0.03}, "margin 0.03 in place of 0.02"),
        ({"margin": {"ratio": 0.9}}, "margin {ratio: 0.9} in place of 0.02"),
        ({"alpha": 0.1}, "alpha 0.1"),
        ({"min_n": 99}, "min_n 99 in place of 100"),
        ({"min_coverage": 0.9}, "min_coverage 0.9"),
        ({"severity": "warn"}, "severity warn"),
        ({"on_inconclusive": "warn"}, "on_inconclusive warn"),
        ({"missing": "complete_case"}, "missing complete_case"),
        ({"model": "words"}, "model words in place of nothing"),
        ({"baseline": "majority-mood"}, "baseline majority-mood in place of nothing"),
        ({"slice": "place=north"}, "slice place=north in place of nothing"),
        ({"each_slice": "place"}, "each_slice place in place of nothing"),
        ({"metric": "mood.f1_macro"}, "metric mood.f1_macro in place of mood.accuracy"),
        ({"kind": "equivalence"}, "equivalence in place of non_inferiority"),
    ],
)
def test_a_gate_of_its_name_cannot_be_looser(change: dict[str, Any], word: str) -> None:
    text = faults([{"id": "loss", "kind": "non_inferiority", **change}], source({"gates": [LOSS]}))
    assert "the gate 'loss' is looser than the policy acme asks (policy.yaml:1:" in text
    assert word in text


def test_a_gate_of_its_name_can_be_stricter_and_takes_over_the_rest() -> None:
    asked = source({"gates": {"defaults": {"min_n": 300}, "rules": [LOSS]}})
    section = {"defaults": {"alpha": 0.2, "min_n": 3}, "rules": [{**LOSS, "margin": 0.01, "sequential": True}]}
    made = suite(section, asked)
    rule = effective(made)["loss"]
    assert (rule.alpha, rule.min_n, getattr(rule, "margin", None)) == (0.05, 300, 0.01)
    assert made.gates.origins["loss"].changes == (
        "sequential true in place of false (by the suite)",
        "margin 0.01 in place of 0.02 (by the suite)",
    )


def test_compositions_keep_their_members() -> None:
    first, second = {**LOSS, "id": "a"}, {**LOSS, "id": "b", "metric": "mood.f1_macro"}
    either = source({"gates": [{"id": "one", "any_of": [first, second]}]})
    assert "the member c is added" in faults([{"id": "one", "any_of": [first, second, {**first, "id": "c"}]}], either)
    both = source({"gates": [{"id": "all", "all_of": [first, second]}]})
    assert "the member b is missing" in faults([{"id": "all", "all_of": [first]}], both)
    looser = [first, {**second, "margin": 0.5}]
    assert "b: margin 0.5 in place of 0.02" in faults([{"id": "all", "all_of": looser}], both)
    stricter = suite([{"id": "all", "all_of": [first, second, {**first, "id": "c"}]}], both)
    assert [member.id for member in getattr(effective(stricter)["all"], "members", ())] == ["a", "b", "c"]


def test_what_is_asked_of_every_gate_raises_those_of_the_suite() -> None:
    asked = source({"min_n": 250, "min_coverage": 0.99, "max_alpha": 0.01})
    own = {**LOSS, "id": "own", "min_n": 20, "min_coverage": 0.5, "alpha": 0.1}
    made = suite([own, {"id": "two", "all_of": [{**LOSS, "id": "x"}]}], asked)
    rule = effective(made)["own"]
    assert (rule.min_n, rule.min_coverage, rule.alpha) == (250, 0.99, 0.01)
    assert made.gates.origins["own"].changes[0] == "min_n 250 (20 in the suite), by the policy acme"
    (member,) = getattr(effective(made)["two"], "members", ())
    assert (member.min_n, member.alpha) == (250, 0.01)


def test_of_two_policies_the_stricter_rule_holds() -> None:
    strict, loose = {**LOSS, "margin": 0.01}, {**LOSS, "margin": 0.05}
    for order in ([strict, loose], [loose, strict]):
        texts = [source({"gates": [rule], "name": f"p{index}"}, f"p{index}.yaml") for index, rule in enumerate(order)]
        made = suite([], *texts)
        assert getattr(effective(made)["loss"], "margin", None) == 0.01
    mixed = [source({"gates": [rule], "name": name}) for rule, name in ((strict, "a"), ({**loose, "min_n": 500}, "b"))]
    assert "neither is the stricter one in everything" in faults([], *mixed)


def test_waivers_last_as_long_as_it_allows_and_only_where_it_allows() -> None:
    def waived(days: int, gate: str, **content: Any) -> Any:
        expires = (TODAY + timedelta(days=days)).isoformat()
        section = {"rules": [{**LOSS, "id": "own"}], "waivers": [{"gate": gate, "reason": "r", "owner": "o"}]}
        section["waivers"][0]["expires"] = expires
        return section, source({"gates": [LOSS, {**LOSS, "id": "other"}], **content})

    assert "which lets nobody waive it" in faults(*waived(1, "loss"))
    assert "which lets nobody waive it" in faults(*waived(1, "loss", waivers={"max_days": 30, "gates": ["other"]}))
    assert "31 days more; the policy acme allows 30 days" in faults(*waived(31, "loss", waivers={"max_days": 30}))
    assert "31 days more" in faults(*waived(31, "own", waivers={"max_days": 30}))
    suite(*waived(30, "loss", waivers={"max_days": 30}))
    suite(*waived(400, "own"))


def test_data_have_a_license_that_it_allows() -> None:
    allowed = source({"licenses": ["MIT", "CC BY 4.0"]})
    suite([], allowed)
    other = {"file": "notes.csv", "license": "GPL"}
    assert "the data has the license 'GPL'; the policy acme allows MIT, CC BY 4.0" in faults(
        [], allowed, data={"notes": other}
    )
    assert "the data states no license" in faults([], allowed, data={"notes": {"file": "notes.csv"}})
    inline = {"pairs": {"minimal_pairs": {"data": {"catalog": "own-pairs"}}}}
    assert "the data has the license 'Apache-2.0 (part of harness)'" in faults([], allowed, probes=inline)


@pytest.mark.parametrize(
    ("require", "word"),
    [
        ({"compare": {"baseline": "words"}}, "requires compare.baseline: 'words' (policy.yaml:1:"),
        ({"compare": {"baseline": {"run": "production"}}}, "requires compare.baseline: {run: 'production'}"),
        ({"compare": {"base_variants": ["linear"]}}, "found nothing"),
        ({"tasks": {"general": {}}}, "requires tasks.general: {}"),
        ({"probes": {"pairs": {"minimal_pairs": {}}}}, "requires probes.pairs"),
        ({"tasks": {"mood": {"classification": {"split": "validation"}}}}, "found 'test'"),
        ({"tasks": {"mood": {"classification": {"data": "other"}}}}, "found 'notes'"),
        ({"models": {"prior": {"heuristic": {"rule": "majority"}}}}, "found 'prior'"),
        ({"texts": "none"}, "requires texts: 'none'"),
    ],
)
def test_what_it_requires_stands_in_the_suite(require: dict[str, Any], word: str) -> None:
    assert word in faults([], source({"require": require}))


def test_what_stands_in_the_suite_or_is_its_default_is_as_required() -> None:
    fine = {
        "compare": {"baseline": "prior", "release": ["words"], "base_variants": None},
        "tasks": {"mood": {"classification": {"split": "test", "limit": None, "metrics": ["accuracy"]}}},
    }
    made = suite([], source({"require": fine}))
    assert [need.evaluation for need in made.gates.required] == ["mood"]
    stored = {"baseline": {"run": "production", "model": "words"}, "release": ["words"]}
    suite([], source({"require": {"compare": {"baseline": {"run": "production", "model": "words"}}}}), compare=stored)


def test_a_gate_on_what_the_suite_does_not_have_is_a_fault_at_the_policys_line() -> None:
    text = faults([], source({"gates": [{**LOSS, "metric": "reviews.accuracy"}]}))
    assert "policy.yaml:1:" in text
    assert "unknown evaluation 'reviews'" in text
    assert "the policy acme has gates on what this suite does not have" in text


def test_a_suite_includes_it_by_digest(tmp_path: Path) -> None:
    content = json.dumps({"name": "acme", "gates": [LOSS]})
    (tmp_path / "policy.yaml").write_text(content, "utf-8")
    digest = hashlib.sha256(content.encode()).hexdigest()

    def including(*refs: dict[str, str]) -> Suite:
        value = json.loads(suite().text) | {"policy": list(refs) if len(refs) != 1 else refs[0]}
        return parse_suite(json.dumps(value), tmp_path / "mood.yaml")

    made = including({"file": "policy.yaml", "digest": digest})
    assert [(held.name, held.source.given, held.source.digest) for held in made.policies] == [("acme", "suite", digest)]
    # what decides no figure is no part of the suite's digest
    assert made.digest == suite().digest
    with pytest.raises(SuiteError, match=f"write `digest: {digest}`"):
        including({"file": "policy.yaml"})
    with pytest.raises(SuiteError, match="nothing is judged without it"):
        including({"file": "missing.yaml", "digest": digest})
    with pytest.raises(SuiteError, match="is not the one that the suite includes"):
        including({"file": "policy.yaml", "digest": "0" * 64})
    # the same policy given twice is one
    assert len(including(*[{"file": "policy.yaml", "digest": digest}] * 2).policies) == 1


@pytest.mark.parametrize("value", ["", " ", "a.yaml:", "missing.yaml"])
def test_an_empty_or_unreadable_variable_is_never_no_policy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(SuiteError, match="nothing is judged without it"):
        commanded()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({}, "the policy asks for nothing"),
        ({"gate": [LOSS]}, "unknown key 'gate'. Did you mean 'gates'?"),
        ({"gates": {"rules": [LOSS], "waivers": []}}, "unknown key 'waivers'"),
        ({"gates": [{"id": "a"}]}, "the key 'kind' is missing"),
        ({"min_n": 0}, "min_n"),
        ({"require": {"gates": []}}, "unknown section 'gates'"),
        ({"require": {"tasks": ["mood"]}}, "expected a mapping, found a list"),
        ({"gates": [LOSS], "waivers": {"max_days": 3, "gates": ["los"]}}, "Did you mean 'loss'?"),
        ({"licenses": []}, "licenses"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_place(content: dict[str, Any], word: str) -> None:
    with pytest.raises(SuiteError) as raised:
        policy(content)
    assert "policy.yaml:1" in str(raised.value)
    assert word in str(raised.value) or "expected" in str(raised.value)


def test_the_schema_of_policies_is_up_to_date_and_knows_right_from_wrong(tmp_path: Path) -> None:
    write_policy_schema(tmp_path / "schema.json")
    assert (SUITES / "policy.schema.json").read_text("utf-8") == (tmp_path / "schema.json").read_text("utf-8"), (
        'run: python -c "from pathlib import Path; from harness.commands.write_schemas import write_policy_schema; '
        "write_policy_schema(Path('suites/policy.schema.json'))\""
    )
    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    asked = {"name": "acme", "gates": [LOSS], "waivers": {"max_days": 3}, "require": {"tasks": {"mood": {}}}}
    jsonschema.validate(asked, schema)
    for wrong in ({**asked, "gate": []}, {**asked, "require": {"gates": []}}, {"gates": [LOSS]}, {**asked, "min_n": 0}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    value = parse(suite().text, "mood.yaml").value
    jsonschema.validate({**value, "policy": {"file": "policy.yaml", "digest": "0" * 64}}, suite_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**value, "policy": {"file": "policy.yaml"}}, suite_schema())


LIMITS = st.sampled_from([0.01, 0.02, 0.05, 0.3])
LEVELS: dict[str, st.SearchStrategy[Any]] = {
    "alpha": st.sampled_from([0.01, 0.05, 0.1]),
    "min_n": st.sampled_from([10, 100, 400]),
    "min_coverage": st.sampled_from([0.5, 0.9, 1.0]),
    "severity": st.sampled_from(["error", "warn"]),
    "on_inconclusive": st.sampled_from(["fail", "warn"]),
    "alpha_spending": st.sampled_from([None, {"attempts": 2}, {"attempts": 5}]),
}
KEYS: dict[str, st.SearchStrategy[Any]] = {
    **LEVELS,
    "missing": st.sampled_from(["worst_case", "complete_case"]),
    "sequential": st.booleans(),
    "model": st.sampled_from([None, "words"]),
    "each_slice": st.sampled_from([None, "place"]),
}
KINDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "superiority": {"margin": LIMITS},
    "non_inferiority": {"margin": LIMITS},
    "equivalence": {"margin": LIMITS},
    "absolute": {"min": LIMITS, "bound": st.sampled_from([None, "lower", "point"])},
}


@st.composite
def leaf(draw: st.DrawFn, keys: Mapping[str, st.SearchStrategy[Any]], kind: str | None = None) -> dict[str, Any]:
    chosen = kind or draw(st.sampled_from(sorted(KINDS)))
    given_keys = draw(st.fixed_dictionaries({}, optional=dict(keys)))
    own = draw(st.fixed_dictionaries(KINDS[chosen]))
    if own.get("bound") == "point":
        given_keys.pop("sequential", None)
    return {"metric": "mood.accuracy", "kind": chosen, **given_keys, **own}


@st.composite
def rule(draw: st.DrawFn, kind: str | None = None) -> dict[str, Any]:
    if kind is None and draw(st.integers(0, 4)) == 0:
        how = draw(st.sampled_from(["all_of", "any_of"]))
        members = draw(st.lists(leaf({}), min_size=1, max_size=3))
        return {how: [{"id": f"m{place}", **member} for place, member in enumerate(members)]} | draw(
            st.fixed_dictionaries({}, optional=LEVELS)
        )
    return draw(leaf(KEYS, kind))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy, and the gates of a suite that knows it: rules of the same names, changed in a few keys."""
    asked = {name: draw(rule()) for name in draw(st.sets(st.sampled_from(["a", "b"]), min_size=1))}
    floors = draw(st.fixed_dictionaries({}, optional={"min_n": LEVELS["min_n"], "max_alpha": LEVELS["alpha"]}))
    terms = draw(st.sampled_from([{}, {"waivers": {"max_days": 10}}, {"waivers": {"max_days": 10, "gates": ["a"]}}]))
    if "a" not in asked:
        terms = {key: {"max_days": 10} for key in terms}
    own: list[dict[str, Any]] = [{"id": "c", **draw(rule())}]
    for name in draw(st.sets(st.sampled_from(sorted(asked)))):
        base = asked[name]
        other = draw(rule(base.get("kind")))
        kept = draw(st.sets(st.sampled_from(sorted(other)))) if "kind" in base and "kind" in other else set(other)
        own.append({"id": name, **(base if kept != set(other) else {}), **{key: other[key] for key in kept}})
    waivers = [
        {"gate": name, "reason": "r", "owner": "o", "expires": (TODAY + timedelta(days=days)).isoformat()}
        for name, days in draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([1, 90]))).items()
        if name in {*asked, "c"}
    ]
    content = {"gates": [{"id": name, **content} for name, content in asked.items()], **floors, **terms}
    gates = {"defaults": draw(st.fixed_dictionaries({}, optional=LEVELS)), "rules": own, "waivers": waivers}
    return content, gates


def asks_as_much(own: Any, asked: Any) -> bool:
    """Whether a rule asks in every key at least what another one asks: written anew, key by key."""
    if isinstance(asked, Composition):
        theirs = {member.id: member for member in own.members}
        fewer = own.kind == "all_of" or len(theirs) <= len(asked.members)
        members = fewer and all(asks_as_much(theirs[member.id], member) for member in asked.members)
    else:
        members = (own.metric, own.each_slice, own.slice, own.baseline if hasattr(own, "baseline") else None) == (
            asked.metric,
            asked.each_slice,
            asked.slice,
            asked.baseline if hasattr(asked, "baseline") else None,
        )
        members &= (own.missing, asked.missing) != ("complete_case", "worst_case")
        members &= own.sequential or not asked.sequential
        if own.kind == "absolute":
            members &= own.min >= asked.min and (own.bound != "point" or asked.bound == "point")
        else:
            assert not isinstance(own.margin, Ratio)
            members &= own.margin >= asked.margin if own.kind == "superiority" else own.margin <= asked.margin
    return (
        members
        and own.kind == asked.kind
        and own.model == asked.model
        and own.alpha <= asked.alpha
        and own.min_n >= asked.min_n
        and own.min_coverage >= asked.min_coverage
        and (own.severity == "error" or asked.severity == "warn")
        and (own.on_inconclusive == "fail" or asked.on_inconclusive == "warn")
        and (
            asked.alpha_spending is None
            or (own.alpha_spending is not None and own.alpha_spending.attempts <= asked.alpha_spending.attempts)
        )
    )


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_no_suite_loosens_anything(world: tuple[dict[str, Any], dict[str, Any]]) -> None:
    content, gates = world
    asked = policy(content)
    try:
        made = suite(gates, asked.source)
    except SuiteError:
        return
    rules = effective(made)
    for theirs in asked.gates.rules:
        assert asks_as_much(rules[theirs.id], theirs), (rules[theirs.id], theirs)
        assert not looser_keys(rules[theirs.id], theirs)
        assert made.gates.origins[theirs.id].policy == "acme"
    for own in rules.values():
        assert own.min_n >= (asked.sections.min_n or 0)
        assert own.alpha <= (asked.sections.max_alpha or 1)
    terms = asked.sections.waivers
    for waiver in made.gates.waivers:
        if waiver.gate in asked.raw:
            assert terms is not None
            assert terms.gates is None or waiver.gate in terms.gates
        if terms is not None:
            assert (waiver.expires - TODAY).days <= terms.max_days


@settings(max_examples=60, deadline=None)
@given(rule())
def test_every_policy_holds_a_suite_that_repeats_it_or_says_nothing(asked: dict[str, Any]) -> None:
    theirs = source({"gates": [{"id": "a", **asked}]})
    assert effective(suite([], theirs)) == effective(suite([{"id": "a", **asked}], theirs))
