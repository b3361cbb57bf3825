from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.gates.overall_verdict import overall
from harness.schema.results.verdicts import GateResult

CODES = {"error": 12, "fail": 10, "inconclusive": 11, "pass": 0}


def gate(verdict: str, blocking: bool = True, name: str = "g") -> GateResult:
    return GateResult.model_validate(
        {
            "id": name,
            "kind": "superiority",
            "metric": "reviews.accuracy",
            "model": "tuned",
            "severity": "error",
            "verdict": verdict,
            "blocking": blocking,
            "sentence": "",
            "alpha": 0.05,
        }
    )


gates = st.lists(st.builds(gate, st.sampled_from(sorted(CODES)), st.booleans()), min_size=1)


@given(gates)
def test_the_worst_blocking_verdict_decides(results: list[GateResult]) -> None:
    blocking = {result.verdict for result in results if result.blocking}
    worst = next((name for name in ("error", "fail", "inconclusive") if name in blocking), None)
    found = overall(results)
    if worst is not None:
        assert (found.overall, found.exit_code) == (worst, CODES[worst])
    else:
        assert found.exit_code == 0
        assert found.overall == ("warn" if any(result.verdict != "pass" for result in results) else "pass")


@given(gates, st.randoms())
def test_order_does_not_matter(results: list[GateResult], random: object) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' random has shuffle
    assert overall(shuffled).exit_code == overall(results).exit_code


def test_the_sentence_names_what_stopped_the_release() -> None:
    results = [gate("pass"), gate("fail", name="bias"), gate("inconclusive", blocking=False, name="drift")]
    assert overall(results).sentence == "1 of 3 verdicts passed; 1 failed (bias); 1 only shows a warning (drift)."


def test_no_gates_is_none_and_no_pass() -> None:
    nothing = overall([])
    assert (nothing.overall, nothing.exit_code) == ("none", 0)
    assert nothing.sentence == "no gates: nothing was judged."


def test_gates_that_were_left_out_are_none_with_12_and_named() -> None:
    left_out = [gate("error", name=name).model_copy(update={"left_out": True}) for name in ("better", "floor")]
    nothing = overall(left_out)
    assert (nothing.overall, nothing.exit_code) == ("none", 12)
    assert nothing.sentence == "nothing was judged: the command line left out what 2 gates asked for (better, floor)."
    partly = overall([*left_out, gate("pass")])
    assert (partly.overall, partly.exit_code) == ("error", 12)
    assert "2 could not be judged (better, floor)" in partly.sentence
    shown = [one.model_copy(update={"blocking": False}) for one in left_out]
    assert (overall(shown).overall, overall(shown).exit_code) == ("none", 0)
