"""junit.xml: one test case per gate, with names that stay the same from run to run.

A blocking gate that fails is a failure of type `gate.regression`, one that cannot be decided of
type `gate.inconclusive`, one in error is an error. A gate that does not block (a warning, a waiver)
and did not pass is `skipped`, with its sentence: so the file agrees with the exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from harness.report.formats.gate_locations import line_of, suite_file
from harness.report.sections.summary.decision import decision, lead_pair
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.sections.summary.gate_table import gate_figure, gate_margin, gate_unit
from harness.report.sections.summary.summary_cards import cards
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import one_line, visible
from harness.schema.results.number_format import amount
from harness.schema.results.results_file import Results
from harness.schema.results.verdicts import GateResult
from harness.schema.run_info import RunInfo, earlier_mark

_TYPES = {"fail": "gate.regression", "inconclusive": "gate.inconclusive", "error": "gate.error"}


def junit_xml(results: Results, info: RunInfo | None = None, root: Path | None = None) -> bytes:
    """The gates as JUnit XML, UTF-8; its times are the run's, so that a run always gives the same bytes.

    Args:
        info, root: the run and the checkout, for the suite's path beside every case (`file`, as GitLab shows it).
    """
    file = suite_file(info, root or Path.cwd())
    view = RunView(results, info)
    cases = [_case(view, gate, file) for gate in results.gates] or [_no_gates(results)]
    for case, gate in zip(cases, results.gates, strict=False):
        case.set("time", f"{_seconds_of(gate, info):.3f}")
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    whole = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(whole, "testsuite", {"name": one_line(f"harness.{results.suite}"), **attributes})
    if info is not None:
        suite.set("timestamp", info.started.split("+")[0].removesuffix("Z")[:19])
        suite.set("time", f"{_duration(info):.3f}")
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(view).items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": one_line(value)})
    suite.extend(cases)
    ElementTree.indent(whole)
    text = ElementTree.tostring(whole, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _properties(view: RunView) -> dict[str, str]:
    """What the run was and the words of the report's first screen, for the systems that show it beside the cases."""
    results, info = view.results, view.info
    facts = {
        "harness.verdict": results.verdict.overall,
        "harness.exit_code": str(results.verdict.exit_code),
        "harness.suite_digest": results.suite_digest,
        "harness.seed": str(results.seed),
        "harness.baseline": results.baseline,
        "harness.release": ", ".join(results.release),
        "harness.policies": "; ".join(policy.sentence for policy in results.policies),
    }
    pair = lead_pair(view)
    facts["harness.decision"] = decision(view, gate_rows(view)).sentence
    facts |= {f"harness.{card.title.lower()}": card.one_line for card in cards(view, pair)} if pair is not None else {}
    if info is not None:
        facts |= {"harness.run_id": info.run_id, "harness.version": str(info.versions.get("harness", ""))}
        mark = earlier_mark(info)
        facts |= {"harness.run": mark} if mark is not None else {}
    return {name: value for name, value in facts.items() if value}


def _duration(info: RunInfo) -> float:
    """Seconds from start to finish; 0 where the run does not say."""
    try:
        ends = [datetime.fromisoformat(time) for time in (info.started, info.finished or info.started)]
        return max(0.0, (ends[1] - ends[0]).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _seconds_of(gate: GateResult, info: RunInfo | None) -> float:
    """Seconds of asking the models that a gate is about; 0 where they were not measured."""
    evaluations = {metric.partition(".")[0] for metric in gate.metrics}
    asked = [info.asking.get(evaluation, {}) for evaluation in sorted(evaluations)] if info is not None else []
    models = {gate.model, gate.baseline} - {None}
    return sum(seconds.get(model, 0.0) for seconds in asked for model in models if model is not None)


def _no_gates(results: Results) -> ElementTree.Element:
    """A skipped case for a suite without gates: an empty file reads as a green one."""
    case = ElementTree.Element("testcase", {"classname": one_line(f"harness.{results.suite}"), "name": "no gates"})
    ElementTree.SubElement(case, "skipped", {"message": one_line(results.verdict.sentence)})
    return case


def _case(view: RunView, gate: GateResult, file: str | None) -> ElementTree.Element:
    name = gate.id + (f"[{gate.slice}]" if gate.slice else "")
    classname = ".".join(["harness", view.results.suite, *([gate.model] if gate.model else [])])
    attributes = {"classname": one_line(classname), "name": one_line(name)}
    if file is not None:
        attributes["file"] = one_line(file)
        line = line_of(gate)
        attributes |= {"line": str(line)} if line is not None else {}
    case = ElementTree.Element("testcase", attributes)
    message = one_line(gate.sentence)
    if gate.verdict == "error" and gate.blocking:
        _outcome(view, case, "error", message, gate)
    elif gate.verdict != "pass" and gate.blocking:
        _outcome(view, case, "failure", message, gate)
    elif gate.verdict != "pass":
        why = one_line(gate.waiver) if gate.waiver else f"severity {gate.severity}"
        _outcome(view, case, "skipped", f"{gate.verdict}, non-blocking ({why}): {message}", gate)
    else:
        ElementTree.SubElement(case, "system-out").text = _details(view, gate)
    return case


def _outcome(view: RunView, case: ElementTree.Element, tag: str, message: str, gate: GateResult) -> None:
    attributes = {"message": message, **({"type": _TYPES[gate.verdict]} if tag != "skipped" else {})}
    ElementTree.SubElement(case, tag, attributes).text = _details(view, gate)


def _details(view: RunView, gate: GateResult) -> str:
    facts = {
        "metric": gate.metric,
        "kind": gate.kind,
        "baseline": gate.baseline,
        "observed": None if gate.observed is None else gate_figure(view, gate, gate.observed),
        "bound": None if gate.bound is None else gate_figure(view, gate, gate.bound),
        "margin": None if gate.margin is None else gate_margin(view, gate),
        "alpha": gate.alpha,
        "n": gate.n,
        "minimum detectable effect": None if gate.mde is None else amount(gate.mde, gate_unit(view, gate)),
        "required n (approx.)": gate.required_n,
        "waiver": gate.waiver,
        "where": gate.where,
        "policy": gate.policy,
    }
    lines = [f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}"
             for name, value in facts.items() if value is not None]  # fmt: skip
    own = map(one_line, [gate.sentence, *lines])
    return visible("\n".join([*own, *_members(gate.members, "  ")]))


def _members(members: Sequence[GateResult], indent: str) -> Iterator[str]:
    """A composition's members, one line each, nested ones below."""
    for member in members:
        name = member.id + (f"[{member.slice}]" if member.slice else "")
        yield f"{indent}{member.verdict} {one_line(name)}: {one_line(member.sentence)}"
        yield from _members(member.members, indent + "  ")
