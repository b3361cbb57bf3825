"""The one place where a text goes to a terminal: what models, data, files and paths say never drives it."""

from __future__ import annotations

import json
from typing import Any

import click

from harness.report.wording.safe_text import clean


class Styled(str):
    """A text that is clean already, with colors of our own."""

    __slots__ = ()


def styled(text: str, *, color: str | None = None, bold: bool = False) -> Styled:
    """A text without control characters, in a color or bold."""
    return Styled(click.style(clean(text), fg=color, bold=bold or None))


def joined(*parts: str) -> Styled:
    """Texts in one; those that are not styled are cleaned."""
    return Styled("".join(part if isinstance(part, Styled) else clean(part) for part in parts))


def say(text: object = "", *, err: bool = False) -> None:
    """Prints a text without control characters, but for colors of our own."""
    click.echo(joined(text if isinstance(text, Styled) else str(text)), err=err)


def heading(text: str, *, color: str | None = None) -> None:
    """Prints a line in bold, or in a color."""
    click.secho(clean(text), bold=color is None, fg=color)


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Prints one JSON value to stdout; characters that are not printable are escaped, as JSON can spell them."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    click.echo("".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text))
