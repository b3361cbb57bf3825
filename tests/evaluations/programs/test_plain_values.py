"""Plain values go from one process to another unchanged, and nothing else does."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluations.programs.plain_values import NotPlainError, Opaque, decoded, encoded

KEYS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = KEYS | st.tuples(KEYS, KEYS) | st.frozensets(KEYS, max_size=3)
VALUES = st.recursive(
    KEYS | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.sets(KEYS),
    max_leaves=20,
)


def there_and_back(value: Any) -> Any:
    return decoded(json.loads(json.dumps(encoded(value, strict=True))))


@given(VALUES)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    back = there_and_back(value)
    assert back == value
    assert repr(back) == repr(value) or isinstance(value, set | frozenset | dict | list | tuple)
    assert type(back) is type(value)


def test_long_numbers_ranges_and_lone_surrogates_come_back() -> None:
    for value in (7**9000, -(7**9000), range(3, 9, 2), "\ud83d", float("inf"), -0.0):
        assert repr(encoded(there_and_back(value))) == repr(encoded(value))
    assert there_and_back(float("nan")) != there_and_back(float("nan"))


def test_subclasses_arrive_as_what_they_inherit_and_objects_as_nothing() -> None:
    class Equal(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert there_and_back(Equal(3)) != 4
    assert there_and_back([Counter("aab"), OrderedDict(x=1), True]) == [{"a": 2, "b": 1}, {"x": 1}, True]
    assert isinstance(decoded(encoded(print)), Opaque)
    with pytest.raises(NotPlainError, match="builtin_function_or_method"):
        encoded([print], strict=True)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=8))
def test_any_json_is_a_value_or_an_error(form: Any) -> None:
    with contextlib.suppress(ValueError, TypeError, OverflowError, LookupError):
        decoded(form)
