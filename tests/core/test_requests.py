from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.digests import digest
from harness.core.requests import (
    Classify,
    Cloze,
    Completions,
    Embedding,
    Failure,
    Generate,
    Generated,
    Likelihood,
    PseudoLikelihood,
    Response,
    RollingLikelihood,
    Scores,
    SpanAnswer,
    Tags,
    response_from_json,
)

COUNTS = st.integers(0, 9)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.text(), st.text())
def test_keys_tell_requests_apart(first: str, second: str) -> None:
    assert (PseudoLikelihood(first).key() == PseudoLikelihood(second).key()) == (first == second)


def test_kinds_and_settings_are_part_of_the_key() -> None:
    found = {
        PseudoLikelihood("a").key(),
        PseudoLikelihood("a", "pll").key(),
        RollingLikelihood("a").key(),
        Classify("a", ("x", "y")).key(),
        Classify("a", ("y", "x")).key(),
        Cloze("a {mask}", (("x",), ("y",))).key(),
        Cloze("a {mask}", (("x", "y"),)).key(),
        Classify("a", ("x", "y"), pair="b").key(),
        PseudoLikelihood("a", "pll_shared", other="b").key(),
        PseudoLikelihood("a", "crows_original", other="b").key(),
        PseudoLikelihood("a", "crows_original", other="b", second=True).key(),
        Generate("a").key(),
        Generate("a", sample=1).key(),
        Generate(messages=(("user", "a"),)).key(),
    }
    assert len(found) == 14


def test_a_field_that_came_later_leaves_the_keys_of_known_answers() -> None:
    """The order of a pair came after answers were cached; only who gives it has another key."""
    plain = {"text": "a", "scorer": "pll_word_l2r", "other": None, "details": False}
    assert PseudoLikelihood("a").key() == digest({"kind": "pseudo_likelihood", **plain})


@given(
    st.builds(Scores, st.lists(FLOATS, max_size=4).map(tuple), st.integers(0, 9))
    | st.builds(
        Likelihood,
        FLOATS,
        st.integers(0, 9),
        st.integers(0, 9),
        st.lists(st.tuples(COUNTS, COUNTS, FLOATS), max_size=3).map(tuple),
    )
    | st.builds(
        Generated,
        st.text(),
        COUNTS,
        st.sampled_from(["end", "stop", "length"]),
        COUNTS,
        COUNTS,
        st.none() | FLOATS,
    )
    | st.builds(Embedding, st.lists(FLOATS, max_size=4).map(tuple), COUNTS)
    | st.builds(Tags, st.lists(st.text(), max_size=3).map(tuple), st.lists(FLOATS, max_size=3).map(tuple), COUNTS)
    | st.builds(SpanAnswer, st.text(), COUNTS, COUNTS, FLOATS, st.none() | FLOATS, COUNTS)
    | st.builds(Completions, st.lists(st.text(), max_size=3).map(tuple), st.lists(FLOATS, max_size=3).map(tuple))
    | st.builds(Failure, st.text(), st.text())
)
def test_responses_survive_json(response: Response) -> None:
    assert response_from_json(response.to_json()) == response


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"scores": 3},
        {"generated": "a", "finish": "x", "log_likelihood": None},
        {"total": "x"},
        {"scores": [1], "truncated": None},
    ],
)
def test_damaged_responses_are_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a response|could not convert"):
        response_from_json(value)
