"""Four cards of one pair: gained, forgotten, bias, cost. A large figure, a small interval, and where the proof is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from harness.report.sections.summary.decision import against
from harness.report.sections.summary.gate_table import gate_figure, gate_unit
from harness.report.view.comparison_reading import classify_change
from harness.report.view.kept_abilities import (
    by_harm,
    evaluations_of,
    gained_leads,
    joint_gates,
    kept_leads,
    kept_tasks,
    undefined_reason,
)
from harness.report.view.run_view import LANGUAGE_MODELLING, ModelPair, RunView
from harness.report.wording.narrative import change_text, ratio_text
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.verdicts import GateResult

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


def _span(text: str, row: ComparisonResult) -> str:
    return f"{row.delta.confidence:.0%} interval {text}" if text and text != "–" else "no interval"


def _gained(view: RunView, pair: ModelPair) -> Card:
    rows = gained_leads(view, pair)
    if not rows:
        why = undefined_reason(view, pair, "task")
        line = f"Not comparable: {why}." if why else "No task compares these two models."
        return Card("Gained", "–", "flat", [line], "#metrics", "all metrics")
    row = rows[0]
    figure, span = change_text(row)
    lines = [f"{view.short(row.evaluation, row.metric)} on {row.evaluation} vs {against(view, row)}", _span(span, row)]
    flips = next((flip for flip in view.flips(pair) if flip.evaluation == row.evaluation), None)
    if flips is not None:
        lines.append(f"{flips.fixed:,} fixed, {flips.broken:,} broken of {row.n:,}")
    return Card("Gained", figure, _tone(row), lines, *_proof(view, row))


def _forgotten(view: RunView, pair: ModelPair) -> Card:
    rows = kept_leads(view, pair)
    texts = [row for row in rows if view.evaluations[row.evaluation].kind == LANGUAGE_MODELLING]
    tasks = sorted((row for row in rows if row not in texts), key=by_harm)
    together = [gate for gate in joint_gates(view, pair) if gate.observed is not None]
    if not rows:
        why = undefined_reason(view, pair, "task", kept_tasks(view, pair))
        line = f"Not comparable: {why}." if why else "Not measured: no running text and no other ability fits both."
        return Card("Forgotten", "–", "flat", [line], "#metrics", "all metrics")
    if together:
        return _forgotten_together(view, together[0], tasks)
    row = texts[0] if texts else tasks[0]
    figure, span = ratio_text(row)
    what = f"{view.short(row.evaluation, row.metric)} on {row.evaluation} vs {against(view, row)}"
    lines = [what if texts or len(tasks) == 1 else f"{what}, the largest loss", _span(span, row)]
    lines += [f"{other.evaluation} {ratio_text(other)[0]}" for other in texts[1:3]]
    lines += [_lost(tasks)] if len(tasks) + len(texts) > 1 and tasks else []
    return Card("Forgotten", figure, _tone(row), lines, *_proof(view, row))


def _forgotten_together(view: RunView, gate: GateResult, tasks: list[ComparisonResult]) -> Card:
    """What a gate on several abilities together read."""
    unit = number_format.shown_unit(gate_unit(view, gate))
    figure = f"{gate_figure(view, gate, gate.observed)} {'pts' if unit == 'points' else unit}".strip()
    parts = evaluations_of(gate)
    lines = [f"{gate.id}: improvement of {plural(len(parts), 'ability', 'abilities')} together vs {gate.baseline}"]
    low, high = gate.low, gate.high
    if low is not None and high is not None:
        ends = " … ".join(gate_figure(view, gate, end) for end in (low, high))
        lines.append(f"{1 - 2 * gate.alpha:.0%} interval {ends}")
    tone: Tone = "flat"
    if low is not None and high is not None:
        tone = "bad" if high < 0 else "good" if low > 0 else "flat"
    if tasks:
        lines += [f"largest loss: {tasks[0].evaluation} {change_text(tasks[0])[0]}", _lost(tasks)]
    return Card("Forgotten", figure, tone, lines, "#metrics", "all metrics")


def _lost(tasks: list[ComparisonResult]) -> str:
    worse = sum(classify_change(row) == "worse" for row in tasks)
    return f"{worse} of {plural(len(tasks), 'task')} clearly worse"


def _tone(row: ComparisonResult) -> Tone:
    return _TONES.get(classify_change(row), "flat")


def _proof(view: RunView, row: ComparisonResult) -> tuple[str, str]:
    """Where the answers behind a figure stand: (link, its text)."""
    if view.run is not None and not view.run.items_path(row.evaluation).is_file():
        return "#metrics", "all metrics"
    text = "texts" if view.evaluations[row.evaluation].kind == LANGUAGE_MODELLING else "items"
    return f"#items&eval={quote(row.evaluation, safe='')}", f"see the {text}"


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
        why = undefined_reason(view, pair, "probe")
        line = f"Not comparable: {why}." if why else "No probe compares these two models."
        return Card("Bias", "–", "flat", [line], "#bias", "all probes")
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
    trained = bool(cost.seconds or cost.steps or cost.tokens)
    what = f"training of {pair.candidate}" if trained else f"{pair.candidate} was not trained in this run"
    parent = view.models[pair.candidate].parent
    before = view.cost(parent).seconds if parent in view.models and parent is not None else None
    if before:
        what += f", after {number_format.seconds(before)} of {parent}"
    sizes = []
    if cost.parameters:
        some = cost.trainable is not None and cost.trainable < cost.parameters
        sizes.append(f"{number_format.count(cost.parameters)} parameters")
        sizes += [f"{number_format.count(cost.trainable)} trained"] if some else []
    sizes += [plural(cost.seeds, "training seed")] if trained else []
    lines = [what, *([" · ".join(sizes)] if sizes else []), *_timed(view, pair)]
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
