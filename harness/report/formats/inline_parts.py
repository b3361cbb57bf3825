"""What stands inside a page: scripts and styles with their digests, and data that can hold no markup."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from markupsafe import Markup

from harness.report.wording.safe_text import visible_tree


def digest(text: str) -> str:
    """The source that a Content-Security-Policy names for an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embed(value: Any) -> Markup:
    """JSON for a script element: no `<`, `>` or `&` and no line separators stand in it."""
    text = json.dumps(visible_tree(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)
