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


gates = st.lists(st.builds(gate, st.sampled_from(sorted(CODES)), st.booleans()))


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
    assert "nothing was judged" in overall([]).sentence
