"""Templates of prompts: `{column}` is a slot, `{{` and `}}` are literal braces. One rule for every template of a suite.

A brace that is neither is an error, and so is a slot that nothing fills: a prompt with a misspelled slot asks every
item the same question. Texts that fill a slot are never read as templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from harness.core.errors import DataError, SuiteError, unknown

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
BRACES = "write {{ and }} for literal braces."


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a template that a value fills."""

    name: str


def parts(template: str) -> list[str | Slot]:
    """The literal texts and the slots of a template, in order.

    Raises:
        ValueError: for a brace that opens or closes nothing, and for an empty slot.
    """
    pieces: list[str | Slot] = []
    end = 0
    for match in _PART.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        if match.group(1) is not None:
            if not match.group(1).strip():
                raise ValueError(f"the prompt has a slot without a name at character {match.start() + 1}; {BRACES}")
            pieces.append(Slot(match.group(1)))
        elif match.group() in ("{{", "}}"):
            pieces.append(match.group()[0])
        else:
            raise ValueError(f"the prompt has a single {match.group()!r} at character {match.start() + 1}; {BRACES}")
    return [*pieces, template[end:]]


def slots(template: str) -> list[str]:
    """The names of the slots of a template, each once."""
    return list(dict.fromkeys(part.name for part in parts(template) if isinstance(part, Slot)))


def filled(template: str, value: Callable[[str], str]) -> str:
    """A template with `value(name)` in place of each slot."""
    return joined(parts(template), value)


def joined(pieces: Iterable[str | Slot], value: Callable[[str], str]) -> str:
    """Parts of a template with `value(name)` in place of each slot."""
    return "".join(value(piece.name) if isinstance(piece, Slot) else piece for piece in pieces)


def checked(template: str, known: Collection[str], needed: Collection[str] = ()) -> str:
    """A template whose slots are all known, with each needed one.

    Raises:
        ValueError: for another slot, a missing one, or a brace that is none.
    """
    names = slots(template)
    for name in names:
        if name not in known:
            raise ValueError(f"{unknown('slot', '{' + name + '}', [f'{{{slot}}}' for slot in known])}; {BRACES}")
    missing = [f"{{{name}}}" for name in needed if name not in names]
    if missing:
        raise ValueError(f"expected {', '.join(missing)} in the prompt, found {template!r}")
    return template


def check_columns(template: str, columns: Collection[str], answers: Collection[str], place: str) -> None:
    """Refuses a template of columns with a slot that is no column, or that holds the answer.

    Args:
        answers: the columns with what is right.
        place: of the template, for the message (`task 'qa', prompt`).

    Raises:
        DataError: naming the slot, the columns, and how a brace is written.
    """
    for name in slots(template):
        if name in answers:
            raise DataError(
                f"{place}: the slot {{{name}}} is the column with the answer, so every prompt would contain it.",
                hint=f"take the slot out; {BRACES}",
            )
        if name not in columns:
            raise DataError(f"{place}: {unknown('slot', name, columns)}", hint=f"name a column of the data; {BRACES}")


def template_of(*known: str, needed: Collection[str] = ()) -> AfterValidator:
    """Validates an option that is a template of these slots."""
    return AfterValidator(lambda value: checked(value, known, needed))


def _written(template: str) -> str:
    parts(template)
    return template


ColumnTemplate = Annotated[str, AfterValidator(_written)]
"""A template whose slots are columns; which columns there are, only the open data tells (`check_columns`)."""


def written_parts(template: str, probe: str) -> list[str | Slot]:
    """The parts of a probe's template.

    Raises:
        SuiteError: for a brace that is none, naming the probe.
    """
    try:
        return parts(template)
    except ValueError as error:
        raise SuiteError(f"probe {probe!r}: {error} Template: {template!r}.") from error
