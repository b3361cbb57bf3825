"""Four cards of one pair: gained, forgotten, bias, cost. A large figure, a small interval, and where the proof is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.report.sections.decision import against
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView, classify_change
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

Tone = Literal["good", "bad", "warn", "flat"]
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "drifted": "warn"}


@dataclass(frozen=True, slots=True)
class Card:
    """`figure` is the large one; `link` leads to a tab."""

    title: str
    figure: str
    tone: Tone
    lines: list[str]
    link: str
    link_text: str

    @property
    def one_line(self) -> str:
        """The card as one sentence without its heading."""
        return "; ".join([self.figure, *self.lines]).strip("; ")


def cards(view: RunView, pair: ModelPair) -> list[Card]:
    return [_gained(view, pair), _forgotten(view, pair), _bias(view, pair), _cost(view, pair)]


def task_leads(view: RunView, pair: ModelPair, *, memory: bool) -> list[ComparisonResult]:
    """The leading comparisons of the tasks that are (`memory`) or are not language modeling."""
    rows = []
    for name, evaluation in view.evaluations.items():
        if evaluation.role == "task" and (evaluation.kind == LANGUAGE_MODELLING) == memory:
            row = view.headline(pair, name)
            rows += [row] if row is not None and row.status == "ok" and row.delta.value is not None else []
    return rows


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


def _span(text: str, row: ComparisonResult) -> str:
    return f"{row.delta.confidence:.0%} interval {text}" if text and text != "–" else "no interval"


def _gained(view: RunView, pair: ModelPair) -> Card:
    rows = task_leads(view, pair, memory=False)
    if not rows:
        return Card("Gained", "–", "flat", ["No task compares these two models."], "#metrics", "all metrics")
    row = rows[0]
    figure, span = change_text(row)
    lines = [f"{view.short(row.evaluation, row.metric)} on {row.evaluation} vs {against(view, row)}", _span(span, row)]
    flips = next((flip for flip in view.flips(pair) if flip.evaluation == row.evaluation), None)
    if flips is not None:
        lines.append(f"{flips.fixed:,} fixed, {flips.broken:,} broken of {row.n:,}")
    tone = _TONES.get(classify_change(row), "flat")
    return Card("Gained", figure, tone, lines, "#items" if flips is not None else "#metrics", "see the items")


def _forgotten(view: RunView, pair: ModelPair) -> Card:
    rows = task_leads(view, pair, memory=True)
    if not rows:
        return Card(
            "Forgotten", "–", "flat", ["Not measured: no language modeling fits both."], "#metrics", "all metrics"
        )
    row = rows[0]
    figure, span = ratio_text(row)
    what = f"{view.short(row.evaluation, row.metric)} on {row.evaluation} vs {against(view, row)}"
    lines = [what, _span(span, row)]
    lines += [f"{other.evaluation} {ratio_text(other)[0]}" for other in rows[1:3]]
    return Card("Forgotten", figure, _TONES.get(classify_change(row), "flat"), lines, "#items", "see the texts")


def bias_rows(view: RunView, pair: ModelPair) -> list[ComparisonResult]:
    """The leading comparison of each probe, the clearest change for the worse first."""
    rows = []
    for name, evaluation in view.evaluations.items():
        if evaluation.role == "probe":
            own = view.comparisons(pair, evaluation=name)
            rows += [row for row in own if row.status == "ok" and view.harms(row.evaluation, row.metric)][:1]
    order = ["worse", "drifted", "unclear", "better", "identical", "undefined"]
    return sorted(rows, key=lambda row: order.index(classify_change(row)))


def _bias(view: RunView, pair: ModelPair) -> Card:
    rows = bias_rows(view, pair)
    if not rows:
        return Card("Bias", "–", "flat", ["No probe compares these two models."], "#bias", "all probes")
    row = rows[0]
    figure, span = change_text(row)
    words = view.short(row.evaluation, row.metric)
    lines = [f"{words} ({row.evaluation}) vs {against(view, row)}", _span(span, row)]
    worse = sum(_harmful(row) for row in rows)
    lines.append(
        f"{worse} of {plural(len(rows), 'probe')} clearly worse"
        if worse
        else f"no clear harm in {plural(len(rows), 'probe')}, which does not prove that there is none"
    )
    kind = classify_change(row)
    return Card(
        "Bias", figure, "bad" if _harmful(row) else _TONES.get(kind, "flat"), lines, "#bias", "whom does it hurt?"
    )


def _harmful(row: ComparisonResult) -> bool:
    kind = classify_change(row)
    return kind == "worse" or (kind == "drifted" and (row.distance_change or 0.0) > 0)


def _cost(view: RunView, pair: ModelPair) -> Card:
    if pair.candidate not in view.models:
        return Card("Cost", "–", "flat", ["No training facts are available."], "#models", "all costs")
    cost = view.cost(pair.candidate)
    figure = number_format.seconds(cost.seconds) if cost.seconds else "–"
    what = f"training of {pair.candidate}"
    parent = view.models[pair.candidate].parent
    before = view.cost(parent).seconds if parent in view.models and parent is not None else None
    if before:
        what += f", after {number_format.seconds(before)} of {parent}"
    sizes = []
    if cost.parameters:
        some = cost.trainable is not None and cost.trainable < cost.parameters
        sizes.append(f"{number_format.count(cost.parameters)} parameters")
        sizes += [f"{number_format.count(cost.trainable)} trained"] if some else []
    seeds = plural(cost.seeds, "training seed")
    lines = [what, " · ".join([*sizes, seeds]), *_timed(view, pair)]
    return Card("Cost", figure, "flat", lines, "#models", "all costs")


def _timed(view: RunView, pair: ModelPair) -> list[str]:
    """How long an input takes the candidate against the baseline, where both took turns."""
    lines = []
    for name, evaluation in view.evaluations.items():
        rows = view.comparisons(pair, evaluation=name) if evaluation.role == "cost" else []
        known = [row for row in rows if row.status == "ok" and row.unit == "ms"]
        for row in known[:1]:
            figure, span = ratio_text(row)
            lines.append(f"{view.short(name, row.metric)} on {name} {figure} of {row.baseline} ({span})")
    return lines
