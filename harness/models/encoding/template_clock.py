"""Chat templates that read the clock, rendered at a stated time.

Templates of Llama 3, SmolLM3 or gpt-oss write the day into the prompt (`strftime_now`): read from the machine's clock,
the same question would be another prompt tomorrow, and answers of two days would stand under one identity.
"""

from __future__ import annotations

from datetime import datetime

STATED_TIME = datetime(2025, 1, 1, 12, 0, 0)
"""What such templates are told the time is; part of the identity of every answer that it could change."""

_NAME = "strftime_now"
_COMPOSED = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%D": "%m/%d/%y", "%R": "%H:%M", "%h": "%b"}
_DIRECTIVES = "aAbBcdfGHIjmMpSuUVwWxXyYzZ"
_PERCENT = "\ue000"
"""Stands for a written percent sign while the directives are replaced."""


def reads_clock(template: str) -> bool:
    """Whether a template asks for the time."""
    return _NAME in template


def at_stated_time(template: str) -> str:
    """The template with a clock of its own, which stands at the stated time.

    transformers gives templates a function of the machine's clock and lets no caller pass another one; a macro of the
    same name goes before it.
    """
    if not reads_clock(template):
        return template
    told = {letter: STATED_TIME.strftime(f"%{letter}") for letter in _DIRECTIVES}
    steps = [("%%", _PERCENT), *_COMPOSED.items(), ("%e", f"{STATED_TIME.day:2}")]
    steps += [(f"%-{letter}", text.lstrip("0") or "0") for letter, text in told.items() if text.isdigit()]
    steps += [(f"%{letter}", text) for letter, text in told.items()]
    steps += [(_PERCENT, "%")]
    filters = "".join(f" | replace({written!r}, {meant!r})" for written, meant in steps)
    return f"{{%- macro {_NAME}(format) -%}}{{{{ format{filters} }}}}{{%- endmacro -%}}{template}"
