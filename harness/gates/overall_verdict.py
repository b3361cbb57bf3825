"""All verdicts → one verdict and one exit code; the worst applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.core.errors import EXIT_GATE_FAILED, EXIT_INCOMPLETE, EXIT_INCONCLUSIVE, EXIT_OK
from harness.schema.results.base import Verdict
from harness.schema.results.inputs import EvaluationResult
from harness.schema.results.number_format import plural
from harness.schema.results.verdicts import GateResult, VerdictResult

_BLOCKING: tuple[tuple[Verdict, int], ...] = (
    ("error", EXIT_INCOMPLETE),
    ("fail", EXIT_GATE_FAILED),
    ("inconclusive", EXIT_INCONCLUSIVE),
)


def overall(results: Sequence[GateResult], evaluations: Sequence[EvaluationResult] = ()) -> VerdictResult:
    """The verdict of a run; its sentence also says where rows may have been trained on.

    Args:
        evaluations: what was judged.
    """
    verdict = _overall(results)
    doubts = dict.fromkeys(
        f"{evaluation.name}: {evaluation.unknown_training.sentence}"
        for evaluation in evaluations
        if evaluation.unknown_training is not None
    )
    return verdict.model_copy(update={"sentence": " ".join([verdict.sentence, *doubts])}) if doubts else verdict


def _overall(results: Sequence[GateResult]) -> VerdictResult:
    """error > fail > inconclusive among blocking gates; then warn when any other did not pass.

    Nothing judged is `none`, never green: exit code 0 without gates (`harness gate` calls that a usage error), 12
    where gates were asked for and `--only` left nothing to judge them on.

    An expired waiver does not hold, and never leaves a run green: it is a warning by itself.

    `counts` has pass, fail, inconclusive, error (verdicts, blocking or not), warn (not passed, but
    not blocking), waived (a valid waiver holds) and expired (a waiver ran out).
    """
    if all(result.left_out for result in results):
        code = EXIT_INCOMPLETE if any(result.blocking for result in results) else EXIT_OK
        counts = {"error": len(results)} if results else {}
        return VerdictResult(overall="none", exit_code=code, sentence=_nothing(results), counts=counts)
    verdicts = Counter[str](result.verdict for result in results)
    shown = [result for result in results if result.verdict != "pass" and not result.blocking]
    waived = [result for result in shown if result.waiver_holds]
    expired = [result for result in results if result.waiver_holds is False]
    counts = {name: verdicts[name] for name in ("pass", "fail", "inconclusive", "error")}
    counts |= {"warn": len(shown), "waived": len(waived), "expired": len(expired)}
    blocking = {result.verdict for result in results if result.blocking}
    for verdict, code in _BLOCKING:
        if verdict in blocking:
            return VerdictResult(overall=verdict, exit_code=code, sentence=_sentence(results), counts=counts)
    verdict = "warn" if shown or expired else "pass"
    return VerdictResult(overall=verdict, exit_code=EXIT_OK, sentence=_sentence(results), counts=counts)


def _nothing(left_out: Sequence[GateResult]) -> str:
    if not left_out:
        return "no gates: nothing was judged."
    names = ", ".join(dict.fromkeys(result.id for result in left_out))
    return f"nothing was judged: the command line left out what {plural(len(left_out), 'gate')} asked for ({names})."


def _sentence(results: Sequence[GateResult]) -> str:
    stopped = {
        verdict: [result for result in results if result.blocking and result.verdict == verdict]
        for verdict, _ in _BLOCKING
    }
    words = {"error": "could not be judged", "fail": "failed", "inconclusive": "inconclusive"}
    parts = [
        f"{len(stopping)} {words[verdict]} ({', '.join(dict.fromkeys(result.id for result in stopping))})"
        for verdict, stopping in stopped.items()
        if stopping
    ]
    shown = [result for result in results if result.verdict != "pass" and not result.blocking]
    if shown:
        names = ", ".join(dict.fromkeys(result.id for result in shown))
        parts.append(f"{len(shown)} only {'shows' if len(shown) == 1 else 'show'} a warning ({names})")
    expired = dict.fromkeys(result.id for result in results if result.waiver_holds is False)
    if expired:
        verb = "waiver has" if len(expired) == 1 else "waivers have"
        parts.append(f"{len(expired)} {verb} expired ({', '.join(expired)})")
    passed = sum(result.verdict == "pass" for result in results)
    head = f"{passed} of {len(results)} verdicts passed"
    return f"{head}; {'; '.join(parts)}." if parts else f"{head}."
