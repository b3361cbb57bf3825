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
    answer: str = click.prompt(
        "Were the models trained on rows that are evaluated here? A gate cannot pass while nobody says it.\n"
        "Give a file that they learned from, `none` if no model learned from these rows, or press Enter if you do not "
        "know",
        default="",
        show_default=False,
        err=True,
    )
    said = answer.strip()
    if said.casefold() == "none":
        return None, True
    return ([said] if said else None), False
