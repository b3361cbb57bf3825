"""Prompting or fine-tuning: which is the better choice for four kinds of use, by this run's figures alone.

"Prompting" is the baseline as it is asked without training for the task (or a model of the suite that is
prompted with examples); "fine-tuning" is a release model.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.sections.summary.decision import TRAINED_ON_WORDS
from harness.report.view.comparison_reading import classify_change
from harness.report.view.kept_abilities import kept_tasks
from harness.report.view.run_view import COMPLETIONS, LANGUAGE_MODELLING, RunView
from harness.report.wording.narrative import change
from harness.schema.results import number_format
from harness.schema.results.metrics import ComparisonResult

PROMPTED = "prompt"


@dataclass(frozen=True, slots=True)
class Advice:
    """One use: `choice` is `fine-tuning`, `prompting`, `either` or `undecided`."""

    use: str
    what: str
    choice: str
    why: list[str]


def advice(view: RunView) -> list[Advice]:
    """Four rows for the first release model; none without a release model that was trained here."""
    release = next((name for name in view.results.release if name in view.models), None)
    if release is None or view.models[release].made_by == PROMPTED:
        return []
    prompted = _prompted(view)
    if prompted in view.models and view.models[prompted].made_by in TRAINED_ON_WORDS:
        return []  # a rule or word counts are no model that could be prompted
    rows = [
        row
        for row in view.results.comparisons
        if row.slice is None and row.candidate == release and row.baseline == prompted and row.status == "ok"
    ]
    leads = _leads(view, rows)
    return [
        _adhoc(view, release, leads),
        _structured(view, release, leads),
        _domain(view, release, leads),
        _cost(view, release, prompted, leads),
    ]


def _prompted(view: RunView) -> str:
    made = [model.name for model in view.results.models if model.made_by == PROMPTED]
    return made[0] if made else view.results.baseline


def _leads(view: RunView, rows: list[ComparisonResult]) -> dict[str, ComparisonResult]:
    """The leading comparison of each task."""
    out: dict[str, ComparisonResult] = {}
    for name, evaluation in view.evaluations.items():
        own = [row for row in rows if row.evaluation == name]
        lead = evaluation.metrics[0].split("[")[0] if evaluation.metrics else ""
        own.sort(key=lambda row: row.metric.split("[")[0] != lead)
        if own and evaluation.role == "task" and evaluation.kind != COMPLETIONS:
            out[name] = own[0]
    return out


def _adhoc(view: RunView, release: str, leads: dict[str, ComparisonResult]) -> Advice:
    use, what = "Ad-hoc use", "many different questions, each used a few times"
    learned = set(view.cost(release).data)
    kept = _kept(view, release)
    other = {
        name: row for name, row in leads.items() if name in kept and not learned & set(view.evaluations[name].data)
    }
    if not other:
        return Advice(use, what, "undecided", ["No evaluation goes beyond the training data."])
    why = [f"{row.id} {change(row)}." for row in other.values()]
    if any(classify_change(row) == "worse" for row in other.values()):
        return Advice(use, what, "prompting", [*why, "Training for one task made the model worse elsewhere."])
    cost = view.cost(release).seconds
    paid = f"Training took {number_format.seconds(cost)}, which a few requests do not recover." if cost else ""
    return Advice(use, what, "prompting" if paid else "either", [*why, paid] if paid else why)


def _kept(view: RunView, release: str) -> set[str]:
    return {name for pair in view.contests if pair.candidate == release for name in kept_tasks(view, pair)}


def _structured(view: RunView, release: str, leads: dict[str, ComparisonResult]) -> Advice:
    use, what = "Repeated structured tasks", "the same kind of request many times"
    kept = _kept(view, release)
    tasks = [
        row for name, row in leads.items() if view.evaluations[name].kind != LANGUAGE_MODELLING and name not in kept
    ]
    return Advice(
        use, what, _choice(tasks), [f"{row.id} {change(row)}." for row in tasks] or ["No task compares the two models."]
    )


def _domain(view: RunView, release: str, leads: dict[str, ComparisonResult]) -> Advice:
    use, what = "Domain knowledge", "texts like the training data"
    learned = set(view.cost(release).data)
    rows = [
        row
        for name, row in leads.items()
        if view.evaluations[name].kind == LANGUAGE_MODELLING and learned & set(view.evaluations[name].data)
    ]
    meaning = {"better": "It predicts such texts better.", "worse": "It predicts such texts worse than before."}
    why = [f"{row.id} {change(row)}. {meaning.get(classify_change(row), '')}".strip() for row in rows]
    return Advice(use, what, _choice(rows), why or ["No language-modeling task uses the training data."])


def _choice(rows: list[ComparisonResult]) -> str:
    kinds = {classify_change(row) for row in rows}
    if "better" in kinds and "worse" not in kinds:
        return "fine-tuning"
    if "worse" in kinds and "better" not in kinds:
        return "prompting"
    return "either" if kinds == {"identical"} else "undecided"


def _cost(view: RunView, release: str, prompted: str, leads: dict[str, ComparisonResult]) -> Advice:
    use, what = "Cost-sensitive deployment", "every request costs money"
    for name in leads:
        if view.evaluations[name].kind == LANGUAGE_MODELLING:
            continue
        paid_back = measured_times(view, name, prompted, release)
        if paid_back is not None:
            return Advice(use, what, *paid_back)
    why = "This run did not measure the time per request for both models."
    return Advice(use, what, "undecided", [why])


def measured_times(view: RunView, evaluation: str, prompted: str, release: str) -> tuple[str, list[str]] | None:
    """(choice, sentences) from the measured time of asking; None where it was not measured.

    A single timing of either has no interval, so no number of requests is given after which training pays off.
    """
    slow, fast = seconds_per_item(view, evaluation, prompted), seconds_per_item(view, evaluation, release)
    training = view.cost(release).seconds
    if slow is None or fast is None or not training:
        return None
    each = (
        f"On {evaluation}, {prompted} takes {_milli(slow)} per item and {release} takes {_milli(fast)}; "
        f"training took {number_format.seconds(training)}."
    )
    if slow <= fast:
        return "prompting", [each, "Training does not pay off in time, only in quality."]
    return "undecided", [each, "These are single timings on this machine; the table of costs shows their spread."]


def seconds_per_item(view: RunView, evaluation: str, model: str) -> float | None:
    """Wall time of asking by item, without loading the model; None where it was not measured."""
    items = view.evaluations[evaluation].n if evaluation in view.evaluations else 0
    seconds = view.info.asking.get(evaluation, {}).get(model) if view.info is not None else None
    return seconds / items if seconds and items else None


def _milli(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"
