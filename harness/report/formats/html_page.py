"""report.html: one file, no network, every foreign text escaped."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from harness.report.formats.inline_parts import digest, embed
from harness.report.formats.page_environment import TABS, environment, source
from harness.report.sections.bias.audit_tables import audits
from harness.report.sections.bias.bias_rows import bias_rows
from harness.report.sections.bias.mitigation_table import mitigations
from harness.report.sections.bias.probe_sections import probes
from harness.report.sections.items.item_browser import Loaded, browsers, load
from harness.report.sections.items.item_examples import examples
from harness.report.sections.metrics.class_balances import class_balances
from harness.report.sections.metrics.label_tables import calibration, confusions
from harness.report.sections.metrics.overview import overview
from harness.report.sections.metrics.slice_tables import slice_tables
from harness.report.sections.metrics.threshold_curves import threshold_curves
from harness.report.sections.models_and_cost.dose_curves import series
from harness.report.sections.models_and_cost.prompt_completions import completions
from harness.report.sections.models_and_cost.prompting_advice import advice
from harness.report.sections.models_and_cost.shared_cost import shares
from harness.report.sections.models_and_cost.timings import timings
from harness.report.sections.models_and_cost.training_curves import training
from harness.report.sections.outside_sections import outside_sections
from harness.report.sections.run_files import files
from harness.report.sections.summary.decision import decision, true_warnings
from harness.report.sections.summary.evidence_limits import evidence_limits
from harness.report.sections.summary.forest_plot import leading_forest
from harness.report.sections.summary.gate_rows import gate_rows
from harness.report.sections.summary.summary_cards import cards
from harness.report.sections.summary.tradeoff import tradeoff
from harness.report.view.model_cost import asking_costs
from harness.report.view.run_view import ModelPair, RunView
from harness.report.web.deferred_sections import DeferredSections
from harness.report.wording.glossary import GLOSSARY
from harness.storage.run_dir import RunDir

SMALL_PAGE, LARGE_PAGE = 1_000_000, 10_000_000
BYTES_PER_ITEM = 100
"""A page may have this many bytes for every item of the run, within the two limits above."""
_IDS = re.compile(r'<section id="([\w-]+)"')
_INDENT = re.compile(r"\n\s+")
_MARGIN, _LEAST, _LIVE = 12_000, 50_000, 300_000


def render_html(run: RunDir) -> str:
    """The page as text; the same files give the same bytes.

    Raises:
        DataError: when results.json, run.json, records or items are missing or damaged.
    """
    return render_view(RunView.open(run))


def page_limit(view: RunView) -> int:
    """Bytes that the page may have: 1 MB for small runs, 10 MB for those of 100,000 items and more."""
    items = sum(evaluation.n for evaluation in view.results.evaluations if evaluation.role != "cost")
    return max(SMALL_PAGE, min(LARGE_PAGE, items * BYTES_PER_ITEM))


def render_view(view: RunView, *, live: bool = False) -> str:
    """The page of a run that has been read.

    Args:
        live: for `harness serve`: texts that do not fit are asked of the server that sent the page.
    """
    loaded = load(view)
    deferred = DeferredSections.of(view)
    context = {**_context(view, loaded), "browsable": bool(loaded), "deferred": deferred}
    summary, *tabs = (
        environment().get_template(f"tab_{name}.html.j2").render(**context, tab=name).strip() for name, _ in TABS
    )
    later = deferred.compressed({name: text for (name, _), text in zip(TABS[1:], tabs, strict=True)})
    style, script = _tight(source("report.css")), _tight(_script())
    rest = len(summary.encode()) + len(later) + len(style) + len(script) + _MARGIN
    items = browsers(loaded, _LIVE if live else max(_LEAST, page_limit(view) - rest))
    payload = {
        "items": [browser.head for browser in items],
        "pairs": [_pair(view, pair) for pair in view.contests],
        "places": {place: name for (name, _), text in zip(TABS[1:], tabs, strict=True) for place in _IDS.findall(text)},
        "terms": GLOSSARY,
        "live": live,
        "later": later,
    }
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            results=view.results,
            info=view.info,
            summary=Markup(summary),
            blobs=[embed({"columns": browser.columns, "texts": browser.texts}) for browser in items],
            data=embed(payload),
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script, live),
        )
    )


def _pair(view: RunView, pair: ModelPair) -> dict[str, Any]:
    """A pair as the page's two lists of models show it."""
    best = pair.main and any(view.baseline_of(name) != view.results.baseline for name in view.evaluations)
    release = " (release)" if pair.candidate in view.results.release else ""
    return {
        "key": pair.key,
        "address": pair.address,
        "baseline": f"{pair.baseline} at its best" if best else pair.baseline,
        "candidate": f"{pair.candidate}{release}",
    }


def _context(view: RunView, loaded: Sequence[Loaded]) -> dict[str, Any]:
    """What the summary and the tabs show, but the items."""
    rows = gate_rows(view)
    return {
        "view": view,
        "results": view.results,
        "info": view.info,
        "contests": view.contests,
        "warnings": true_warnings(view),
        "decision": decision(view, rows),
        "gates": rows,
        "cards": {pair.key: cards(view, pair) for pair in view.contests},
        "forests": {pair.key: leading_forest(view, pair) for pair in view.contests},
        "examples": {pair.key: examples(view, pair, loaded) for pair in view.contests},
        "limits": evidence_limits(view),
        "tradeoff": tradeoff(view),
        "overview": overview(view),
        "advice": advice(view),
        "series": series(view),
        "shares": shares(view),
        "timings": timings(view),
        "asking": asking_costs(*_measured_costs(view)),
        "completions": completions(view),
        "audits": audits(view),
        "slices": {contest.key: slice_tables(view, contest, "task") for contest in view.contests},
        "confusions": {contest.key: confusions(view, contest) for contest in view.contests},
        "calibration": {contest.key: calibration(view, contest) for contest in view.contests},
        "curves": {pair.key: threshold_curves(view, pair) for pair in view.contests},
        "balances": class_balances(view),
        "probes": (shown := probes(view)),
        "details": {(probe.evaluation.name, own.contest.key): own for probe in shown for own in probe.contests},
        "bias": {pair.key: bias_rows(view, pair) for pair in view.contests},
        "mitigations": mitigations(view),
        "training": training(view),
        "outside": outside_sections(view),
        "files": files(view),
    }


def _measured_costs(view: RunView) -> tuple[dict[str, Any], dict[str, float]]:
    """run.json's costs of asking, and the seconds that each model's training took."""
    training = {name: view.cost(name).seconds for name in view.models}
    known = {name: seconds for name, seconds in training.items() if seconds is not None}
    return (view.info.requests if view.info is not None else {}), known


def _tight(text: str) -> str:
    """Style or script without indentation; neither has a text of several lines."""
    return _INDENT.sub("\n", text)


@functools.cache
def _script() -> str:
    parts = "".join(source(f"script_{name}.js") for name in ("page", "data", "items", "detail", "end"))
    return f'"use strict";\n(() => {{\n{parts}'


def _policy(style: str, script: str, live: bool) -> str:
    connect = "connect-src 'self'; " if live else ""
    return (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )
