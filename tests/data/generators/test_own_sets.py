"""Our own generated sets keep what their tasks rely on."""

from __future__ import annotations

import json
from collections import Counter
from importlib import import_module

import pytest

from harness.evaluations.answers.constraints import met
from harness.evaluations.tasks.refusal import is_refusal

SETS = ("own_grammar", "own_facts", "own_instructions", "own_verses", "own_safety", "python_stdlib")


def rows(name: str) -> list[dict[str, str]]:
    return list(import_module(f"harness.data.generators.{name}").rows())


@pytest.mark.parametrize("name", SETS)
def test_rows_are_texts_and_the_same_each_time(name: str) -> None:
    made = rows(name)
    assert made == rows(name)
    assert len(made) > 90
    assert all(isinstance(value, str) and value for row in made for value in row.values())


def test_grammar_pairs_differ_in_few_words_and_right_sentences_stand_once() -> None:
    for row in rows("own_grammar"):
        right, wrong = row["right"].split(), row["wrong"].split()
        assert row["right"] != row["wrong"]
        assert abs(len(right) - len(wrong)) <= 1
        if row["phenomenon"] != "word_order":
            assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 1


def test_facts_have_three_wrong_ends_that_are_right_elsewhere() -> None:
    made = rows("own_facts")
    values = {(row["kind"], row["right"].split()[-1]) for row in made}
    for row in made:
        wrong = json.loads(row["wrong"])
        assert len(set(wrong) | {row["right"]}) == 4
        assert all((row["kind"], text.split()[-1]) in values for text in wrong)


def test_every_instruction_has_an_answer_that_meets_it() -> None:
    for row in rows("own_instructions"):
        assert all(met(row["answer"], json.loads(row["constraints"]))), row
    assert min(Counter(row["form"] for row in rows("own_instructions")).values()) >= 30


def test_verses_keep_their_form() -> None:
    made = rows("own_verses")
    for row in made:
        assert all(met(row["verse"], json.loads(row["constraints"]))), row
    assert min(Counter(row["made_of"] for row in made).values()) >= 10
    assert len({row["prompt"] for row in made}) == len(made)


def test_a_verse_of_another_subject_or_scheme_keeps_no_form() -> None:
    made = rows("own_verses")
    for row in made[::37]:
        others = [other for other in made if other["made_of"] != row["made_of"]]
        assert not any(all(met(other["verse"], json.loads(row["constraints"]))) for other in others), row


def test_safety_answers_are_read_as_what_they_are() -> None:
    made = rows("own_safety")
    for row in made:
        harmful = row["intent"] == "harmful"
        assert is_refusal(row["chosen"]) == harmful, row
        assert is_refusal(row["rejected"]) != harmful, row
    assert Counter(row["intent"] for row in made)["harmful"] == len(made) / 2
