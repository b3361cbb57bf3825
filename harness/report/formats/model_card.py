"""model-card.md: figures of the release models with Hugging Face `model-index` metadata."""

from __future__ import annotations

import json
import math
from typing import Any

from harness.report.formats.summary import card_lines
from harness.report.sections.summary.decision import decision, lead_pair
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.view.run_view import RunView
from harness.report.wording.safe_text import markdown as md
from harness.report.wording.safe_text import one_line, plural
from harness.schema.hub_metrics import HUB_METRICS
from harness.schema.probe_calibration import kind_of_model, validity
from harness.schema.results import number_format
from harness.schema.results.absences import behind_metric
from harness.schema.results.inputs import EvaluationResult, ModelResult
from harness.schema.results.metrics import MetricResult
from harness.schema.results.results_file import Results
from harness.schema.run_info import RunInfo, earlier_sentence

_TASKS = {"classification": "text-classification", "language_modeling": "fill-mask"}


def model_card(results: Results, info: RunInfo | None) -> str:
    """One card with one `model-index` entry per release model."""
    view = RunView(results, info)
    models = [view.models[name] for name in results.release if name in view.models]
    index = [entry for model in models if (entry := _index_entry(view, model))["results"]]
    head: dict[str, Any] = {"tags": ["harness"]}
    if index:
        head["model-index"] = index
    lines = ["---", *_yaml(head), "---", ""]
    for model in models:
        lines += _card(view, model)
    if not models:
        lines += ["This suite releases no model.", ""]
    return "\n".join(lines)


def _index_entry(view: RunView, model: ModelResult) -> dict[str, Any]:
    entries = []
    for name, evaluation in view.evaluations.items():
        rows = [
            row
            for row in _rows(view, model, name)
            if row.interval.value is not None and math.isfinite(row.interval.value)
        ]
        if rows:
            data = ", ".join(evaluation.data) or name
            entries.append(
                {
                    "task": {
                        "type": _TASKS.get(evaluation.kind, "other"),
                        "name": f"{evaluation.name} ({evaluation.kind})",
                    },
                    "dataset": {"type": data, "name": data, "split": evaluation.split},
                    "metrics": [_metric(row) for row in rows],
                }
            )
    return {"name": model.name, "results": entries}


def _rows(view: RunView, model: ModelResult, evaluation: str) -> list[MetricResult]:
    return [
        row
        for row in view.results.metrics
        if (row.model, row.evaluation, row.slice, row.status) == (model.name, evaluation, None, "ok")
    ]


def _metric(row: MetricResult) -> dict[str, Any]:
    type_, arguments = HUB_METRICS.get(row.metric, (row.metric, {}))
    facts: dict[str, Any] = {**arguments, "unit": row.unit, "n": row.n, "protocol": row.protocol}
    if row.interval.low is not None and row.interval.high is not None:
        facts |= {"low": row.interval.low, "high": row.interval.high, "confidence": row.interval.confidence}
    return {"type": type_, "name": row.metric, "value": row.interval.value, "args": facts}


def _card(view: RunView, model: ModelResult) -> list[str]:
    lines = [
        f"# {md(model.name, 80)}",
        "",
        f"{md(model.label, 300)}." + (f" Built from {md(model.parent, 80)}." if model.parent else ""),
        f"Weights digest: {md(model.digest, 80)}.",
        "",
    ]
    for contest in view.contests:
        if contest.candidate == model.name and contest.release:
            lines += [f"## Changes from {md(contest.baseline, 80)}", ""]
            if contest == lead_pair(view):
                lines += [md(decision(view, gate_rows(view)).sentence, 400), ""]
            lines += card_lines(view, contest)
    for name, evaluation in view.evaluations.items():
        lines += _table(evaluation, _rows(view, model, name))
    used = set(view.cost(model.name).data) | {
        data for evaluation in view.results.evaluations for data in evaluation.data
    }
    lines += ["## Data", ""]
    for data in view.results.data:
        if data.name in used:
            rows = ", ".join(f"{md(split, 40)} {n:,}" for split, n in data.rows.items())
            lines.append(f"- {md(data.name, 80)}: {rows}; license {md(data.license or 'not stated', 120)}")
    lines += ["", "## Limits", ""]
    earlier = earlier_sentence(view.info) if view.info is not None else None
    notes = [*([earlier] if earlier is not None else []), *view.results.notes, *_caveats(view, model)]
    lines += [f"- {md(note, 400)}" for note in notes] or ["- None were recorded."]
    return [*lines, ""]


def _caveats(view: RunView, model: ModelResult) -> list[str]:
    """Caveats of what the model was asked, then the probes that are not validated for models of its kind."""
    rows = [row for row in view.results.metrics if row.model == model.name and row.slice is None]
    probed = [row for row in rows if view.evaluations[row.evaluation].role == "probe"]
    marked: dict[str, list[str]] = {}
    for row in probed:
        kind = kind_of_model(row.protocol, model.facts.get("language_model"))
        told = validity(
            view.evaluations[row.evaluation].kind,
            row.metric,
            row.direction,
            kind,
            role=view.meaning(row.evaluation, row.metric).role,
        )
        if told is not None and not told.valid:
            marked.setdefault(told.sentence, []).append(row.id)
    caveats = [
        f"{evaluation.name}: {caveat}"
        for evaluation in view.results.evaluations
        if model.name in evaluation.protocols
        for caveat in evaluation.caveats
    ]
    return [*caveats, *(f"{', '.join(ids)}: {sentence}" for sentence, ids in marked.items())]


def _table(evaluation: EvaluationResult, rows: list[MetricResult]) -> list[str]:
    if not rows:
        return []
    lines = [
        f"## {md(evaluation.name, 80)} ({md(evaluation.kind, 40)}, {plural(evaluation.n, 'item')})",
        "",
        "| metric | value | interval | n | protocol |",
        "|---|--:|--:|--:|---|",
    ]
    for row in rows:
        missing = behind_metric(row, {evaluation.name: evaluation})
        cells = [
            md(row.metric, 80),
            number_format.level(row.interval.value, row.unit, row.interval.low, row.interval.high),
            number_format.interval(row.interval.low, row.interval.high, row.unit, sign=False),
            number_format.sample_size(row.n, row.n_eff) + (f" ({md(missing, 120)})" if missing else ""),
            md(row.protocol, 60),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _yaml(value: Any, indent: str = "") -> list[str]:
    """Block YAML that YAML 1.1 and 1.2 read alike: strings quoted, numbers without exponents."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list):
                lines += [f"{indent}{key}:", *_yaml(item, indent + "  ")]
            else:
                lines.append(f"{indent}{key}: {_scalar(item)}")
    else:
        for item in value:
            if isinstance(item, dict | list):
                first, *rest = _yaml(item, indent + "  ")
                lines += [f"{indent}- {first.lstrip()}", *rest]
            else:
                lines.append(f"{indent}- {_scalar(item)}")
    return lines


def _scalar(value: object) -> str:
    if isinstance(value, float):
        text = f"{value:.8f}".rstrip("0")
        return text + "0" if text.endswith(".") else text
    return json.dumps(one_line(value), ensure_ascii=False) if isinstance(value, str) else json.dumps(value)
