from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import digests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert digests.digest(value) == digests.digest(turned)


@given(JSON, JSON)
def test_equal_digests_mean_equal_json(first: object, second: object) -> None:
    same = digests.canonical_json(first) == digests.canonical_json(second)
    assert (digests.digest(first) == digests.digest(second)) == same


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_without_json_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="content keys"):
        digests.digest({"a": [number]})


def test_keys_that_are_not_texts_are_refused() -> None:
    with pytest.raises(TypeError, match="string keys"):
        digests.digest({1: "a", "1": "b"})


def test_lists_of_texts_do_not_run_together() -> None:
    assert digests.text_digest("ab", "c") != digests.text_digest("a", "bc")


def test_file_digest_is_sha256(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    path = tmp_path / "file"
    path.write_bytes(content)
    assert digests.file_digest(path) == hashlib.sha256(content).hexdigest()


@given(st.text())
def test_fraction_is_a_stable_number_below_one(text: str) -> None:
    assert 0 <= digests.fraction(text) < 1
    assert digests.fraction(text) == digests.fraction(text)


def test_fraction_is_spread_evenly() -> None:
    values = [digests.fraction(f"source/{number}") for number in range(20_000)]
    assert abs(sum(value < 0.8 for value in values) / len(values) - 0.8) < 0.01


def test_fraction_is_pinned() -> None:
    # Splits depend on it: another value would move rows between train and test.
    expected = (int(hashlib.sha256(b"movie/1").hexdigest()[:16], 16) >> 11) / 2**53
    assert digests.fraction("movie/1") == expected


def test_a_key_is_what_digest_makes() -> None:
    assert digests.is_key(digests.digest({"a": 1}))
    for other in ("", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "../" + "a" * 61, None, 7, b"a" * 64):
        assert not digests.is_key(other)
