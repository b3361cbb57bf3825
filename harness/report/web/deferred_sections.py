"""The parts of the page that show one candidate: those of the release stand in it, the others wait, deflated.

A run with many candidates would else be mostly markup that nobody looks at. The script builds a waiting part
when its candidate is chosen, from a fixed list of elements and attributes, and only ever from text nodes.
"""

from __future__ import annotations

import json
import re

from markupsafe import Markup

from harness.report.view.run_view import Contest, RunView
from harness.report.web.packed_columns import deflated

_PART = re.compile(r"<!--\[(c\d+) (div|tr)-->(.*?)<!--\1\]-->\n?", re.DOTALL)
_GAP = re.compile(r"\s*\n\s*")


def start(contest: Contest, tag: str) -> Markup:
    """Marks where a contest's part begins; foreign text cannot hold this mark, since `<` is escaped in it."""
    return Markup(f"<!--[{contest.key} {tag}-->")


def end(contest: Contest) -> Markup:
    return Markup(f"<!--{contest.key}]-->")


def eager(view: RunView) -> frozenset[str]:
    """The contests whose parts stand in the page: the release models, else the first."""
    release = [contest.key for contest in view.contests if contest.release]
    return frozenset(release or [contest.key for contest in view.contests[:1]])


def split(body: str, shown: frozenset[str]) -> tuple[str, str]:
    """The page without the waiting parts, and these as deflated JSON: contest → its parts in the page's order."""
    later: dict[str, list[str]] = {}

    def place(match: re.Match[str]) -> str:
        key, tag, content = match.groups()
        if key in shown:
            return content.strip("\n") + "\n"
        if not content.strip():
            return ""
        waiting = later.setdefault(key, [])
        waiting.append(_GAP.sub("\n", content).strip())
        return f'<{tag} hidden data-part="{key}/{len(waiting) - 1}"></{tag}>\n'

    page = _PART.sub(place, body)
    return page, deflated(json.dumps(later, ensure_ascii=False, separators=(",", ":")).encode()) if later else ""
