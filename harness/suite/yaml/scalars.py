"""What a plain YAML scalar means: the core schema of YAML 1.2.2 (section 10.3.2), and no more.

`no`, `12:30`, `1_000` and `2027-01-31` are text; `1e-4` is a number.
"""

from __future__ import annotations

import math
import re

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_LONGEST = 64
_LARGEST = 1 << 63


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) scalar.

    Raises:
        ValueError: for numbers that no setting can mean (infinite, not a number, beyond 64 bits).
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _SPECIAL.match(text):
        raise ValueError(f"expected a finite number, found {text}")
    if not (_INT.match(text) or _OCTAL.match(text) or _HEX.match(text) or _FLOAT.match(text)):
        return text
    if len(text) > _LONGEST:
        raise ValueError(f"expected a number of at most {_LONGEST} characters, found {len(text)} characters")
    return _number(text)


def _number(text: str) -> int | float:
    whole: int | None = None
    if _INT.match(text):
        whole = int(text)
    elif _OCTAL.match(text):
        whole = int(text[2:], 8)
    elif _HEX.match(text):
        whole = int(text[2:], 16)
    if whole is None:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"expected a number within the range of 64 bits, found {text}")
        return number
    if abs(whole) >= _LARGEST:
        raise ValueError(f"expected a whole number within 64 bits, found {text}")
    return whole
