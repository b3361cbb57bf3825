"""Answers to one item, numbered in their order: for tools that do not say which repeat an answer is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.importers.imported_log import LoggedAnswer


def numbered_repeats(answers: Iterable[LoggedAnswer]) -> tuple[LoggedAnswer, ...]:
    """The answers with `epoch` as the how-manieth answer to its item each one is, from 1."""
    before: dict[str, int] = {}
    numbered = []
    for answer in answers:
        before[answer.id] = before.get(answer.id, 0) + 1
        numbered.append(replace(answer, epoch=before[answer.id]))
    return tuple(numbered)
