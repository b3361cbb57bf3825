"""The closed word classes that the rules of the swap look at, from `word_classes.txt`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def _classes() -> dict[str, list[str]]:
    words_by_class: dict[str, list[str]] = {}
    words: list[str] = []
    for line in files("harness.text.swaps").joinpath("word_classes.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = words_by_class.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            words += line.split()
    return words_by_class


def word_class(name: str) -> frozenset[str]:
    """The words of a class, in lower case."""
    return frozenset(_classes()[name])
