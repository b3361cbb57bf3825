"""The paragraph of plain English under the verdict: gained, forgotten, paid, who is hurt, how sure.

Each sentence is chosen by the reading of a comparison; none claims a change whose interval includes zero.
"""

from __future__ import annotations

from harness.report.view.comparison_reading import classify_change
from harness.report.view.kept_abilities import by_harm, gained_leads, kept_leads, kept_tasks, undefined_reason
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.report.wording.narrative import people_slices, seeds_said, undecided_said
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

_RIVALS = 4
"""The paragraph names at most this many baselines."""


def brief(view: RunView, contest: ModelPair) -> str:
    """The whole paragraph about one candidate."""
    told = [*_tasks(view, contest), *rivals(view, contest)]
    parts = [*told, *_memory(view, contest), _paid(view, contest), *_hurt(view, contest)]
    return " ".join(part for part in [*parts, _sure(view, contest)] if part)


def _tasks(view: RunView, contest: ModelPair) -> list[str]:
    rows = gained_leads(view, contest)
    if not rows and any(other.candidate == contest.candidate and other != contest for other in view.contests):
        return []
    if not rows and (why := undefined_reason(view, contest, "task")):
        return [f"{contest.candidate} could not be compared with {contest.baseline} on a task: {why}."]
    if not rows:
        return [f"No task compares {contest.candidate} with its baseline, so no gain is shown."]
    return [_task(row, view) for row in rows]


def _task(row: ComparisonResult, view: RunView) -> str:
    way = (
        f" (the best variant of {view.results.baseline} without fine-tuning)"
        if row.baseline == view.baseline_of(row.evaluation) != view.results.baseline
        else ""
    )
    who, base = row.candidate, row.baseline
    first, row = row, of_recipe(row)
    span = f"{row.delta.confidence:.0%} interval {number_format.interval(row.delta.low, row.delta.high, row.unit)}"
    if row is not first and row.seeds is not None:
        span += f" over {len(row.seeds.seeds)} training seeds"
    unit = number_format.shown_unit(row.unit)
    delta = number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)
    kind = classify_change(row)
    what = view.short(row.evaluation, row.metric)
    if kind == "identical":
        return f"On “{row.evaluation}”, {who} and {base} have the same {what} on every item."
    if kind not in ("better", "worse"):
        return f"On “{row.evaluation}”, {what} shows no clear change from {base}{way} ({delta} {unit}, {span})."
    if row is not first:
        return f"On “{row.evaluation}”, {who} is {kind} than {base}{way} in {what}: {delta} {unit} ({span})."
    levels = [
        number_format.level(value, row.unit, row.delta.low, row.delta.high)
        for value in (row.candidate_value, row.baseline_value)
    ]
    return f"On “{row.evaluation}”, {who} is {kind} than {base}{way} in {what}: {levels[0]} vs. {levels[1]} ({span})."


def rivals(view: RunView, contest: ModelPair) -> list[str]:
    """Whether the candidate beats what else the suite sets against it (rules, word counts, controls): what it does
    not beat first. The headline metric of each task speaks, as for the baseline."""
    rows = [
        (other.baseline, row)
        for other in view.contests
        if other.candidate == contest.candidate and not other.main and other != contest
        for row in gained_leads(view, other)
        if view.meaning(row.evaluation, row.metric).role != "descriptive"
    ]
    rows.sort(key=lambda pair: classify_change(pair[1]) == "better")
    left = len(rows) - _RIVALS
    more = [f"{plural(left, 'further comparison')} with other models {'is' if left == 1 else 'are'} in the report."]
    return [_rival(view, name, row) for name, row in rows[:_RIVALS]] + (more if left > 0 else [])


def _rival(view: RunView, name: str, row: ComparisonResult) -> str:
    kind = classify_change(row)
    row = of_recipe(row)
    says = {"better": "beats", "identical": "scores the same on every item as", "unclear": "does not clearly beat"}
    if row.candidate_value is None or row.baseline_value is None:
        # Over training seeds there is a difference, and no one level of either side.
        size = f"{number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)} "
        size += number_format.shown_unit(row.unit)
    else:
        levels = (row.candidate_value, row.baseline_value)
        size = " vs. ".join(number_format.level(value, row.unit, row.delta.low, row.delta.high) for value in levels)
    ends = number_format.interval(row.delta.low, row.delta.high, row.unit)
    span = f"difference {ends} {number_format.shown_unit(row.unit)}".strip()
    return (
        f"{row.candidate} {says.get(kind, 'does not beat')} {name} on “{row.evaluation}”: "
        f"{view.short(row.evaluation, row.metric)} {size.strip()} "
        f"({row.delta.confidence:.0%} interval of the {span})."
    )


def _memory(view: RunView, contest: ModelPair) -> list[str]:
    rows = kept_leads(view, contest)
    if not rows:
        could = not undefined_reason(view, contest, "task") or not kept_tasks(view, contest)
        return ["Forgetting was not measured." if could else "Forgetting could not be compared."]
    texts = [row for row in rows if view.evaluations[row.evaluation].kind == LANGUAGE_MODELLING]
    tasks = [row for row in rows if row not in texts]
    return [*(_remembers(view, row) for row in texts), *([_kept(view, tasks)] if tasks else [])]


def _kept(view: RunView, rows: list[ComparisonResult]) -> str:
    """What became of the abilities that training was not to touch: how many lost, and the largest loss."""
    worst = of_recipe(min(rows, key=by_harm))
    worse = [row.evaluation for row in rows if classify_change(row) == "worse"]
    unit = number_format.shown_unit(worst.unit)
    delta = number_format.difference(worst.delta.value, worst.unit, worst.delta.low, worst.delta.high)
    ends = number_format.interval(worst.delta.low, worst.delta.high, worst.unit)
    size = f"{delta} {unit}".strip() + f", {worst.delta.confidence:.0%} interval {ends}"
    count = plural(len(rows), "other ability", "other abilities")
    first = f"Of {count}, {len(worse)} {'is' if len(worse) == 1 else 'are'} clearly worse ({', '.join(worse)})"
    if not worse:
        first = f"No clear loss in {count}, which does not prove that there is none"
    name = view.short(worst.evaluation, worst.metric)
    return f"{first}; the lowest change is in {name} on “{worst.evaluation}” ({size})."


def _remembers(view: RunView, row: ComparisonResult) -> str:
    row = of_recipe(row)
    kind, what = classify_change(row), view.short(row.evaluation, row.metric)
    if kind == "identical":
        return f"It predicts the texts of “{row.evaluation}” exactly as before."
    if row.ratio is None or row.ratio.value is None or row.ratio.low is None or row.ratio.high is None:
        size = f"{number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)} {row.unit}"
    else:
        ends = "…".join(number_format.fixed((end - 1) * 100, 1, sign=True) for end in (row.ratio.low, row.ratio.high))
        size = f"{number_format.fixed((row.ratio.value - 1) * 100, 1, sign=True)}%, "
        size += f"{row.ratio.confidence:.0%} interval {ends}"
    if kind in ("better", "worse"):
        return f"It predicts the texts of “{row.evaluation}” {kind} than {row.baseline} ({what} {size})."
    return f"No clear change in predicting the texts of “{row.evaluation}” ({what} {size})."


def _paid(view: RunView, contest: ModelPair) -> str:
    if contest.candidate not in view.models:
        return ""
    cost = view.cost(contest.candidate)
    parts = [
        f"{number_format.seconds(cost.seconds)} of training" if cost.seconds else "",
        f"{number_format.count(cost.tokens)} tokens" if cost.tokens else "",
    ]
    known = " and ".join(part for part in parts if part)
    return f"It cost {known}." if known else ""


def _hurt(view: RunView, contest: ModelPair) -> list[str]:
    probes = [row for row in view.comparisons(contest) if view.harms(row.evaluation, row.metric)]
    undefined = [row.evaluation for row in probes if row.status != "ok"]
    probes = [row for row in probes if row.status == "ok"]
    bad = [row for row in probes if _harms(row)]
    groups = people_slices(view, contest)
    worse = [row for row in groups if classify_change(row) == "worse"]
    if not probes and not groups:
        names = ", ".join(dict.fromkeys(undefined))
        return [f"Bias could not be compared on {names}." if names else "Bias and fairness were not measured."]
    out = []
    if bad:
        named = "; ".join(
            f"{view.short(row.evaluation, row.metric)} on {row.evaluation} "
            f"({number_format.difference(row.delta.value, row.unit, row.delta.low, row.delta.high)} "
            f"{number_format.shown_unit(row.unit)}, "
            f"{number_format.interval(row.delta.low, row.delta.high, row.unit)})"
            for row in bad[:3]
        )
        more = f", and {len(bad) - 3} more" if len(bad) > 3 else ""
        out.append(f"Bias probes show a clear change for the worse: {named}{more}.")
    elif probes:
        out.append("No probe shows a clear change for the worse, which does not prove that there is none.")
    if worse:
        first = worse[0]
        out.append(
            f"It is clearly worse on {len(worse)} of {plural(len(groups), 'slice comparison')}, "
            f"such as {view.short(first.evaluation, first.metric)} on {first.slice}."
        )
    return out


def _harms(row: ComparisonResult) -> bool:
    kind = classify_change(row)
    return kind == "worse" or (kind == "drifted" and (row.distance_change or 0) > 0)


def _sure(view: RunView, contest: ModelPair) -> str:
    seed = ""
    if contest.candidate in view.models and view.models[contest.candidate].training:
        seed = seeds_said(view, contest)
    return " ".join([*undecided_said(view, contest), *([seed] if seed else [])])
