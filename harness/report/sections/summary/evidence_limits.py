"""A few lines about what the evidence cannot show: power, seeds, clusters, a choice, waivers, attempts."""

from __future__ import annotations

from harness.report.sections.summary.decision import lead_of, lead_pair
from harness.report.view.run_view import RunView
from harness.report.wording.narrative import seeds_said
from harness.report.wording.safe_text import plural
from harness.schema.results import number_format
from harness.schema.run_info import attempt_sentence


def evidence_limits(view: RunView) -> list[str]:
    """The lines, in this order; one that has nothing to say is left out."""
    pair = lead_pair(view) or next(iter(view.contests), None)
    lead = lead_of(view, pair) if pair is not None else None
    lines = []
    if lead is not None and lead.mde is not None:
        what = view.short(lead.evaluation, lead.metric)
        amount = number_format.amount(lead.mde, lead.unit)
        lines.append(f"Power: the smallest change in {what} that {plural(lead.n, 'item')} would find is {amount}.")
    if pair is not None and pair.candidate in view.models and view.models[pair.candidate].training:
        lines.append(f"Seeds: {seeds_said(view, pair)}")
    if lead is not None:
        effective = "" if lead.n_eff is None else f", worth {plural(round(lead.n_eff), 'independent item')}"
        unit = view.evaluations[lead.evaluation].cluster_unit or "item"
        lines.append(f"Clusters: {lead.evaluation} has {plural(lead.clusters, 'cluster')} by {unit}{effective}.")
    choice = view.results.choice
    if choice is not None and choice.winner is not None:
        lines.append(f"Choice: {choice.sentence}")
    lines.append(f"Waivers and open gates: {_gates(view)}.")
    lines.append(f"Attempts: {_attempts(view)}")
    return lines


def _gates(view: RunView) -> str:
    waived = [gate.id for gate in view.results.gates if gate.waiver is not None]
    unclear = list(dict.fromkeys(gate.id for gate in view.results.gates if gate.verdict == "inconclusive"))
    first = f"{plural(len(waived), 'waiver')} ({', '.join(waived)})" if waived else "no waiver"
    return f"{first}; {plural(len(unclear), 'gate')} inconclusive" + (f" ({', '.join(unclear)})" if unclear else "")


def _attempts(view: RunView) -> str:
    if view.info is None:
        return "the run directory does not say."
    if view.info.lock is not None:
        return attempt_sentence(view.info.lock)
    return f"{plural(view.info.attempts, 'attempt')} of this run; no lock file counts the looks at the test data."
