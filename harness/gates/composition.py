"""`all_of` and `any_of`: several rules judged as one gate.

That all of several rules hold needs no correction: an error needs every one of them to err
(intersection–union, Berger 1982). That any of them holds is a choice among several looks, so each
member is held against a level that Holm (1979) corrects for their number, and the bound that is
shown is the corrected one. That none of them holds is again a claim that all of several hold.
What cannot be judged in any member is an error of the whole: it is never a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.gates.decision import Outcome
from harness.gates.single_rule import judge_leaf
from harness.gates.trace import Case, Finding
from harness.schema.results.words import confidence, plural
from harness.schema.suite.gate_rules import AllOfRule, AnyOfRule, Composition, Rule

_WORST_FIRST: tuple[Outcome, ...] = ("error", "fail", "inconclusive", "pass")


def judge_composition(case: Case, rule: Composition, model: str | None, alpha: float) -> Finding:
    """The verdict of a composition on a model.

    Args:
        model: judged where a member names none of its own.
        alpha: level of the whole.
    """
    inner = case.below(rule)
    if isinstance(rule, AnyOfRule):
        members, outcome = _any_of(inner, rule, model, alpha)
    else:
        members = [_member(inner, member, model, alpha) for member in rule.members]
        outcome = _worst(members)
    return _composed(case, rule, model, alpha, members, outcome)


def _member(case: Case, rule: Rule, model: str | None, alpha: float) -> Finding:
    """A member at a level; with `each_slice` all of its slices as one."""
    whom = rule.model if rule.model is not None else model
    if isinstance(rule, Composition):
        return judge_composition(case, rule, whom, alpha).inside()
    if whom is None:
        return case.refused(rule, None, "no model to judge").inside()
    findings = judge_leaf(case, rule, whom, alpha)
    if len(findings) == 1:
        return findings[0].inside()
    whole = AllOfRule.model_construct(**rule.model_dump(include={*AllOfRule.model_fields}), all_of=[rule])
    slices = [replace(finding.inside(), rule=rule) for finding in findings]
    return _composed(case, whole, whom, alpha, slices, _worst(slices), kind=rule.kind, metric=rule.metric).inside()


def _any_of(case: Case, rule: AnyOfRule, model: str | None, alpha: float) -> tuple[list[Finding], Outcome]:
    """Holm's step-down over the members' claims to pass.

    With m members the clearest is held against alpha/m, the next against alpha/(m − 1), …. One that
    is not shown to pass is shown at the level where the steps end; one that fails at alpha is shown
    as failed, since a gate fails only when all members do.
    """
    count = len(rule.members)
    shown: dict[int, Finding] = {}
    level = alpha
    while len(shown) < count:
        level = alpha / (count - len(shown))
        tried = {
            index: _member(case, member, model, level)
            for index, member in enumerate(rule.members)
            if index not in shown
        }
        passed = {index: finding for index, finding in tried.items() if finding.outcome == "pass"}
        if not passed:
            break
        shown |= passed
    members = []
    for index, member in enumerate(rule.members):
        if index in shown:
            members.append(shown[index])
            continue
        plain = _member(case, member, model, alpha)
        members.append(plain if plain.outcome in ("fail", "error") else _member(case, member, model, level))
    outcomes = {finding.outcome for finding in members}
    if "error" in outcomes:
        return members, "error"
    if shown:
        return members, "pass"
    return members, "fail" if outcomes == {"fail"} else "inconclusive"


def _worst(members: Sequence[Finding]) -> Outcome:
    found = {finding.outcome for finding in members}
    return next(outcome for outcome in _WORST_FIRST if outcome in found)


def _composed(
    case: Case,
    rule: Composition,
    model: str | None,
    alpha: float,
    members: Sequence[Finding],
    outcome: Outcome,
    **more: str,
) -> Finding:
    results = [finding.result for finding in members]
    counted = [result.n for result in results if result.n is not None]
    needs = [result.needs for result in results if result.verdict == "inconclusive" and result.needs is not None]
    chosen = None
    if outcome == "inconclusive" and needs:
        chosen = min(needs) if isinstance(rule, AnyOfRule) else max(needs)
    result = case.result(
        rule,
        model,
        outcome,
        _sentence(rule, members, outcome, alpha),
        **{"metric": ", ".join(dict.fromkeys(result.metric for result in results)), **more},
        alpha=alpha,
        n=min(counted) if counted else None,
        needs=chosen,
        members=results,
    )
    return Finding(rule, result, members=tuple(members))


def _sentence(rule: Composition, members: Sequence[Finding], outcome: Outcome, alpha: float) -> str:
    """What decided: the count, and the sentences of the members behind the verdict."""
    total = len(members)
    sliced = members[0].result.slice is not None and len({finding.result.id for finding in members}) < total
    noun = "slice" if sliced else "member"

    def name(finding: Finding) -> str:
        return finding.result.slice or finding.result.id if sliced else finding.result.id

    def tell(kind: Outcome) -> str:
        # Of a composition only the count: its own members are told below it.
        texts = [
            (name(one), f"{one.result.sentence.split('. ')[0]}." if one.members else one.result.sentence)
            for one in members
            if one.outcome == kind
        ]
        return " ".join(f"{label}: {text}" for label, text in texts)

    if outcome == "error":
        bad = [name(one) for one in members if one.outcome == "error"]
        return f"Cannot be judged, because of {', '.join(bad)} of {plural(total, noun)}. {tell('error')}"
    if isinstance(rule, AnyOfRule):
        held = f"each held to {confidence(alpha / total)} confidence, Holm's first step for {plural(total, noun)}"
        if outcome == "pass":
            passing = sum(one.outcome == "pass" for one in members)
            verb = "holds" if passing == 1 else "hold"
            return f"{passing} of {plural(total, noun)} {verb}; one is enough. {tell('pass')}"
        if outcome == "fail":
            return f"None of {plural(total, noun)} holds. {tell('fail')}"
        return f"Inconclusive: none of {plural(total, noun)} is shown to hold ({held}). {tell('inconclusive')}"
    if outcome == "pass":
        return f"All of {plural(total, noun)} {'holds' if total == 1 else 'hold'}. {tell('pass')}"
    count = sum(one.outcome == outcome for one in members)
    verb = {"fail": "fails" if count == 1 else "fail", "inconclusive": "is open" if count == 1 else "are open"}[outcome]
    return f"{count} of {plural(total, noun)} {verb}. {tell(outcome)}"
