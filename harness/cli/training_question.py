"""What the person says of the rows that models were trained on: by options, or asked at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click


def training_said(trained_on: Sequence[str], held_out: bool, *, ask: bool) -> tuple[list[str] | None, bool]:
    """The files that the models learned from (None where nothing is said), and the word that the rows are held out.

    Args:
        trained_on, held_out: of the options.
        ask: whether to ask where the options say nothing and someone sits at a terminal. Nothing is claimed unasked.
    """
    if trained_on or held_out:
        return list(trained_on) or None, held_out
    if not ask or not sys.stdin.isatty():
        return None, False
    click.echo(
        "Were the models trained on rows that are evaluated here? A gate cannot pass while nobody says it.", err=True
    )
    if click.confirm("Do you know that no model learned from these rows?", default=False, err=True):
        return None, True
    file = click.prompt("File that a model learned from (empty: unknown)", default="", show_default=False, err=True)
    return ([file] if file.strip() else None), False
