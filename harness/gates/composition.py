"""Several rules judged as one gate: `all_of` and `any_of`, and the joint rules `mean_of`, `pooled`, `max_drop`.

That all of several rules hold needs no correction: an error needs every one of them to err
(intersection–union, Berger 1982). That any of them holds is a choice among several looks, so each
member is held against a level that Holm (1979) corrects for their number, and the bound that is
shown is the corrected one. That none of them holds is again a claim that all of several hold.
What cannot be judged in any member is an error of the whole: it is never a pass.
A joint rule is one claim about several evaluations, judged on a row that all of them make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.gates.criterion import joint_criterion
from harness.gates.decision import Outcome, decide
from harness.gates.messages import shared_alpha
from harness.gates.result_lookup import RefusedError
from harness.gates.single_rule import judge_criterion, judge_rule
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.number_format import confidence, plural, told
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import AllOfRule, AnyOfRule, ComparedRule, Composition, JointRule, Rule, SlicedRule


def judge_joint(context: JudgmentContext, rule: JointRule, model: str | None, alpha: float) -> GateTrace:
    """The verdict of a joint rule on a model at a level; what any part cannot be judged on is an error of the whole."""
    if model is None:
        return context.refused(rule, None, "no model to judge")
    whole = rule.about(rule.title)
    baseline: str | None = None
    try:
        parts = []
        for part in rule.members:
            assert isinstance(part, ComparedRule)
            baseline = context.lookup.baseline(part, context.baseline)
            row = context.lookup.change(part, baseline or "", model, None)
            if reads_recipe(row):
                raise RefusedError(f"{part.metric} is judged over training seeds, which a joint gate does not read")
            unknown = context.lookup.doubt(part, model, baseline)
            parts.append((part.metric, row, unknown))
        joint = context.joint.get((rule.title, model))
        if joint is None:
            raise RefusedError(f"{rule.title} was not computed for {model}", "judge the run again from its records.")
        if joint.status != "ok":
            raise RefusedError(f"{rule.title} is undefined: {joint.reason}")
        criterion = joint_criterion(whole, joint, alpha)
    except RefusedError as refused:
        trace = context.refused(rule, model, refused, baseline=baseline)
        return replace(trace, result=trace.result.model_copy(update={"metric": ", ".join(rule.weights)}))
    judged = judge_criterion(
        context, whole, criterion, decide(criterion.value, criterion.limits), model, joint.baseline, alpha
    )
    each = ", ".join(
        f"{metric} {told(part_row.improvement or 0.0, part_row.unit, change=True, signed=True)}"
        for metric, part_row, _ in parts
    )
    sentence = f"{judged.result.sentence} Improvement by part: {each}."
    update: dict[str, object] = {"sentence": sentence, "metric": ", ".join(rule.weights)}
    doubt = next((unknown for _, _, unknown in parts if unknown is not None), None)
    if doubt is not None and judged.outcome == "pass":
        text = f"Inconclusive: {doubt.sentence} {doubt.advice} Otherwise: {sentence}"
        update |= {"verdict": "inconclusive", "sentence": text, "doubt": doubt.advice}
    return replace(judged, result=judged.result.model_copy(update=update))


_WORST_FIRST: tuple[Outcome, ...] = ("error", "fail", "inconclusive", "pass")


def judge_composition(context: JudgmentContext, rule: Composition, model: str | None, alpha: float) -> GateTrace:
    """The verdict of a composition on a model.

    Args:
        model: judged where a member names none of its own.
        alpha: level of the whole.
    """
    if isinstance(rule, JointRule):
        return judge_joint(context, rule, model, alpha)
    inner = context.below(rule)
    if isinstance(rule, AnyOfRule):
        members, outcome = _any_of(inner, rule, model, alpha)
    else:
        members = [_member(inner, member, model, alpha) for member in rule.members]
        outcome = _worst(members)
    return _composed(context, rule, model, alpha, members, outcome)


def _member(context: JudgmentContext, rule: Rule, model: str | None, alpha: float) -> GateTrace:
    """A member at a level; with `each_slice` all of its slices as one."""
    whom = rule.model if rule.model is not None else model
    if isinstance(rule, Composition):
        return judge_composition(context, rule, whom, alpha).as_member()
    if whom is None:
        return context.refused(rule, None, "no model to judge").as_member()
    looks = rule.looks if isinstance(rule, SlicedRule) else 1
    traces = judge_rule(context, rule, whom, alpha / looks)
    if len(traces) == 1:
        return traces[0].as_member()
    whole = AllOfRule.model_construct(**rule.model_dump(include={*AllOfRule.model_fields}), all_of=[rule])
    slices = [replace(trace.as_member(), rule=rule) for trace in traces]
    return _composed(
        context, whole, whom, alpha, slices, _worst(slices), kind=rule.kind, metric=rule.metric
    ).as_member()


def _any_of(
    context: JudgmentContext, rule: AnyOfRule, model: str | None, alpha: float
) -> tuple[list[GateTrace], Outcome]:
    """Holm's step-down over the members' claims to pass.

    With m members the clearest is held against alpha/m, the next against alpha/(m − 1), …. One that
    is not shown to pass is shown at the level where the steps end; one that fails at alpha is shown
    as failed, since a gate fails only when all members do.
    """
    count = len(rule.members)
    shown: dict[int, GateTrace] = {}
    level = alpha
    while len(shown) < count:
        level = alpha / (count - len(shown))
        tried = {
            index: _member(context, member, model, level)
            for index, member in enumerate(rule.members)
            if index not in shown
        }
        passed = {index: trace for index, trace in tried.items() if trace.outcome == "pass"}
        if not passed:
            break
        shown |= passed
    members = []
    for index, member in enumerate(rule.members):
        if index in shown:
            members.append(shown[index])
            continue
        plain = _member(context, member, model, alpha)
        members.append(plain if plain.outcome in ("fail", "error") else _member(context, member, model, level))
    outcomes = {trace.outcome for trace in members}
    if "error" in outcomes:
        return members, "error"
    if shown:
        return members, "pass"
    return members, "fail" if outcomes == {"fail"} else "inconclusive"


def _worst(members: Sequence[GateTrace]) -> Outcome:
    outcomes = {trace.outcome for trace in members}
    return next(outcome for outcome in _WORST_FIRST if outcome in outcomes)


def _composed(
    context: JudgmentContext,
    rule: Composition,
    model: str | None,
    alpha: float,
    members: Sequence[GateTrace],
    outcome: Outcome,
    **more: str,
) -> GateTrace:
    results = [trace.result for trace in members]
    counted = [result.n for result in results if result.n is not None]
    sizes = [
        result.required_n for result in results if result.verdict == "inconclusive" and result.required_n is not None
    ]
    chosen = None
    if outcome == "inconclusive" and sizes:
        chosen = min(sizes) if isinstance(rule, AnyOfRule) else max(sizes)
    result = context.result(
        rule,
        model,
        outcome,
        f"{_sentence(rule, members, outcome, alpha)}{shared_alpha(rule, context.attempt)}",
        **{"metric": ", ".join(dict.fromkeys(result.metric for result in results)), **more},
        alpha=alpha,
        n=min(counted) if counted else None,
        required_n=chosen,
        members=results,
    )
    return GateTrace(rule, result, members=tuple(members))


def _sentence(rule: Composition, members: Sequence[GateTrace], outcome: Outcome, alpha: float) -> str:
    """What decided: the count, and the sentences of the members behind the verdict."""
    total = len(members)
    sliced = members[0].result.slice is not None and len({trace.result.id for trace in members}) < total
    noun = "slice" if sliced else "member"

    def name(trace: GateTrace) -> str:
        return trace.result.slice or trace.result.id if sliced else trace.result.id

    def tell(kind: Outcome) -> str:
        # Of a composition only the count: its own members are told below it.
        texts = [
            (name(member), f"{member.result.sentence.split('. ')[0]}." if member.members else member.result.sentence)
            for member in members
            if member.outcome == kind
        ]
        return " ".join(f"{label}: {text}" for label, text in texts)

    if outcome == "error":
        bad = [name(member) for member in members if member.outcome == "error"]
        return f"Cannot be judged, because of {', '.join(bad)} of {plural(total, noun)}. {tell('error')}"
    if isinstance(rule, AnyOfRule):
        held = f"each held to {confidence(alpha / total)} confidence, Holm's first step for {plural(total, noun)}"
        if outcome == "pass":
            passing = sum(member.outcome == "pass" for member in members)
            verb = "holds" if passing == 1 else "hold"
            return f"{passing} of {plural(total, noun)} {verb}; one is enough. {tell('pass')}"
        if outcome == "fail":
            return f"None of the {plural(total, noun)} holds. {tell('fail')}"
        return f"Inconclusive: none of the {plural(total, noun)} is shown to hold ({held}). {tell('inconclusive')}"
    if outcome == "pass":
        return f"All of {plural(total, noun)} {'holds' if total == 1 else 'hold'}. {tell('pass')}"
    count = sum(member.outcome == outcome for member in members)
    verb = {
        "fail": "fails" if count == 1 else "fail",
        "inconclusive": "is inconclusive" if count == 1 else "are inconclusive",
    }[outcome]
    return f"{count} of {plural(total, noun)} {verb}. {tell(outcome)}"
