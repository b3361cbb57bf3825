"""What other models say of written texts: likelihoods by hand, judges in both orders, answers that cannot be read."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import Answering, ask, dataset, figure, made

from harness.core.errors import IncompleteError, SuiteError
from harness.core.requests import Continuations, Failure, Generate, Generated, Response, Scores
from harness.evaluations.graders.model_judge import JUDGE_PROMPT, Judge, JudgeOptions, letter_of
from harness.evaluations.tasks.text_generation import Generation
from harness.pipeline.records.grading import read_texts

ROWS = [{"text": f"The ferry number {number} crosses the wide river and stops at the pier."} for number in range(4)]
OPTIONS: dict[str, Any] = {"prompt_words": 5, "likelihood": False}
REFERENCE = {"reference_model": "base", "metrics": ["reference_bits_per_byte", "reference_word_perplexity"]}
JUDGED = {"judge": {"model": "judge"}, "metrics": ["judge_win_rate", "judge_position_bias", "judge_unreadable_rate"]}


def written(task: Generation, text: str = "the sea {b} again") -> Any:
    writer = Answering(lambda request: Generated(text, 4, "end"), language_model="causal", supports={"generate"})
    return ask(task, [dataset(ROWS, name="rows")], writer)


def read(task: Generation, records: Any, answer: Any, *, chat: bool = False, supports: Any = None) -> Any:
    items = {item.id: item for item in task.items([dataset(ROWS, name="rows")], "test")}
    (reading,) = task.readings
    model = Answering(answer, supports=frozenset(supports or {"generate", "continuations"}), chat=chat)
    return read_texts(records, items, reading, model, "writer: texts")


def test_perplexity_under_a_reference_is_by_hand() -> None:
    task = made(Generation, **OPTIONS, **REFERENCE)
    asked: list[Continuations] = []

    def answer(request: Any) -> Response:
        assert isinstance(request, Continuations)
        asked.append(request)
        return Scores((-7.0 - len(asked),))

    records = read(task, written(task), answer)
    assert {request.options for request in asked} == {(" the sea {b} again",)}
    assert {request.context for request in asked} == {" ".join(row["text"].split()[:5]) for row in ROWS}
    nll = sum(7.0 + number for number in range(1, 5))
    size, words = len(b"the sea {b} again"), 4
    assert figure(records, "reference_bits_per_byte") == pytest.approx(nll / (4 * size * math.log(2)))
    assert figure(records, "reference_word_perplexity") == pytest.approx(math.exp(nll / (4 * words)))


def test_texts_without_a_likelihood_have_no_figure() -> None:
    task = made(Generation, **OPTIONS, **REFERENCE)
    empty = read(task, written(task, ""), lambda request: Scores((-1.0,)))
    assert "nll_reader" not in empty.stat_names
    failed = read(task, written(task), lambda request: Failure("too_long", "no room"))
    assert "nll_reader" not in failed.stat_names


def judge_that(says: Any) -> Any:
    def answer(request: Any) -> Response:
        assert isinstance(request, Generate)
        question = request.messages[0][1] if request.messages else request.prompt
        first = question.partition("Continuation A:\n")[2].partition("\n\nContinuation B:")[0]
        return Generated(says(first), 1, "end")

    return answer


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize(
    ("says", "preference", "by_place"),
    [
        (lambda first: "A" if "sea" in first else "B", 1.0, 0.0),
        (lambda first: " B." if "sea" in first else "It is A", 0.0, 0.0),
        (lambda first: "A", 0.5, 1.0),
        (lambda first: "B", 0.5, 1.0),
    ],
)
def test_a_judge_is_asked_in_both_orders(says: Any, preference: float, by_place: float, chat: bool) -> None:
    task = made(Generation, **OPTIONS, **JUDGED)
    records = read(task, written(task), judge_that(says), chat=chat)
    assert figure(records, "judge_win_rate") == preference
    assert figure(records, "judge_position_bias") == by_place
    assert figure(records, "judge_unreadable_rate") == 0.0
    assert len(json.loads(records.texts("response")[0])["judge"]) == 2


@pytest.mark.parametrize("says", ["", "Both are good", "A or B", "a", "C", "I cannot tell"])
def test_answers_that_name_no_letter_are_counted_and_no_verdict(says: str) -> None:
    assert letter_of(Generated(says, 1, "end")) is None
    task = made(Generation, **OPTIONS, **JUDGED)
    records = read(task, written(task), lambda request: Generated(says, 1, "end"))
    assert figure(records, "judge_unreadable_rate") == 1.0
    assert "judged" not in records.stat_names


def test_half_a_verdict_is_none() -> None:
    task = made(Generation, **OPTIONS, **JUDGED)
    records = read(task, written(task), judge_that(lambda first: "A" if "sea" in first else "no idea"))
    assert "judged" not in records.stat_names
    assert np.all(records.stat("judge_unread") == 1.0)


def test_a_text_is_never_read_as_a_slot_of_the_prompt() -> None:
    task = made(Generation, **OPTIONS, **JUDGED)
    (item, *_) = task.items([dataset(ROWS, name="rows")], "test")
    (reading,) = task.readings
    model = Answering(lambda request: None, chat=False)
    first, second = reading.requests(item, "{b}{prompt}", model.facts)
    assert first.prompt == JUDGE_PROMPT.replace("{prompt}", item.payload["prompt"]).replace(
        "{b}", item.payload["references"][0]
    ).replace("{a}", "{b}{prompt}")
    assert first.prompt != second.prompt


def test_a_judge_that_does_not_answer_stops_the_run_and_one_that_cannot_is_refused() -> None:
    task = made(Generation, **OPTIONS, **JUDGED)
    with pytest.raises(IncompleteError, match="judge returned no answer: gone"):
        read(task, written(task), lambda request: Failure("unavailable", "gone"))
    with pytest.raises(SuiteError, match="does not generate"):
        read(task, written(task), lambda request: None, supports={"classify"})


def test_a_judge_may_see_a_share_of_the_texts_the_same_of_all_models() -> None:
    task = made(Generation, **OPTIONS, **{**JUDGED, "judge": {"model": "judge", "share": 0.5}})
    rows = [
        {"text": f"The ferry number {number} crosses the wide river and stops at the pier."} for number in range(60)
    ]
    items = list(task.items([dataset(rows, name="rows")], "test"))
    (reading,) = task.readings
    facts = Answering(lambda request: None, chat=False).facts
    seen = [[item.id for item in items if reading.requests(item, text, facts)] for text in ("the sea", "a hill")]
    assert seen[0] == seen[1]
    assert 18 <= len(seen[0]) <= 42
    chosen = next(item for item in items if item.id in seen[0])
    other = next(item for item in items if item.id not in seen[0])
    verdicts = [Generated("A", 1, "end"), Generated("B", 1, "end")]
    assert reading.read(chosen, "the sea", verdicts)[0]["costly"] == 1.0
    assert reading.read(other, "the sea", [])[0] == {"costly": 0.0}
    assert "Chance chose the 50%" in task.caveats[-1]
    whole = made(Generation, **OPTIONS, **JUDGED).readings[0]
    assert "share" not in whole.spec()
    assert "costly" not in whole.read(chosen, "the sea", verdicts)[0]


def test_it_is_off_by_default_and_changes_nothing_that_is_asked() -> None:
    plain = made(Generation, **OPTIONS)
    assert not plain.readings
    assert not any("Judged" in caveat for caveat in plain.caveats)
    judged = made(Generation, **OPTIONS, **JUDGED)
    assert judged.spec() == plain.spec()
    assert "Which one goes on better" in judged.caveats[-1]
    with pytest.raises(ValueError, match="needs `judge`"):
        made(Generation, metrics=["judge_win_rate"])
    with pytest.raises(ValueError, match="needs `reference_model`"):
        made(Generation, metrics=["reference_bits_per_byte"])
    with pytest.raises(ValueError, match="name one of them in `metrics`"):
        made(Generation, judge={"model": "x"})
    with pytest.raises(ValueError, match=r"expected \{b\} in the prompt"):
        Judge(JudgeOptions(model="x", prompt="{prompt} {a}"))
