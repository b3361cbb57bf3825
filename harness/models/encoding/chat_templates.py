"""The chat template that a base gets when it first learns conversation."""

from __future__ import annotations

from typing import Any

PLAIN = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}: {{ message['content'] | trim }}\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""Turns as lines of plain text: a base's tokenizer has no tokens for turns, and needs none."""


def ensure_template(tokenizer: Any) -> None:
    """Gives a tokenizer without a chat template the plain one."""
    if not getattr(tokenizer, "chat_template", None):
        tokenizer.chat_template = PLAIN
