"""pydantic's findings in the words of whoever wrote the file: place, expected, found, nearest."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.core.errors import Problems, nearest, unknown
from harness.schema.pydantic_paths import Located, locate
from harness.schema.suite.written_limits import share_of

T = TypeVar("T")
Fault = tuple[dict[str, Any], Located]
Chosen = tuple[dict[str, Any], Located, tuple[str, ...]]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
    "model_attributes_type": "a mapping (`key: value`)",
    "none_required": "nothing",
    "date_type": "a date such as 2027-01-31",
    "date_parsing": "a date such as 2027-01-31",
    "date_from_datetime_parsing": "a date such as 2027-01-31",
}
_NUMBERS = {"float_type", "int_type", "float_parsing", "int_parsing"}
_ROOT_TYPES = {*_EXPECTED, "literal_error", "value_error"}


def validate(annotation: type[T] | Any, value: Any, problems: Problems) -> T | None:
    """Checks plain data (as YAML or JSON gives it) against a type; faults go to `problems`.

    Types are strict: `no` is text and not false, `"3"` is text and not a number.

    Returns:
        The validated value, or None when there are faults.
    """
    try:
        result: T = TypeAdapter(annotation).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        _translate(annotation, error, problems)
        return None
    return result


def in_short(error: Exception) -> str:
    """What is wrong with a file that harness wrote itself, in one line: the first fault, and how many more."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    faults = error.errors(include_url=False, include_input=False)
    place = ".".join(map(str, faults[0]["loc"]))
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{place + ': ' if place else ''}{faults[0]['msg']}{more}"


def in_words(value: Any) -> str:
    """What stands there, in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60] + '…' if len(value) > 60 else value!r}"
    return "a list" if isinstance(value, list) else "a mapping"


def _translate(annotation: Any, error: ValidationError, problems: Problems) -> None:
    faults: list[Fault] = [({**entry}, locate(annotation, entry["loc"])) for entry in error.errors(include_url=False)]
    chosen = _meant_faults(faults, 0, problems)
    misspelled = {
        (*place.path[:-1], nearest(str(place.path[-1]), known))
        for fault, place, known in chosen
        if fault["type"] == "extra_forbidden"
    }
    for fault, place, known in chosen:
        if fault["type"] != "missing" or place.path not in misspelled:
            _report(fault, place, known, problems)


def _meant_faults(faults: list[Fault], depth: int, problems: Problems) -> list[Chosen]:
    """Of every union below `depth` only the branch that was meant."""
    chosen: list[Chosen] = []
    unions: dict[tuple[Any, ...], dict[str, list[Fault]]] = defaultdict(lambda: defaultdict(list))
    for fault, place in faults:
        if len(place.unions) <= depth:
            chosen.append((fault, place, place.known))
        else:
            union = place.unions[depth]
            unions[union.path][union.branch].append((fault, place))
    for branches in unions.values():
        chosen += _meant_branch(list(branches.values()), depth, problems)
    return chosen


def _meant_branch(branches: list[list[Fault]], depth: int, problems: Problems) -> list[Chosen]:
    """The faults of the branch that was meant; where that is open, what all of them would take."""
    roots = [_at_root(branch, depth) for branch in branches]
    typed = [
        (len(root), len(branch), branch)
        for root, branch in zip(roots, branches, strict=True)
        if not any(fault["type"] in _ROOT_TYPES for fault in root)
    ]
    union = branches[0][0][1].unions[depth]
    if not typed:
        fault = branches[0][0][0]
        problems.add(
            f"expected {_alternatives(branches, depth)}, found {in_words(fault['input'])}.{_meant(branches, fault)}",
            *union.path,
        )
        return []
    lowest = min(score[:2] for score in typed)
    best = [branch for *score, branch in typed if tuple(score) == lowest]
    if len(best) == 1:
        return _meant_faults(best[0], depth + 1, problems)
    extras = [(fault, place, union.keys) for fault, place in best[0] if fault["type"] == "extra_forbidden"]
    if not extras:
        problems.add(f"expected one of the keys {', '.join(union.keys)}, found none of them.", *union.path)
    return extras


def _at_root(branch: list[Fault], depth: int) -> list[dict[str, Any]]:
    """Faults that speak against the branch as a whole: its type, its required and foreign keys."""
    chosen = []
    for fault, place in branch:
        below = len(place.path) - len(place.unions[depth].path)
        if (below == 0 and len(place.unions) == depth + 1) or (
            below == 1 and fault["type"] in {"missing", "extra_forbidden"}
        ):
            chosen.append(fault)
    return chosen


def _alternatives(branches: list[list[Fault]], depth: int) -> str:
    texts: list[str] = []
    for branch in branches:
        fault, place = branch[0]
        keys = place.unions[depth].keys
        if fault["type"] == "model_type" and keys:
            text = f"a mapping with one of the keys {', '.join(keys)}"
        elif fault["type"] == "literal_error":
            text = str(fault["ctx"]["expected"])
        else:
            text = _expected(fault).rstrip(".")
        if text not in texts:
            texts.append(text)
    return " or ".join(texts)


def _meant(branches: list[list[Fault]], fault: dict[str, Any]) -> str:
    known = [
        word
        for branch in branches
        for other, _ in branch
        if other["type"] == "literal_error"
        for word in re.findall(r"'([^']*)'", str(other["ctx"]["expected"]))
    ]
    guess = nearest(fault["input"], known) if isinstance(fault["input"], str) else None
    return f" Did you mean {guess!r}?" if guess else ""


def _report(fault: dict[str, Any], place: Located, known: tuple[str, ...], problems: Problems) -> None:
    path = place.path
    kind = fault["type"]
    if kind == "missing":
        name = path[-1] if path else ""
        if isinstance(name, int):
            problems.add(f"expected {name + 1} or more entries, found {len(fault['input'])}.", *path[:-1])
        else:
            problems.add(f"the key {name!r} is missing.", *path[:-1])
    elif kind == "extra_forbidden":
        problems.add(unknown("key", str(path[-1]), known), *path, key=True)
    elif kind == "value_error":
        text = str(fault["ctx"]["error"]) if "error" in fault.get("ctx", {}) else str(fault["msg"])
        problems.add(text if text.endswith((".", "?")) else f"{text}.", *path)
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", str(fault["ctx"]["expected"]))
        guess = nearest(fault["input"], words) if isinstance(fault["input"], str) else None
        meant = f" Did you mean {guess!r}?" if guess else ""
        problems.add(f"expected {fault['ctx']['expected']}, found {in_words(fault['input'])}.{meant}", *path)
    else:
        problems.add(f"expected {_expected(fault)}, found {in_words(fault['input'])}.{_of_a_share(fault)}", *path)


def _of_a_share(fault: dict[str, Any]) -> str:
    """What to write in place of `2%` where a number is expected."""
    share = share_of(fault["input"]) if isinstance(fault["input"], str) and fault["type"] in _NUMBERS else None
    return "" if share is None else f" Only the limits of gates on shares take % and points; write {share:g}."


def _expected(fault: dict[str, Any]) -> str:
    kind = str(fault["type"])
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    message = str(fault["msg"])
    for start, instead in (("Input should be ", ""), ("Input should ", "something that should ")):
        if message.startswith(start):
            return instead + message[len(start) :]
    return message[:1].lower() + message[1:]
