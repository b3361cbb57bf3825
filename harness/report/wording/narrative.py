"""One paragraph of plain English from the numbers, never saying more than the intervals allow."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.view.run_view import FEW, ModelPair, Reading, RunView, classify_change, display_interval
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe
from harness.schema.results.verdicts import GateResult


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and, where it is about one comparison, how that comparison reads."""

    text: str
    reading: Reading | None = None


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


def story(view: RunView, contest: ModelPair) -> list[tuple[str, list[Sentence]]]:
    """(heading, sentences) for gains, forgetting, cost, bias and fairness, and certainty."""
    return [
        ("Gained", _gained(view, contest)),
        ("Forgotten", _forgotten(view, contest)),
        ("Cost", _paid(view, contest)),
        ("Bias and fairness", _hurt(view, contest)),
        ("Certainty", _sure(view, contest)),
    ]


def _headlines(view: RunView, contest: ModelPair, group: str) -> list[ComparisonResult]:
    rows = (view.headline(contest, name) for name in view.evaluations)
    return [row for row in rows if row is not None and view.group(row.evaluation, row.metric) == group]


def _gained(view: RunView, contest: ModelPair) -> list[Sentence]:
    rows = _headlines(view, contest, "gained")
    if rows:
        return [
            Sentence(
                f"{view.named(row.evaluation, row.metric)} {change(row)}{_asked(row, view)}.", classify_change(row)
            )
            for row in rows
        ]
    others = [
        Sentence(
            f"Compared with {row.baseline}, {view.named(row.evaluation, row.metric)} {change(row)}.",
            classify_change(row),
        )
        for other in view.contests
        if other.candidate == contest.candidate and other != contest
        for row in _headlines(view, other, "gained")
    ]
    none = f"No task compares {contest.candidate} with {contest.baseline}."
    return [Sentence(none), *others]


def _asked(row: ComparisonResult, view: RunView) -> str:
    notes = []
    if row.baseline == view.baseline_of(row.evaluation) != view.results.baseline:
        notes.append(f"vs. {row.baseline}, the best variant of {view.results.baseline}")
    if row.baseline_protocol != row.candidate_protocol:
        notes.append(
            f"{row.baseline} uses the protocol {row.baseline_protocol}, {row.candidate} uses {row.candidate_protocol}"
        )
    return f" ({'; '.join(notes)})" if notes else ""


def _forgotten(view: RunView, contest: ModelPair) -> list[Sentence]:
    rows = _headlines(view, contest, "forgotten")
    if not rows:
        return [Sentence("Not measured: no language-modeling task fits both models.")]
    parts = []
    for row in rows:
        relative = ""
        if row.ratio is not None and row.ratio.low is not None and row.ratio.high is not None:
            relative = (
                f" (×{number_format.ratio(row.ratio.value)}, interval "
                f"{number_format.ratio(row.ratio.low)}…{number_format.ratio(row.ratio.high)})"
            )
        meaning = {
            "worse": "the model lost some of the base's language modeling",
            "better": "no forgetting is visible here",
            "unclear": "this alone shows neither forgetting nor its absence",
        }.get(classify_change(row), "")
        text = f"{view.named(row.evaluation, row.metric)} {change(row)}{relative}"
        parts.append(Sentence(f"{text}; {meaning}." if meaning else f"{text}.", classify_change(row)))
    return parts


def _paid(view: RunView, contest: ModelPair) -> list[Sentence]:
    if contest.candidate not in view.models:
        return [Sentence("No training facts are available.")]
    cost = view.cost(contest.candidate)
    parts = [
        f"{number_format.count(cost.tokens)} training tokens" if cost.tokens else "",
        number_format.flops(cost.flops) if cost.flops else "",
        f"{number_format.seconds(cost.seconds)} of training" if cost.seconds else "",
        f"{number_format.count(cost.trainable)} of {number_format.count(cost.parameters)} parameters trained"
        if cost.trainable and cost.parameters
        else "",
    ]
    known = [part for part in parts if part]
    return [Sentence(", ".join(known) + "." if known else "No training cost is recorded.")]


def _hurt(view: RunView, contest: ModelPair) -> list[Sentence]:
    sentences: list[Sentence] = []
    probes = [row for row in view.comparisons(contest) if view.harms(row.evaluation, row.metric)]
    for row in probes:
        kind = classify_change(row)
        if kind == "worse" or (kind == "drifted" and (row.distance_change or 0) > 0):
            away = "" if row.direction != "target" else " (farther from the ideal)"
            sentences.append(Sentence(f"{view.named(row.evaluation, row.metric)} {change(row)}{away}.", kind))
    groups = people_slices(view, contest)
    worse = [row for row in groups if classify_change(row) == "worse"]
    if groups:
        shown = "; ".join(f"{row.id} on {row.slice} {change(row)}" for row in worse[:3])
        measured = f"{len(worse)} of {plural(len(groups), 'slice comparison')} clearly worse"
        text = f"{measured}: {shown}." if worse else f"{measured}; small harms may go undetected."
        sentences.append(Sentence(text, "worse" if worse else None))
    if not sentences:
        text = "Not measured: no probe or slice compares these two models."
        if probes:
            text = "No probe shows a clear change for the worse, which does not prove that there is none."
        sentences.append(Sentence(text))
    return sentences


def people_slices(view: RunView, contest: ModelPair) -> list[ComparisonResult]:
    """The slice comparisons that may say who is hurt, of slices that are large enough to be read."""
    return [row for row in view.comparisons(contest, slices=True) if row.n >= FEW and _of_people(view, row)]


def _of_people(view: RunView, row: ComparisonResult) -> bool:
    """Whether a slice says who is hurt: not what overlaps with training, nor a kind of running text."""
    group = view.group(row.evaluation, row.metric)
    companion = group == "bias" and not view.harms(row.evaluation, row.metric)
    return group != "forgotten" and not companion and not (row.slice or "").startswith("overlap=")


def _sure(view: RunView, contest: ModelPair) -> list[Sentence]:
    rows = [row for row in (view.headline(contest, name) for name in view.evaluations) if row is not None]
    parts = [
        f"{row.evaluation} {number_format.amount(row.mde, row.unit)} ({plural(row.n, 'item')} in "
        f"{plural(row.clusters, 'cluster')})"
        for row in rows
        if row.mde is not None
    ]
    sentences = [f"Smallest change detectable with 80% power: {'; '.join(parts)}."] if parts else []
    if contest.candidate in view.models and view.models[contest.candidate].training:
        sentences.append(seeds_said(view, contest))
    sentences += undecided_said(view, contest)
    if view.results.limit is not None:
        sentences.append(f"Limited to {plural(view.results.limit, 'item')} per evaluation.")
    return [Sentence(text) for text in sentences or ["The minimum detectable effects are unknown."]]


def undecided_said(view: RunView, contest: ModelPair) -> list[str]:
    """Which gates of a candidate are inconclusive, by the reason."""
    undecided = [gate for gate in view.gates_of(contest.candidate) if gate.verdict == "inconclusive"]
    doubted = [gate.id for gate in undecided if _doubted(gate)]
    few = [gate.id for gate in undecided if gate.id not in doubted]
    said = [f"Too few items to decide: {', '.join(few)}."] if few else []
    return [*said, f"No pass, as rows may have been trained on: {', '.join(doubted)}."] if doubted else said


def _doubted(gate: GateResult) -> bool:
    """Whether a gate, or a member of it, would pass on rows of which nobody knows whether they were trained on."""
    return gate.doubt is not None or any(map(_doubted, gate.members))
