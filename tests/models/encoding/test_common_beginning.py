"""The common beginning is that of `os.path.commonprefix`."""

from __future__ import annotations

import os.path

from hypothesis import given
from hypothesis import strategies as st

from harness.models.encoding.common_beginning import common_beginning


@given(st.lists(st.text("ab"), min_size=1, max_size=4))
def test_it_is_the_longest(texts):
    length = len(os.path.commonprefix(texts))  # noqa: RUF071  # characters are what is meant
    assert common_beginning(texts) == length
    assert common_beginning([list(text) for text in texts]) == length
