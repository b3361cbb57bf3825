from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.yaml.scalars import resolve


@pytest.mark.parametrize(
    "text", ["no", "Yes", "on", "12:30", "1_000", "2027-01-31", "0b11", "1e", ".", "-", "1.2.3", "+.e1"]
)
def test_what_only_older_yaml_reads_as_something_else_is_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("2e6", 2e6),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
    ],
)
def test_the_core_schema(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", [".nan", "-.inf", "1e999", "9" * 30, "1" * 65])
def test_numbers_that_no_setting_can_mean(text: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        resolve(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back(number: float) -> None:
    assert resolve(repr(number)) == number


@given(st.text(max_size=70))
def test_any_text_is_a_value_or_a_clear_error(text: str) -> None:
    value: object = None
    with contextlib.suppress(ValueError):
        value = resolve(text)
    assert not isinstance(value, float) or math.isfinite(value)
