"""Functional tests and robustness: what passes, what fails, and what is no test."""

from __future__ import annotations

from typing import Any

import pytest
from harness_support.plain_models import LABELS, HeadModel, ask, dataset, tone

from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.evaluations.probes.functional_tests import FunctionalTests
from harness.evaluations.probes.robustness import Robustness
from harness.evaluations.prompts.label_prompt import decide
from harness.evaluations.tasks.classification import Classification
from harness.text.perturbations.contractions import contract
from harness.text.perturbations.negation import negate
from harness.text.perturbations.surface import change_case, misspell, repunctuate

REVIEWS = [
    {"text": "The film was great.", "label": "positive"},
    {"text": "It was not awful but it was dull.", "label": "negative"},
    {"text": "A story about a town.", "label": "neutral"},
]


def context() -> EvaluationContext:
    known = EvaluationContext(labels={"d": {"label": LABELS}})
    return EvaluationContext(
        tasks={"t": Classification("t", Classification.Options.model_validate({"data": "d"}), known)}
    )


def by_text(records: Records, items: list[Any], column: str) -> dict[str, float]:
    ids = {item.id: item.payload.get("texts", [item.payload.get("text")])[0] for item in items}
    return {ids[item]: float(found) for item, found in zip(records.item_ids, records.stat(column), strict=True)}


def test_minimum_invariance_and_direction() -> None:
    cases = [
        {"text": "great", "functionality": "f", "label": "good"},
        {"text": "awful day", "functionality": "f", "label": "good"},
        {"text": "bad weather", "functionality": "g", "original": "awful weather", "expect": "same"},
        {"text": "great weather", "functionality": "g", "original": "awful weather", "expect": "same"},
        {"text": "fine work", "functionality": "h", "original": "bad work", "expect": "higher"},
        {"text": "fine food", "functionality": "h", "original": "bad food", "expect": "lower"},
        {"text": "plain food", "functionality": "h", "original": "plain meal", "expect": "lower"},
    ]
    options = FunctionalTests.Options.model_validate({"on": "t", "data": "c", "labels": {"good": "positive"}})
    evaluation = FunctionalTests("f", options, context())
    items = list(evaluation.items([dataset(cases)], "test"))
    found = by_text(ask(evaluation, [dataset(cases)], HeadModel()), items, "test_failed")
    assert found == {
        "great": 0.0,
        "awful day": 1.0,
        "bad weather": 0.0,
        "great weather": 1.0,
        "fine work": 0.0,
        "fine food": 1.0,
        "plain food": 0.0,
    }
    assert {item.slices[-1] for item in items} == {"test=MFT", "test=INV", "test=DIR"}


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"text": "x", "functionality": "f"}, "a case needs a `label`, or an `original`"),
        ({"text": "x", "functionality": "f", "label": "odd"}, "unknown label of the task 'odd'"),
        ({"text": "x", "functionality": "f", "original": "y", "expect": "more"}, "unknown expectation 'more'"),
    ],
)
def test_cases_that_are_none(case: dict[str, Any], why: str) -> None:
    evaluation = FunctionalTests("f", FunctionalTests.Options(on="t", data="c"), context())
    with pytest.raises(DataError, match=why):
        list(evaluation.items([dataset([case])], "test"))


def test_the_task_must_be_one_that_classifies() -> None:
    with pytest.raises(SuiteError, match="unknown task 'x'"):
        Robustness("r", Robustness.Options(on="x"), context())


def test_robustness_counts_changed_answers() -> None:
    kinds = ["typos", "case", "punctuation", "contractions", "negation"]
    evaluation = Robustness("r", Robustness.Options.model_validate({"on": "t", "kinds": kinds}), context())
    items = list(evaluation.items([dataset(REVIEWS)], "test"))
    records = ask(evaluation, [dataset(REVIEWS)], HeadModel())
    for item, row in zip(records.item_ids, range(len(records)), strict=True):
        (asked,) = [one for one in items if one.id == item]
        moods = [tone(text) for text in (asked.payload["text"], *asked.payload["variants"])]
        tied, _ = decide(dict.fromkeys(LABELS, 0.0), item)
        labels = ["positive" if mood > 0 else "negative" if mood < 0 else tied for mood in moods]
        if asked.payload["toward"]:
            expected = 0.0  # the bag of words does not see `not`, so nothing moves, and nothing the wrong way
        else:
            expected = sum(label != labels[0] for label in labels[1:]) / len(labels[1:])
        assert records.stat("test_failed")[row] == pytest.approx(expected)
    toward = {item.payload["text"]: item.payload["toward"] for item in items if "kind=negation" in item.slices}
    assert toward == {"The film was great.": -1}


def test_paraphrases_of_our_own_and_given_ones() -> None:
    evaluation = Robustness("r", Robustness.Options.model_validate({"on": "t", "kinds": ["paraphrase"]}), context())
    items = list(evaluation.items([dataset(REVIEWS)], "test"))
    assert len(items) == 90
    assert {len(item.payload["variants"]) for item in items} == {2}
    own = Robustness(
        "r", Robustness.Options.model_validate({"on": "t", "kinds": ["paraphrase"], "paraphrases": "p"}), context()
    )
    given = dataset([{"text": "great", "paraphrase": "awful"}], name="p")
    assert ask(own, [dataset(REVIEWS), given], HeadModel()).stat("test_failed").tolist() == [1.0]
    nothing = Robustness("r", Robustness.Options.model_validate({"on": "t", "kinds": ["negation"]}), context())
    with pytest.raises(DataError, match="can be changed"):
        list(nothing.items([dataset(REVIEWS[2:])], "test"))


def test_changes_of_a_text() -> None:
    text = "I don't think that it is wonderful, see http://example.org/wonderful."
    for changed in misspell(text):
        assert changed != text
        assert changed.endswith("http://example.org/wonderful.")
        assert abs(len(changed) - len(text)) <= 1
    assert list(misspell("so it is")) == []
    assert list(change_case("ok 1")) == ["OK 1"]
    assert "Fine" in list(repunctuate("Fine!"))
    assert list(contract("It is mine. Yes, it is.")) == ["It's mine. Yes, it is."]
    assert list(contract("We can't and I'm off")) == ["We cannot and I am off"]
    assert list(contract("nothing here")) == []
    assert negate("The film was great.") == "The film was not great."
    for unclear in ("It was great, but it was long.", "Was it great?", "It is not bad.", "Great."):
        assert negate(unclear) is None
