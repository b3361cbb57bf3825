"""Limits of gates as people write them: a number, or of a share `2%` and `2 points`, which both mean 0.02."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

SHARE_PATTERN = r"^[+-]?(\d+(\.\d*)?|\.\d+)\s*(%|points?)$"
"""`2%`, `0.5 points`."""


class WrittenShare(float):
    """A limit that was written as a percentage or in points, and therefore is one of a share.

    Attributes:
        text: as it was written.
    """

    text: str

    def __new__(cls, value: float, text: str) -> WrittenShare:
        made = super().__new__(cls, value)
        made.text = text
        return made

    def __reduce__(self) -> tuple[type[WrittenShare], tuple[float, str]]:
        return WrittenShare, (float(self), self.text)


def share_of(text: str) -> float | None:
    """`2%` and `2 points` → 0.02; None for any other text."""
    if re.match(SHARE_PATTERN, text.strip()) is None:
        return None
    number = text.strip().rstrip("%points").strip()
    return float(number) / 100


def _read(value: Any, handler: ValidatorFunctionWrapHandler) -> float:
    share = share_of(value) if isinstance(value, str) else None
    if share is None:
        return float(handler(value))
    return WrittenShare(handler(share), value)


def _schema(**number: Any) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "number", **number}, {"type": "string", "pattern": SHARE_PATTERN}]})


def _factor(value: Any, handler: ValidatorFunctionWrapHandler) -> float:
    if isinstance(value, str) and share_of(value) is not None:
        raise ValueError(f"expected candidate / baseline, such as `{{ratio: 1.02}}`, found the text {value!r}")
    return float(handler(value))


Factor = Annotated[float, Field(gt=0, allow_inf_nan=False), WrapValidator(_factor)]
Limit = Annotated[float, Field(allow_inf_nan=False), WrapValidator(_read), _schema()]
PositiveLimit = Annotated[float, Field(gt=0, allow_inf_nan=False), WrapValidator(_read), _schema(exclusiveMinimum=0)]
Allowance = Annotated[float, Field(ge=0, allow_inf_nan=False), WrapValidator(_read), _schema(minimum=0)]
