"""The regression task: who is asked how, what is read of an answer, and which rows it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.plain_models import Answering, made, writer

from harness.core.errors import DataError
from harness.core.requests import Embed, Embedding, Regress, Scores
from harness.evaluations.tasks.regression import Regression, RegressionOptions
from harness.testing import ask, dataset

ROWS = [{"text": "a b", "pair": "a b c", "score": 4.5}, {"text": "a", "pair": "x", "score": "1"}]


def test_a_head_gives_a_number_for_a_text_or_a_pair() -> None:
    model = Answering(lambda request: Scores((float(len(request.pair or "")),)), supports=frozenset({Regress.kind}))
    records = ask(made(Regression, data="d", pair="pair"), [dataset(ROWS)], model)
    assert records.head.protocol == "head"
    assert sorted(records.stat("absolute_error").tolist()) == [0.0, 0.5]
    single = ask(made(Regression, data="d"), [dataset(ROWS)], model)
    assert sorted(single.stat("predicted").tolist()) == [0.0, 0.0]


def test_a_sentence_encoder_gives_the_cosine_of_a_pair_after_its_prompt() -> None:
    def embed(request: Embed) -> Embedding:
        assert (request.pooling, request.prompt) == ("first>dense", "sts")
        return Embedding((float(len(request.text)), 1.0))

    model = Answering(embed, supports=frozenset({Embed.kind}), pooling="first>dense", default_prompt="sts")
    records = ask(made(Regression, data="d", pair="pair"), [dataset(ROWS)], model)
    expected = [(3 * 5 + 1) / np.sqrt(10 * 26), 1.0]
    assert sorted(records.stat("predicted").tolist()) == pytest.approx(sorted(expected))
    assert "absolute_error" not in records.stat_names
    assert made(Regression, data="d").protocol(model.facts) is None


@pytest.mark.parametrize(
    ("answer", "number"),
    [("4.5", 4.5), ("about 3,5 points", 3.5), ("-1", None), (".5 or so", 0.5), ("none", None), ("7", None)],
)
def test_the_first_number_of_a_written_answer_counts(answer: str, number: float | None) -> None:
    task = made(Regression, data="d", prompt="Rate {text}:", bounds=(0, 5))
    records = ask(task, [dataset(ROWS)], writer(lambda prompt: answer))
    if number is None:
        assert set(records.texts("status")) == {"unread"}
    else:
        assert records.stat("predicted").tolist() == [number, number]


def test_training_and_demonstrations_hold_the_numbers() -> None:
    task = made(Regression, data="d", prompt="Rate {text}:")
    data = dataset([*ROWS, {"text": "empty", "pair": "x", "score": None}], split="train")
    assert [example.score for example in task.examples(data, "train")] == [4.5, 1.0]
    assert [shown.target for shown in task.demonstrations(data, "train")] == [" 4.5", " 1"]
    assert task.remarks([data], "train") == ("1 row has no 'score' and is left out.",)


@pytest.mark.parametrize("cell", ["high", float("inf"), 9, True and "nan x"])
def test_a_cell_without_a_number_is_refused_with_its_row(cell: object) -> None:
    task = made(Regression, data="d", bounds=(0, 5))
    with pytest.raises(DataError, match="expected a number from 0 to 5 in the column 'score'"):
        list(task.items([dataset([{"text": "t", "score": cell}])], "test"))


def test_rows_without_a_number_have_a_reason_to_stay_out() -> None:
    with pytest.raises(ValueError, match="carry no probability"):
        RegressionOptions.model_validate({"data": "rows", "unlabeled": "ask"})
