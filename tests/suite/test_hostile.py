from __future__ import annotations

from pathlib import Path

from harness_support.suite_samples import OWN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import SuiteError
from harness.suite.load_suite import parse_suite

TEXT = OWN
PIECES = ["null", "3", "[]", "{}", "x: 1, ", "*a", "&a ", "'", '"', "\t", "\n  ", ": ", ", ", "!t ", "1e999", "- "]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(["", *PIECES])), min_size=1, max_size=3
    )
)
def test_a_damaged_suite_is_a_located_error_or_still_a_suite(damages: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]
    fault: SuiteError | None = None
    try:
        parse_suite(text, Path("suite.yaml"))
    except SuiteError as error:
        fault = error
    assert fault is None or (fault.where is not None and fault.where.line is not None)
