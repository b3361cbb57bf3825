"""Plain Python values as JSON and back, for two processes of which neither trusts the other's objects.

Only exact built-in types come out: an object that claims to equal everything arrives as an opaque one that equals
nothing. The file imports the standard library alone, for it runs inside the locked-down processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"\w{1,40}", re.ASCII)


class Opaque:
    """Stands for a value that is not plain: it equals nothing but itself."""


class NotPlainError(TypeError):
    """A value has no plain form."""


def encoded(value: Any, *, strict: bool = False) -> list[Any]:
    """A value as nested lists that JSON holds; each begins with a letter for its type.

    Subclasses of built-in types count as those (a `Counter` is a dict).

    Args:
        strict: refuse what is not plain, instead of writing down its type's name.

    Raises:
        NotPlainError: for a value that is not plain, where `strict`.
    """
    if value is None:
        return ["n"]
    for base, letter, write in _SCALARS:
        if isinstance(value, base):
            return [letter, write(value)]
    if isinstance(value, dict):
        return ["d", *(_each((*pair,), strict) for pair in dict.items(value))]
    for base, letter in _SEQUENCES:
        if isinstance(value, base):
            return [letter, *_each(value, strict)]
    if isinstance(value, range):
        return ["r", value.start, value.stop, value.step]
    if strict:
        raise NotPlainError(type(value).__name__)
    return ["o"]


def decoded(form: Any) -> Any:
    """The value that `encoded` wrote.

    Raises:
        ValueError: for a form that it never writes.
    """
    if not isinstance(form, list) or not form or not isinstance(form[0], str):
        raise ValueError("no plain value")
    letter, parts = form[0], form[1:]
    if letter in _SCALAR_OF and len(parts) == 1:
        return _SCALAR_OF[letter](parts[0])
    if letter in _SEQUENCE_OF:
        return _SEQUENCE_OF[letter](map(decoded, parts))
    if letter == "d":
        return {decoded(key): decoded(value) for key, value in parts}
    if letter == "r":
        return range(*(int(part) for part in parts))
    return None if letter == "n" else Opaque()


def type_name(error: BaseException) -> str:
    """The name of an error's type, held to letters."""
    matched = _NAME.match(type(error).__name__)
    return matched.group() if matched else "error"


def _each(values: Iterable[Any], strict: bool) -> list[Any]:
    return [encoded(value, strict=strict) for value in values]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


# Hexadecimal digits have no longest number, unlike decimal ones, and lose nothing of a float.
_SCALARS: tuple[tuple[type, str, Any], ...] = (
    (bool, "b", int),
    (int, "i", lambda value: int.__format__(value, "x")),
    (float, "f", float.hex),
    (str, "s", lambda value: str.__str__(value)),
    (complex, "c", lambda value: [float.hex(value.real), float.hex(value.imag)]),
    (bytes, "y", bytes.hex),
)
_SCALAR_OF: dict[str, Any] = {
    "b": bool,
    "i": lambda text: int(_text(text), 16),
    "f": lambda text: float.fromhex(_text(text)),
    "s": _text,
    "c": lambda parts: complex(float.fromhex(parts[0]), float.fromhex(parts[1])),
    "y": lambda text: bytes.fromhex(_text(text)),
}
_SEQUENCES: tuple[tuple[Any, str], ...] = ((list, "l"), (tuple, "t"), (set, "e"), (frozenset, "z"))
_SEQUENCE_OF: dict[str, Any] = {"l": list, "t": tuple, "e": set, "z": frozenset}
