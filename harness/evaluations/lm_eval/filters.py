"""What an lm-eval task does with a generated text before it is compared: filters, and exact match."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from harness.core.errors import SuiteError, unknown
from harness.text.bounded import BoundExceeded, bounded

DEFAULT_PATTERN = r"#### (\-?[0-9\.\,]+)"
Filter = Callable[[str], str]
_ARGUMENTS = frozenset({"regex_pattern", "group_select", "fallback"})


def pipeline(task: Mapping[str, Any], name: str | None) -> Filter:
    """The filters of a task that go by a name; those that stand first when no name is given.

    Raises:
        SuiteError: for an unknown name or filter, or a pattern that is none.
    """
    listed = task.get("filter_list") or [{"name": "none", "filter": [{"function": "take_first"}]}]
    try:
        named = {str(entry["name"]): entry["filter"] for entry in listed}
        if name is not None and name not in named:
            raise SuiteError(unknown("filter of the task", name, named))
        steps = [_step(dict(step)) for step in named[name if name is not None else next(iter(named))]]
    except (TypeError, KeyError, ValueError) as error:
        raise SuiteError(f"invalid `filter_list`: {error!r}.") from error

    def apply(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return apply


def _step(given: dict[str, Any]) -> Filter:
    name = str(given.pop("function"))
    plain: dict[str, Filter] = {
        "take_first": lambda text: text,
        "remove_whitespace": str.strip,
        "lowercase": str.lower,
        "uppercase": str.upper,
    }
    known = _ARGUMENTS if name == "regex" else frozenset()
    extra = [key for key in given if key not in known]
    if extra and (name in plain or name == "regex"):
        raise SuiteError(f"`filter_list`, {name}: the key {extra[0]!r} is not supported here.")
    if name in plain:
        return plain[name]
    if name != "regex":
        raise SuiteError(unknown("filter", name, [*plain, "regex"]), hint="only these filters are supported.")
    pattern = _pattern(str(given.get("regex_pattern", DEFAULT_PATTERN)))
    group, fallback = int(given.get("group_select", 0)), str(given.get("fallback", "[invalid]"))

    def regex(text: str) -> str:
        with _in_time(pattern, text):
            matches = pattern.findall(text)
        if not matches or not -len(matches) <= group < len(matches):
            return fallback
        match = matches[group]
        if isinstance(match, tuple):
            match = next((part for part in match if part), fallback)
        return str(match).strip()

    return regex


def matches(prediction: str, golds: Sequence[str], options: Mapping[str, Any]) -> bool:
    """lm-eval's exact_match: equal to one of the golds, after what the options take away."""
    ignored = [_pattern(str(pattern)) for pattern in options.get("regexes_to_ignore") or ()]

    def plain(text: str) -> str:
        for pattern in ignored:
            with _in_time(pattern, text):
                text = pattern.sub("", text)
        if options.get("ignore_case"):
            text = text.lower()
        if options.get("ignore_punctuation"):
            text = text.translate(str.maketrans("", "", string.punctuation))
        if options.get("ignore_numbers"):
            text = text.translate(str.maketrans("", "", string.digits))
        return text

    return plain(prediction) in {plain(gold) for gold in golds}


@contextmanager
def _in_time(pattern: re.Pattern[str], text: str) -> Iterator[None]:
    try:
        with bounded(f"the regular expression {pattern.pattern[:80]!r}"):
            yield
    except BoundExceeded as error:
        raise SuiteError(
            f"{error} on a text of {len(text)} characters.", hint="write it without nested repetitions."
        ) from error


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise SuiteError(f"{text[:80]!r} is not a valid regular expression: {error}.") from error
