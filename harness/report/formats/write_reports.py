"""Writes all reports of a run directory, each whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from harness.report.formats.comment import artifact_link, comment_markdown
from harness.report.formats.csv_tables import comparisons_csv, metrics_csv
from harness.report.formats.html_page import render_view
from harness.report.formats.junit import junit_xml
from harness.report.formats.model_card import model_card
from harness.report.formats.summary import summary_markdown
from harness.report.view.run_view import RunView
from harness.storage import atomic
from harness.storage.run_dir import RunDir


def write_reports(run: RunDir) -> list[Path]:
    """Writes report.html, summary.md, junit.xml, model-card.md, comment.md and two CSV tables beside results.json.

    Returns:
        The paths, in that order.

    Raises:
        DataError: when results.json, run.json, records or items are missing or damaged.
        IncompleteError: when the folder cannot be written.
    """
    view = RunView.open(run)
    contents = {
        "report.html": render_view(view).encode("utf-8"),
        "summary.md": summary_markdown(view.results, view.info).encode("utf-8"),
        "junit.xml": junit_xml(view.results, view.info),
        "model-card.md": model_card(view.results, view.info).encode("utf-8"),
        "comment.md": comment_markdown(view.results, view.info, artifact_link(os.environ)).encode("utf-8"),
        "metrics.csv": metrics_csv(view.results).encode("utf-8"),
        "comparisons.csv": comparisons_csv(view.results).encode("utf-8"),
    }
    paths = []
    for name, content in contents.items():
        path = run.path / name
        atomic.write_bytes(path, content)
        paths.append(path)
    return paths
