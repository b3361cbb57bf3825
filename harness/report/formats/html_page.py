"""report.html: one file, no network, every foreign text escaped."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from typing import Any

from markupsafe import Markup

from harness.report.formats.page_environment import environment, source
from harness.report.sections import forest_plot, forgetting, gate_table, probe_sections
from harness.report.sections.audit_tables import audits
from harness.report.sections.dose_curves import series
from harness.report.sections.item_browser import browsers, load
from harness.report.sections.label_tables import calibration, confusions
from harness.report.sections.mitigation_table import mitigations
from harness.report.sections.outside_sections import outside_sections
from harness.report.sections.overview import overview
from harness.report.sections.prompt_completions import completions
from harness.report.sections.prompting_advice import advice
from harness.report.sections.shared_cost import shares
from harness.report.sections.slice_tables import slice_tables
from harness.report.sections.tradeoff import tradeoffs
from harness.report.sections.training_curves import training
from harness.report.view.model_cost import asking_costs
from harness.report.view.run_view import RunView, files
from harness.report.web.deferred_sections import DeferredSections
from harness.report.wording import narrative
from harness.report.wording.executive_summary import brief
from harness.report.wording.safe_text import visible_tree
from harness.storage.run_dir import RunDir

SMALL_PAGE, LARGE_PAGE = 1_000_000, 10_000_000
BYTES_PER_ITEM = 100
"""A page may have this many bytes for every item of the run, within the two limits above."""
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
    items = sum(evaluation.n for evaluation in view.results.evaluations)
    return max(SMALL_PAGE, min(LARGE_PAGE, items * BYTES_PER_ITEM))


def render_view(view: RunView, *, live: bool = False) -> str:
    """The page of a run that has been read.

    Args:
        live: for `harness serve`: texts that do not fit are asked of the server that sent the page.
    """
    loaded = load(view)
    deferred = DeferredSections.of(view)
    body = (
        environment().get_template("body.html.j2").render(**_context(view), browsable=bool(loaded), deferred=deferred)
    )
    later = deferred.compressed()
    style, script = _tight(source("report.css")), _tight(_script())
    rest = len(body.encode()) + len(later) + len(style) + len(script) + _MARGIN
    items = browsers(loaded, _LIVE if live else max(_LEAST, page_limit(view) - rest))
    payload = {
        "items": [browser.head for browser in items],
        "contests": [[contest.key, contest.label] for contest in view.contests],
        "live": live,
        "later": later,
    }
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            results=view.results,
            info=view.info,
            body=Markup(body),
            blobs=[_embed({"columns": browser.columns, "texts": browser.texts}) for browser in items],
            data=_embed(payload),
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script, live),
        )
    )


def _context(view: RunView) -> dict[str, Any]:
    """What every section shows, but the items."""
    return {
        "view": view,
        "results": view.results,
        "info": view.info,
        "contests": view.contests,
        "stories": [
            (contest, brief(view, contest), narrative.story(view, contest))
            for contest in view.contests
            if contest.release
        ],
        "overview": overview(view),
        "advice": advice(view),
        "tradeoffs": tradeoffs(view),
        "series": series(view),
        "shares": shares(view),
        "asking": asking_costs(view.info.requests if view.info is not None else {}),
        "completions": completions(view),
        "audits": audits(view),
        "forests": {contest.key: forest_plot.groups(view, contest) for contest in view.contests},
        "gates": gate_table.gates(view),
        "slices": {contest.key: slice_tables(view, contest, "task") for contest in view.contests},
        "confusions": {contest.key: confusions(view, contest) for contest in view.contests},
        "calibration": {contest.key: calibration(view, contest) for contest in view.contests},
        "forgetting": forgetting.forgetting(view),
        "probes": probe_sections.probes(view),
        "mitigations": mitigations(view),
        "training": training(view),
        "outside": outside_sections(view),
        "files": files(view),
    }


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
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embed(value: Any) -> Markup:
    """JSON for a script element: no `<`, `>` or `&` and no line separators stand in it."""
    text = json.dumps(visible_tree(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)
