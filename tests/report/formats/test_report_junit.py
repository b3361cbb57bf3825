"""junit.xml: well-formed, one case per gate, the right kind of outcome."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from harness.report.formats.junit import junit_xml
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult, VerdictResult
from harness.storage.run_dir import RunDir


def results_with(*gates: GateResult) -> Results:
    return Results(
        suite="s", suite_digest="0", title="t", seed=0, baseline="base", candidates=[], release=[], models=[], data=[],
        evaluations=[], metrics=[], comparisons=[], flips=[], tables=[], gates=list(gates),
        verdict=VerdictResult(overall="pass", exit_code=0, sentence="."),
    )  # fmt: skip


def gate(verdict: str, blocking: bool = True, **more: object) -> GateResult:
    return GateResult.model_validate(
        {"id": "g", "kind": "absolute", "metric": "m", "model": "x", "severity": "error", "verdict": verdict,
         "blocking": blocking, "sentence": "said", "alpha": 0.05, **more}
    )  # fmt: skip


def only_case(results: Results) -> ElementTree.Element:
    case = ElementTree.fromstring(junit_xml(results)).find("testsuite/testcase")
    assert case is not None
    return case


def test_one_case_per_gate_with_stable_names(plain: RunDir) -> None:
    root = ElementTree.parse(plain.path / "junit.xml").getroot()
    cases = root.findall("testsuite/testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        ("harness.sentiment.finetuned", name) for name in ("better", "memory", "drift", "names", "odd")
    ]
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["5", "1", "0", "2"]


def test_outcomes() -> None:
    assert only_case(results_with(gate("pass"))).find("failure") is None
    failure = only_case(results_with(gate("fail"))).find("failure")
    assert failure is not None
    assert failure.get("type") == "gate.regression"
    undecided = only_case(results_with(gate("inconclusive", required_n=900))).find("failure")
    assert undecided is not None
    assert undecided.get("type") == "gate.inconclusive"
    assert "required n (approx.): 900" in (undecided.text or "")
    assert only_case(results_with(gate("error"))).find("error") is not None
    assert only_case(results_with(gate("error", blocking=False))).find("skipped") is not None
    skipped = only_case(results_with(gate("fail", blocking=False, waiver="known"))).find("skipped")
    assert skipped is not None
    assert "known" in (skipped.get("message") or "")


def test_slices_are_part_of_the_name() -> None:
    assert only_case(results_with(gate("pass", slice="source=movie"))).get("name") == "g[source=movie]"


def test_hostile_text_is_well_formed(hostile: RunDir) -> None:
    ElementTree.parse(hostile.path / "junit.xml")


@given(st.text(), st.text())
def test_any_text_gives_well_formed_xml(sentence: str, waiver: str) -> None:
    ElementTree.fromstring(junit_xml(results_with(gate("fail", sentence=sentence, waiver=waiver, id=sentence))))
