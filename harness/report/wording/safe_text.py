"""Making foreign text safe to show: in HTML, Markdown and XML alike.

Texts come from data and from models. Characters that do not print, that reorder the line or that
a terminal obeys are replaced by something that can be seen; markup is the business of each format.
"""

from __future__ import annotations

import re
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_MARKDOWN = re.compile(r"[\\`*\[\]<>&|#$~]|(?<![^\W_])_|_(?![^\W_])|:(?=:)|(?<=:):|:(?=//)|(?<=www)\.")


def visible(text: str) -> str:
    """Replaces control, direction and non-character code points by visible stand-ins.

    `\\x1b` becomes `␛`, a right-to-left override becomes `⟨U+202E⟩`; line feeds and tabs stay.
    """
    return _UNSEEN.sub(_stand_in, text)


def _stand_in(match: re.Match[str]) -> str:
    point = ord(match.group())
    if point < 0x20:
        return chr(0x2400 + point)
    if point == 0x7F:
        return "␡"
    if 0xD800 <= point <= 0xDFFF:
        return "\ufffd"
    return f"⟨U+{point:04X}⟩"


def visible_tree(value: Any) -> Any:
    """`visible` for every string of a JSON value, keys included."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): visible_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [visible_tree(item) for item in value]
    return value


def one_line(text: str, limit: int | None = None) -> str:
    """Visible text on one line, cut to `limit` characters."""
    line = " ".join(visible(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"


def markdown(text: str, limit: int | None = None) -> str:
    """Text for the middle of a Markdown line: no markup, no table cell, no mention, no `::` command."""
    escaped = _MARKDOWN.sub(
        lambda match: "&lt;" if match.group() == "<" else "\\" + match.group(), one_line(text, limit)
    )
    escaped = re.sub(r"\A([-+=]|\d+(?=[.)]))", lambda match: _opening(match.group()), escaped)
    return re.sub(r"@(?=\w)", "@\u200b", escaped)


def _opening(mark: str) -> str:
    """A list mark or underline at the start of a line, made plain (`1.` becomes `1\\.`)."""
    return mark + "\\" if mark.isdigit() else "\\" + mark


def cut(text: str, limit: int) -> str:
    """Visible text of at most about `limit` characters that says how much is missing, where that is shorter."""
    made = f"… ({len(text) - limit:,} more characters)"
    return visible(text) if len(text) <= limit + len(made) else visible(text[:limit]) + made


def slug(text: str) -> str:
    """A name as an HTML id: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "x"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """`1 item`, `2,400 items`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def clean(text: str) -> str:
    """Text without control characters: what models and data say never drives the terminal."""
    return "".join(char if char == "\n" or char.isprintable() else "�" for char in text)


def clean_line(text: str, limit: int | None = None) -> str:
    """`clean` on one line, so that no text begins a line of its own (`::error` commands); cut to `limit`."""
    line = " ".join(clean(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"
