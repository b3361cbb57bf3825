"""The decision in one word and one sentence, its counts, and what a reader must know before trusting it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.sections.bias.probe_sections import validities
from harness.report.sections.summary.gate_rows import GateRow
from harness.report.sections.summary.gate_table import is_on
from harness.report.view.comparison_reading import classify_change
from harness.report.view.kept_abilities import kept_tasks
from harness.report.view.run_view import ModelPair, RunView
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult
from harness.schema.results.seed_aggregation import of_recipe

MOST_WORDS = 20
_REASONS = 4
TRAINED_ON_WORDS = ("heuristic", "classical")
"""How baselines are made that no language model should lose to: rules and word counts."""


@dataclass(frozen=True, slots=True)
class Chip:
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons`: (verdict, text) of the gates that did not pass, those that decide first."""

    sentence: str
    chips: list[Chip]
    reasons: list[tuple[str, str]]


def lead_pair(view: RunView) -> ModelPair | None:
    """The pair that the decision is about: the first release model with its baseline."""
    return next((pair for pair in view.contests if pair.release), None)


def lead_of(view: RunView, pair: ModelPair) -> ComparisonResult | None:
    """The leading comparison of a pair's first task that has one, else of its first probe."""
    rows = [row for name in view.evaluations if (row := view.headline(pair, name)) is not None and row.status == "ok"]
    order = ("gained", "forgotten", "bias", "calibration")
    kept = kept_tasks(view, pair)
    rows.sort(
        key=lambda row: order.index("forgotten" if row.evaluation in kept else view.group(row.evaluation, row.metric))
    )
    return rows[0] if rows else None


def against(view: RunView, row: ComparisonResult) -> str:
    """What a comparison was made with: `base`, or `base at its best (linear)`."""
    own = view.results.baseline
    best = row.baseline == view.baseline_of(row.evaluation) != own
    return f"{own} at its best ({row.baseline})" if best else row.baseline


def decision(view: RunView, rows: list[GateRow]) -> Decision:
    """What the first screen says of the verdict."""
    pair = lead_pair(view)
    lead = lead_of(view, pair) if pair is not None else None
    return Decision(_sentence(view, lead), _chips(view, pair, lead), _reasons(rows))


def _sentence(view: RunView, lead: ComparisonResult | None) -> str:
    """At most 20 words: who was compared with what, by which figure, and what the blocking gates say."""
    tail = _tail(view)
    if lead is None:
        who = ", ".join(view.results.release) or "no release model"
        return _short([f"{who}: nothing was compared with {view.results.baseline}; {tail}.", f"{tail}."])
    row = of_recipe(lead)
    low, high = row.delta.low, row.delta.high
    levels = [number_format.level(value, row.unit, low, high) for value in (row.baseline_value, row.candidate_value)]
    moved = f"{number_format.difference(row.delta.value, row.unit, low, high)} {number_format.shown_unit(row.unit)}"
    size = " → ".join(levels) if None not in (row.baseline_value, row.candidate_value) else moved.strip()
    kind = {"better": "clearly better", "worse": "clearly worse", "unclear": "no clear change"}
    reading = kind.get(classify_change(lead), classify_change(lead))
    metric, base = view.short(row.evaluation, row.metric), against(view, row)
    return _short(
        [
            f"{row.candidate} against {base}: {metric} {size}, {reading}; {tail}.",
            f"{row.candidate} against {base}: {metric} {size}, {reading}.",
            f"{row.candidate} against {base}: {size}, {reading}; {tail}.",
            f"{row.candidate} against {row.baseline}: {size}; {tail}.",
            f"{row.candidate} against {row.baseline}: {size}.",
        ]
    )


def _short(texts: list[str]) -> str:
    fitting = [text for text in texts if len(text.split()) <= MOST_WORDS]
    return fitting[0] if fitting else " ".join(texts[-1].split()[:MOST_WORDS])


def _tail(view: RunView) -> str:
    gates = [gate for gate in view.results.gates if gate.blocking]
    if not gates:
        return "no gate blocks" if view.results.gates else "nothing was judged"
    for verdict, verb in (("error", "could not be judged"), ("fail", "fail"), ("inconclusive", "inconclusive")):
        count = sum(gate.verdict == verdict for gate in gates)
        if count:
            verb = "fails" if verb == "fail" and count == 1 else verb
            return f"{count} of {plural(len(gates), 'blocking gate')} {verb}"
    return f"{'the' if len(gates) == 1 else f'all {len(gates)}'} blocking gate{'s' * (len(gates) > 1)} passed"


def _chips(view: RunView, pair: ModelPair | None, lead: ComparisonResult | None) -> list[Chip]:
    chips = []
    for blocking, name in ((True, "blocking"), (False, "advisory")):
        gates = [gate for gate in view.results.gates if gate.blocking == blocking]
        passed = sum(gate.verdict == "pass" for gate in gates)
        failed = any(gate.verdict in ("fail", "error") for gate in gates)
        kind = "pass" if passed == len(gates) else "fail" if failed and blocking else "warn"
        chips += [Chip(f"{name} {passed}/{len(gates)}", kind)] if gates else []
    if pair is not None:
        seeds = view.cost(pair.candidate).seeds if pair.candidate in view.models else 1
        chips.append(Chip("single seed" if seeds == 1 else f"{seeds} seeds"))
    if lead is not None:
        chips.append(Chip(f"{plural(lead.n, 'item')} · {plural(lead.clusters, 'cluster')}"))
    return chips


def _reasons(rows: list[GateRow]) -> list[tuple[str, str]]:
    open_rows = [row for row in rows if row.gate.verdict != "pass"]
    reasons: list[tuple[str, str]] = []
    for row in open_rows[:_REASONS]:
        before, after = row.levels
        figure = f"{before} → {after}" if before else after
        limit = f", limit {row.limit}" if row.limit not in ("", "–") else ""
        figures = row.drawn is not None and not row.drawn.inside
        what = f"{row.what}: {figure}{limit}" if figures else row.gate.sentence
        reasons.append((row.gate.verdict, f"{row.name}: {what}"))
    more = len(open_rows) - _REASONS
    return [*reasons, ("", f"{plural(more, 'further gate')} did not pass")] if more > 0 else reasons


def true_warnings(view: RunView) -> list[str]:
    """What would mislead a reader who does not know it; empty where nothing does."""
    pair = lead_pair(view)
    return [
        *_trained_on(view),
        *(_unbeaten(view, pair) if pair is not None else []),
        *(_disagreement(view, pair) if pair is not None else []),
        *(_protocols(view, pair) if pair is not None else []),
        *_chosen(view),
        *_limited(view),
        *_instruments(view),
        *_selftest(view),
    ]


def _chosen(view: RunView) -> list[str]:
    """That a model was chosen on the data that judges it."""
    choice = view.results.choice
    return [choice.sentence] if choice is not None and choice.paid and choice.winner is not None else []


def _limited(view: RunView) -> list[str]:
    limit = view.results.limit
    return [f"Limited to {plural(limit, 'item')} per evaluation: a trial run."] if limit is not None else []


def _trained_on(view: RunView) -> list[str]:
    names = [evaluation.name for evaluation in view.results.evaluations if evaluation.unknown_training is not None]
    return [f"Rows possibly trained on: {', '.join(names)}."] if names else []


def gate_shows_better(view: RunView, row: ComparisonResult) -> bool:
    """Whether a gate of the suite decides that the candidate is better: its one-sided bound is narrower than the
    interval, and a warning never contradicts a verdict."""
    pair = (row.baseline, row.candidate, row.slice)
    return any(
        gate.kind == "superiority"
        and gate.verdict == "pass"
        and is_on(gate, row.id)
        and (gate.baseline, gate.model, gate.slice) == pair
        for gate in view.results.gates
    )


def _unbeaten(view: RunView, pair: ModelPair) -> list[str]:
    texts = []
    for other in view.contests:
        made = view.models[other.baseline].made_by if other.baseline in view.models else ""
        if other.candidate != pair.candidate or other.main or made not in TRAINED_ON_WORDS:
            continue
        for name, evaluation in view.evaluations.items():
            row = view.headline(other, name) if evaluation.role == "task" else None
            if row is None or row.status != "ok" or classify_change(row) == "better" or gate_shows_better(view, row):
                continue
            ends = (row.delta.low, row.delta.high)
            ours, theirs = (
                number_format.level(value, row.unit, *ends) for value in (row.candidate_value, row.baseline_value)
            )
            texts.append(f"{other.baseline} is not beaten on {name}: {theirs} against {ours}.")
    return texts


def _disagreement(view: RunView, pair: ModelPair) -> list[str]:
    """The main metric and the next one of the answers (their mean over labels, say) move in opposite directions."""
    texts = []
    for name, evaluation in view.evaluations.items():
        if evaluation.role != "task" or not evaluation.labels:
            continue
        rows = [
            row
            for row in view.comparisons(pair, evaluation=name)
            if row.status == "ok"
            and row.improvement is not None
            and "[" not in row.metric
            and view.meaning(name, row.metric).aspect == "quality"
        ][:2]
        if len(rows) < 2 or not any(classify_change(row) in ("better", "worse") for row in rows):
            continue
        first, second = rows
        if (first.improvement or 0.0) * (second.improvement or 0.0) < 0:
            moves = [
                f"{view.short(name, row.metric)} {number_format.difference(row.delta.value, row.unit)}" for row in rows
            ]
            texts.append(f"Metrics disagree on {name}: {', '.join(moves)} points.")
    return texts


def _protocols(view: RunView, pair: ModelPair) -> list[str]:
    texts = []
    for name, evaluation in view.evaluations.items():
        row = view.headline(pair, name) if evaluation.role == "task" else None
        if row is not None and row.status == "ok" and row.baseline_protocol != row.candidate_protocol:
            texts.append(
                f"Different protocols on {name}: {row.baseline} by {row.baseline_protocol}, "
                f"{row.candidate} by {row.candidate_protocol}."
            )
    return texts


def _instruments(view: RunView) -> list[str]:
    """Probes whose word lists do not fit the texts, and probes that no planted world has validated."""
    foreign = [
        evaluation.name
        for evaluation in view.results.evaluations
        if any("not to be in English" in caveat for caveat in evaluation.caveats)
    ]
    untested: dict[str, list[str]] = {}
    for evaluation in view.results.evaluations:
        if evaluation.role != "probe":
            continue
        own = [row for row in view.results.metrics if row.evaluation == evaluation.name]
        lead = next((row.id for row in own if view.harms(evaluation.name, row.metric)), None)
        for known in validities(view, lead) if lead is not None else []:
            if not known.valid:
                untested.setdefault(known.model, []).append(evaluation.name)
    texts = [f"Texts are not in English, which these probes are made for: {', '.join(foreign)}."] if foreign else []
    return [*texts, *(f"Not validated for {model} models: {', '.join(names)}." for model, names in untested.items())]


def _selftest(view: RunView) -> list[str]:
    known = view.results.selftest
    if known is None:
        return []
    alarms = [alarm for alarm in known.false_alarms if alarm.rate is not None and not alarm.nominal]
    wrong = [f"{alarm.evaluation}.{alarm.metric}" for alarm in alarms]
    loose = list(dict.fromkeys(bound.gate for bound in known.bounds if bound.holds is False))
    texts = [f"The self-test finds a test with too many false alarms: {', '.join(wrong[:3])}."] if wrong else []
    return [*texts, *([f"The bound does not hold on these records: {', '.join(loose[:3])}."] if loose else [])]
