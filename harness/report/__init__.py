"""A run directory → report.html, summary.md, junit.xml, model-card.md, comment.md; needs no model and no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.card import model_card
    from harness.report.ci import github_annotations, gitlab_code_quality
    from harness.report.comment import comment_markdown
    from harness.report.html import render_html
    from harness.report.index import write_index
    from harness.report.junit import junit_xml
    from harness.report.summary import summary_markdown
    from harness.report.write import write_reports

_HOME = {
    "comment_markdown": "comment",
    "github_annotations": "ci",
    "gitlab_code_quality": "ci",
    "junit_xml": "junit",
    "model_card": "card",
    "render_html": "html",
    "summary_markdown": "summary",
    "write_index": "index",
    "write_reports": "write",
}

__all__ = [
    "comment_markdown",
    "github_annotations",
    "gitlab_code_quality",
    "junit_xml",
    "model_card",
    "render_html",
    "summary_markdown",
    "write_index",
    "write_reports",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"harness.report.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
