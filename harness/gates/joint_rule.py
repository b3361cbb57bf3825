"""`mean_of`, `pooled`, `max_drop`: one claim about several evaluations, judged on a row that all of them make."""

from __future__ import annotations

from dataclasses import replace

from harness.gates.criterion import joint_criterion
from harness.gates.decision import decide
from harness.gates.result_lookup import RefusedError
from harness.gates.single_rule import judge_criterion
from harness.gates.trace import GateTrace, JudgmentContext
from harness.schema.results.number_format import in_unit
from harness.schema.results.seed_aggregation import reads_recipe
from harness.schema.suite.gate_rules import ComparedRule, JointRule


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
        f"{metric} {in_unit(part_row.improvement or 0.0, part_row.unit, signed=True)}" for metric, part_row, _ in parts
    )
    sentence = f"{judged.result.sentence} Improvement by part: {each}."
    update: dict[str, object] = {"sentence": sentence, "metric": ", ".join(rule.weights)}
    doubt = next((unknown for _, _, unknown in parts if unknown is not None), None)
    if doubt is not None and judged.outcome == "pass":
        text = f"Inconclusive: {doubt.sentence} {doubt.advice} Otherwise: {sentence}"
        update |= {"verdict": "inconclusive", "sentence": text, "doubt": doubt.advice}
    return replace(judged, result=judged.result.model_copy(update=update))
