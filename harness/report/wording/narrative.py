"""Sentences of plain English from the numbers, never saying more than the intervals allow."""

from __future__ import annotations

from harness.report.view.comparison_reading import FEW, classify_change, display_interval
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe
from harness.schema.results.verdicts import GateResult


def change(row: ComparisonResult) -> str:
    """The core of a sentence about one comparison: direction, size and interval.

    `rose from 46.2% to 71.3%: +25.1 points, 95% interval +22.9…+27.3` or
    `no clear change: −0.2 points, 95% interval −1.0…+0.6`.
    """
    kind = classify_change(row)
    if kind == "undefined":
        return f"could not be compared ({row.reason or 'undefined'})"
    if kind == "identical":
        return f"is identical item by item ({plural(row.n, 'item')})"
    unit = number_format.shown_unit(row.unit)
    first, row = row, of_recipe(row) if row.slice is None else row
    low, high = display_interval(row)
    delta = number_format.difference(row.delta.value, row.unit, low, high)
    whole = f"{row.delta.confidence:.0%} interval {number_format.interval(low, high, row.unit)}"
    whole += " for all slices simultaneously" if row.slice is not None and row.correction is not None else ""
    if row is not first and row.seeds is not None:
        whole += f" over {len(row.seeds.seeds)} training seeds"
    if low is None or high is None:
        return f"shows no clear change: {delta} {unit}, and its interval is undefined"
    if kind == "unclear":
        corrected = row.p_adjusted is not None and not low <= 0 <= high
        note = f"; not clear after correction over {row.family} comparisons" if corrected else ""
        return f"shows no clear change: {delta} {unit}, {whole}{note}"
    levels = " to ".join(
        number_format.level(value, row.unit, low, high) for value in (row.baseline_value, row.candidate_value)
    )
    verb = "rose" if (row.delta.value or 0) > 0 else "fell"
    if row is not first:
        return f"{verb} on average: {delta} {unit}, {whole}"
    return f"{verb} from {levels}: {delta} {unit}, {whole}"


def change_text(row: ComparisonResult) -> tuple[str, str]:
    """A difference with its unit, and its interval."""
    row = of_recipe(row)
    unit = {"points": "pts"}.get(number_format.shown_unit(row.unit), number_format.shown_unit(row.unit))
    low, high = row.delta.low, row.delta.high
    figure = f"{number_format.difference(row.delta.value, row.unit, low, high)} {unit}".strip()
    return figure, number_format.interval(low, high, row.unit).replace("…", " … ")


def ratio_text(row: ComparisonResult) -> tuple[str, str]:
    """`×1.13` with its interval where the metric has a ratio, else the difference."""
    row = of_recipe(row)
    ratio = row.ratio
    if ratio is None or ratio.value is None:
        return change_text(row)
    if ratio.low is None or ratio.high is None:
        return f"×{number_format.ratio(ratio.value)}", ""
    return f"×{number_format.ratio(ratio.value)}", " … ".join(map(number_format.ratio, (ratio.low, ratio.high)))


def seeds_said(view: RunView, contest: ModelPair) -> str:
    """Whether the figures speak for a checkpoint or for the recipe that made it."""
    seeds = [row.seeds for row in view.comparisons(contest) if row.seeds is not None]
    if not seeds:
        return "One training seed: the results describe this checkpoint, not the training recipe."
    count = len(seeds[0].seeds)
    if any(seed_result.level_of_inference == "recipe" for seed_result in seeds):
        return f"{count} training seeds: the results describe the training recipe."
    return (
        f"{count} training seeds: too few to describe the training recipe; the numbers are from the first checkpoint."
    )


def people_slices(view: RunView, contest: ModelPair) -> list[ComparisonResult]:
    """The slice comparisons that may say who is hurt, of slices that are large enough to be read."""
    return [
        row
        for row in view.comparisons(contest, slices=True)
        if row.status == "ok" and row.n >= FEW and _of_people(view, row)
    ]


def _of_people(view: RunView, row: ComparisonResult) -> bool:
    """Whether a slice says who is hurt: not what overlaps with training, nor a kind of running text."""
    group = view.group(row.evaluation, row.metric)
    companion = group == "bias" and not view.harms(row.evaluation, row.metric)
    return group != "forgotten" and not companion and not (row.slice or "").startswith("overlap=")


def undecided_said(view: RunView, contest: ModelPair) -> list[str]:
    """Which gates of a candidate are inconclusive, by the reason."""
    undecided = [gate for gate in view.gates_of(contest.candidate) if gate.verdict == "inconclusive"]
    doubted = [gate.id for gate in undecided if _doubted(gate)]
    few = [gate.id for gate in undecided if gate.id not in doubted and _more_decide(gate)]
    other = [gate.id for gate in undecided if gate.id not in (*doubted, *few)]
    said = [f"Too few items to decide: {', '.join(few)}."] if few else []
    said += [f"Undecided, for the reason that its sentence gives: {', '.join(other)}."] if other else []
    return [*said, f"No pass, as rows may have been trained on: {', '.join(doubted)}."] if doubted else said


def _more_decide(gate: GateResult) -> bool:
    """Whether a number of items is known that would decide a gate, or the member that it waits for."""
    return (gate.required_n is not None and gate.counted == "items") or any(map(_more_decide, gate.members))


def _doubted(gate: GateResult) -> bool:
    """Whether a gate, or a member of it, would pass on rows of which nobody knows whether they were trained on."""
    return gate.doubt is not None or any(map(_doubted, gate.members))
